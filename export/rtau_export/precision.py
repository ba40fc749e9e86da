"""Makes an FP16 or INT8 file of an exported float32 one, and measures the change.

The change is written into the contract; beyond the limits nothing is written. Needs onnx and ONNX
Runtime, no torch. Called by `rtau-export onnx --precision`.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import onnx

from rtau.backends import open_engine
from rtau.backends.parity import Difference, difference, probe_crops
from rtau.contract import Int8Profile, ModelContract, ParityRecord, Precision
from rtau.data import Image, Scores
from rtau.errors import ContractError, UsageError
from rtau_export import _fp16, int8, verify
from rtau_export._parity_record import parity_record
from rtau_export._rounding import feedback_of
from rtau_export._second_moments import patch_second_moments
from rtau_export.calibration import CalibrationSet, read_calibration
from rtau_export.labelled import LabelledPictures, macro_f1, read_labelled
from rtau_export.onnx_file import OnnxFile, read_onnx
from rtau_export.onnx_proto import load_checked, stamped, write_model

# The largest fall of the macro-F1 on a labelled folder. Half of what another sample of faces
# changes it by; a model that falls further is a worse model under the same name.
MOST_F1_LOST = 0.01

Progress = Callable[[str], object]


@dataclasses.dataclass(frozen=True)
class Reduction:
    """How a file is to be reduced."""

    precision: Precision
    profile: Int8Profile = "cpu"
    calibrate: Path | None = None
    """Folder of face crops; INT8 needs one."""
    labelled: Path | None = None
    """Labelled folder for the macro-F1; None leaves that metric out."""
    ranges: int8.Ranges | Literal["best"] = "best"
    """How INT8 takes its ranges; `best` tries all and keeps the one that changes least."""


@dataclasses.dataclass(frozen=True)
class _Reference:
    """Pictures on which a reduced file is compared, and the scores of the float32 file on them."""

    origin: str
    images_rgb: Image
    wanted: Scores
    truth: LabelledPictures | None


@dataclasses.dataclass(frozen=True)
class _Draft:
    """A reduced model and how far it is from the float32 file."""

    proto: onnx.ModelProto
    how: str
    runner: str
    change: Difference
    f1_change: float | None


def reduce_file(
    source: Path, out: Path, wanted: Reduction, /, *, progress: Progress
) -> ModelContract:
    """Returns the contract of the file it wrote to `out`, its side-car beside it.

    Args:
        source: a float32 file of `rtau-export onnx`.
        out: where the reduced file goes.
        wanted: the precision and the pictures.
        progress: called with a line after each candidate.

    Raises:
        UsageError: the request contradicts itself or the file.
        ContractError: the file is broken, or the change is beyond the limits; nothing is written.
        SourceOpenError: a picture or the labels cannot be read.
    """
    if out.suffix != ".onnx" or not out.parent.is_dir() or out.resolve() == source.resolve():
        raise UsageError(f"{out}: --out must be another NAME.onnx in a folder that exists")
    file = read_onnx(source)
    if file.contract.precision != "fp32":
        raise UsageError(f"{source} is {file.contract.precision} already; give the fp32 file")
    proto = load_checked(file.content, origin=str(source))
    contract = dataclasses.replace(
        file.contract,
        name=out.stem,
        precision=wanted.precision,
        int8_profile=wanted.profile if wanted.precision == "int8" else None,
    )
    size = contract.input_size
    pictures = None if wanted.calibrate is None else read_calibration(wanted.calibrate, size=size)
    reference = _reference(file, pictures, wanted.labelled)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        draft_path = Path(folder) / out.name
        drafts = []
        for how, reduced in _reduced(proto, wanted, pictures):
            draft = _evaluated(reduced, contract, reference, how=how, path=draft_path)
            progress(f"{how}: {_metrics_text(draft)}")
            drafts.append(draft)
        best = min(drafts, key=lambda draft: draft.change.mean_dp)
        _check_limits(best, contract.precision, name=out.name)
        contract = dataclasses.replace(contract, parity=_parity(best, file, reference))
    write_model(out, stamped(best.proto, contract), contract)
    return contract


def _reduced(
    proto: onnx.ModelProto, wanted: Reduction, pictures: CalibrationSet | None
) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Yields each candidate, with how it was made in one line."""
    if pictures is None or wanted.precision != "int8":
        yield "float16 between the normalisation and the pooling", _fp16.halve(proto)
        return
    second_moments = patch_second_moments(proto, pictures.fitting)
    # Each matrix is freed once it has been used: those of VGG19 take 800 MB, as does its feedback.
    feedback = {name: feedback_of(second_moments.pop(name)) for name in list(second_moments)}
    methods = tuple(int8.METHODS) if wanted.ranges == "best" else (wanted.ranges,)
    for ranges in methods:
        how = (
            f"int8 for {int8.READERS[wanted.profile]}, weights per channel, rounded with feedback, "
            f"{ranges} ranges of {len(pictures.fitting)} pictures of {pictures.name}"
        )
        reduced = int8.quantise(
            proto, pictures.fitting, profile=wanted.profile, ranges=ranges, feedback=feedback
        )
        yield how, reduced


def _reference(
    file: OnnxFile, pictures: CalibrationSet | None, labelled: Path | None
) -> _Reference:
    """Returns the pictures to compare on: labelled ones, unseen crops, or seeded patterns."""
    contract, truth = file.contract, None
    if labelled is not None:
        truth = read_labelled(labelled, contract)
        origin, images = f"labelled pictures of {truth.name}", truth.images_rgb
    elif pictures is not None:
        origin, images = f"pictures of {pictures.name} that set no range", pictures.held_out
    else:
        origin = "seeded patterns, no faces"
        images = probe_crops(verify.PROBES, size=contract.input_size)
    with closing(open_engine(str(file.path), provider="cpu")) as engine:
        wanted = verify.infer(engine, images)
    return _Reference(origin, images, wanted, truth)


def _evaluated(
    proto: onnx.ModelProto,
    contract: ModelContract,
    reference: _Reference,
    /,
    *,
    how: str,
    path: Path,
) -> _Draft:
    """Returns a candidate with its metrics, from running it as the runtime does."""
    path.write_bytes(stamped(proto, contract))
    with closing(open_engine(str(path), provider="cpu")) as engine:
        got, runner = verify.infer(engine, reference.images_rgb), engine.device
    change = difference(reference.wanted, got, contract)
    f1_change = None
    if reference.truth is not None:
        before, after = (
            macro_f1(scores, contract, reference.truth) for scores in (reference.wanted, got)
        )
        f1_change = after - before
    return _Draft(proto, how, runner, change, f1_change)


def _check_limits(draft: _Draft, precision: Precision, /, *, name: str) -> None:
    lost = draft.f1_change is not None and draft.f1_change < -MOST_F1_LOST
    limits = verify.TOLERANCES[precision]
    if limits.covers(draft.change) and not lost:
        return
    raise ContractError(
        f"{name} changes too much: {_metrics_text(draft)}; the limits of {precision} are "
        f"max |dlogit| {limits.max_dlogit:g}, max |dp| {limits.max_dp:g}, mean |dp| "
        f"{limits.mean_dp:g}, {limits.changed_share:.1%} of the decisions, CAM correlation "
        f"{limits.cam_correlation:g}, landmarks {limits.max_dlandmark:g} sides, macro-F1 "
        f"-{MOST_F1_LOST:g}; nothing was written: give more and better --calibrate pictures, or a "
        "higher precision"
    )


def _metrics_text(draft: _Draft) -> str:
    change = draft.change
    parts = [
        f"max |dlogit| {change.max_dlogit:.3g}, max |dp| {change.max_dp:.4f}",
        f"mean |dp| {change.mean_dp:.5f}",
        f"{change.changed_decisions} of {change.decisions} decisions changed",
    ]
    if change.cam_correlation is not None:
        parts.append(f"CAM correlation {change.cam_correlation:.4f}")
    if change.max_dlandmark is not None:
        parts.append(f"landmarks moved by {change.max_dlandmark:.4f} sides")
    if draft.f1_change is not None:
        parts.append(f"macro-F1 {draft.f1_change:+.4f}")
    return ", ".join(parts)


def _parity(draft: _Draft, file: OnnxFile, reference: _Reference) -> ParityRecord:
    return parity_record(
        draft.change,
        reference=f"the float32 file {file.path.name}",
        reference_sha256=file.sha256,
        runner=draft.runner,
        conversion=draft.how,
        images=len(reference.images_rgb),
        images_origin=reference.origin,
        macro_f1_difference=draft.f1_change,
    )
