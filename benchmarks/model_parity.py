"""Compares every file rtau makes of a trained network with torch, for docs/parity.md.

The checkpoint is exported bare, with Grad-CAM and with Grad-CAM++, then reduced to FP16 and INT8
for CPUs and for TensorRT, by the functions of `rtau-export`; every file is run with ONNX Runtime
and, where it is installed, OpenVINO. TensorRT for RTX builds what it may. Times nothing.

    PYTHONPATH=.:train:export python benchmarks/model_parity.py RUN \
        --calibrate FOLDER --write docs/parity.md
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.document import origin, write_measured
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau.backends.parity import Difference, as_crops, difference
from rtau.contract import CamMethod, Int8Profile, ModelContract, Precision
from rtau.data import Scores
from rtau.errors import ContractError
from rtau_export.engine import build_engines
from rtau_export.engine_progress import BuildPhases
from rtau_export.engine_target import EngineRequest
from rtau_export.labelled import LabelledPictures, macro_f1, read_labelled
from rtau_export.onnx import PARITY_BATCHES, export
from rtau_export.precision import Reduction, reduce_file
from rtau_train.models.cam import logits_and_cams
from rtau_train.models.checkpoint import Model, load_model

FACES = Path(__file__).resolve().parents[1] / "tests" / "data" / "synth-facs"
SCRIPT = "benchmarks/model_parity.py"
CAMS: tuple[CamMethod | None, ...] = (None, "gradcam", "gradcam++")
REDUCED: tuple[tuple[Precision, Int8Profile], ...] = (
    ("fp16", "cpu"),
    ("int8", "cpu"),
    ("int8", "trt"),
)
LIBRARIES = {"cpu": "ONNX Runtime", "openvino": "OpenVINO"}
# Rows torch takes at once; all of them would fill the memory.
ROWS = 16
HEAD = (
    "| file | heatmaps | run with | dlogit, N = "
    + " | ".join(map(str, PARITY_BATCHES))
    + " | max dp | mean dp | changed | CAM r | macro-F1 |\n|---|---|---|"
    + "---|" * (len(PARITY_BATCHES) + 5)
)


@dataclasses.dataclass(frozen=True)
class File:
    """One exported file, or why there is none."""

    path: Path
    kind: str
    """`fp32`, `int8 for trt`."""
    cams: CamMethod | None
    refused: str | None = None
    """The line with which `rtau-export` refused to write it."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """The scores of torch on the labelled faces."""

    truth: LabelledPictures
    scores: Scores
    f1: float


def main() -> None:
    """Prints the page's measured part, or writes it."""
    parser = StrictArgumentParser(description="Compare every exported file with torch.")
    parser.add_argument("run", type=Path, metavar="RUN", help="a checkpoint, or its folder")
    parser.add_argument("--faces", type=Path, default=FACES, metavar="FOLDER", help="labelled")
    parser.add_argument("--calibrate", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(arguments.run)
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(section(model, arguments, Path(folder)))
    if arguments.write:
        write_measured(arguments.write, text, script=f"{SCRIPT} {model.recipe.network.name}")
    else:
        sys.stdout.write(text + "\n")


def section(model: Model, arguments: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Yields the lines about one network."""
    files = [*written(model, folder)]
    files += [*reduced(files, arguments, folder)]
    contract = _contract(files[0])
    yield origin("torch", "onnx", "onnxruntime", *_optional("openvino"))
    truth = read_labelled(arguments.faces, contract)
    references = reference(model, contract, truth)
    grids = {
        "x".join(map(str, one.scores.cams.shape[2:]))
        for one in references.values()
        if one.scores.cams is not None
    }
    yield (
        f"\n{contract.input_size} px, heatmaps of {', '.join(grids)} cells. Weights SHA-256 "
        f"`{model.weights_sha256()}`, recipe `{model.recipe_path}`. "
        f"{len(truth.images_rgb)} labelled pictures of {truth.name}, on "
        f"which torch has a macro-F1 of {references[None].f1:.4f} at the checkpoint's thresholds; "
        f"INT8 has its ranges from {arguments.calibrate.name}, of the kind that changes least.\n"
    )
    yield HEAD
    for file in files:
        _say(f"comparing {file.path.name}")
        yield from rows(file, references[file.cams], contract)
    for file in files:
        if file.refused is not None:
            yield f"\nRefused, {file.kind} with {file.cams}: {file.refused}"
    yield f"\nTensorRT for RTX: {'; '.join(built(files))}."


def written(model: Model, folder: Path) -> Iterator[File]:
    """Yields the float32 files; each was proved equal to torch before it took its name."""
    for method in CAMS:
        path = folder / f"{method or 'bare'}.onnx"
        _say(f"exporting {model.recipe.network.name} {path.stem}")
        export(model, path, cam_method=method, crop=model.recipe.shipping.haar_crop)
        yield File(path, "fp32", method)


def reduced(sources: list[File], arguments: argparse.Namespace, folder: Path) -> Iterator[File]:
    """Yields the files of lower precision, made of each float32 one with heatmaps."""
    for source in (one for one in sources if one.cams is not None):
        for precision, profile in REDUCED:
            kind = precision if precision == "fp16" else f"{precision} for {profile}"
            path = folder / f"{source.path.stem}-{kind.replace(' ', '-')}.onnx"
            wanted = Reduction(
                precision=precision,
                profile=profile,
                calibrate=arguments.calibrate if precision == "int8" else None,
                # FP16 changes no decision there, and its heatmaps need faces. INT8 is compared on
                # the other half of the calibration pictures: the limit on the macro-F1 is for
                # 2,000 pictures, and with 120 chance changes it more.
                labelled=arguments.faces if precision == "fp16" else None,
                ranges="best",
            )
            why = None
            try:
                reduce_file(source.path, path, wanted, progress=_say)
            except ContractError as error:
                why = str(error)
            yield File(path, kind, source.cams, refused=why)


def reference(
    model: Model, contract: ModelContract, truth: LabelledPictures
) -> dict[CamMethod | None, Reference]:
    """Returns the scores of torch on every labelled picture, for each kind of heatmap."""
    net = model.network()
    found: dict[CamMethod | None, list[list[Tensor]]] = {method: [] for method in CAMS}
    images = torch.from_numpy(truth.images_rgb)
    with torch.inference_mode():
        for some in images.split(ROWS):
            maps = net.features(some)
            found[None].append([net.logits_of(net.pooling(maps))])
            for method in CAMS:
                if method is not None:
                    outputs = logits_and_cams(
                        maps, net.head, net.pooling, direct=net.direct(), method=method
                    )
                    found[method].append(list(outputs))
    return {method: _reference(parts, contract, truth) for method, parts in found.items()}


def _reference(
    parts: list[list[Tensor]], contract: ModelContract, truth: LabelledPictures
) -> Reference:
    logits, *cams = (torch.cat(some).numpy() for some in zip(*parts, strict=True))
    scores = Scores(
        labels=contract.labels,
        task=contract.task,
        logits=logits,
        cams=cams[0] if cams else None,
    )
    return Reference(truth, scores, macro_f1(scores, contract, truth))


def rows(file: File, wanted: Reference, contract: ModelContract) -> Iterator[str]:
    """Yields a row per library that runs the file."""
    cams = file.cams or "none"
    if file.refused is not None:
        yield f"| {file.kind} | {cams} | refused | " + " | " * (len(PARITY_BATCHES) + 4) + " |"
        return
    # OpenVINO refuses int8 that is made for TensorRT.
    others = () if file.kind == "int8 for trt" else _optional("openvino")
    for provider in ("cpu", *others):
        with closing(open_engine(str(file.path), provider=provider, threads=1)) as engine:
            said = engine.infer(as_crops(wanted.truth.images_rgb), cams=file.cams is not None)
            by_batch = []
            for batch in PARITY_BATCHES:
                crops = as_crops(wanted.truth.images_rgb[:batch])
                got = engine.infer(crops, cams=file.cams is not None)
                by_batch.append(difference(_first(wanted.scores, batch), got, contract))
        whole = difference(wanted.scores, said, contract)
        f1_change = macro_f1(said, contract, wanted.truth) - wanted.f1
        cells = [file.kind, cams, LIBRARIES[provider]]
        cells += [f"{one.max_dlogit:.1e}" for one in by_batch]
        yield f"| {' | '.join([*cells, *_cells(whole)])} | {f1_change:+.4f} |"


def built(files: list[File]) -> Iterator[str]:
    """Yields what TensorRT for RTX built of the files that are for it."""
    if not _optional("tensorrt_rtx"):
        yield "not installed"
        return
    request = EngineRequest(generations=("8.6",), library="tensorrt_rtx")
    for file in files:
        if file.refused is not None or file.kind == "int8 for cpu":
            continue
        engines = build_engines(file.path, request, shown=_unseen)
        sizes = " and ".join(f"{one.size_bytes / 1e6:.1f} MB" for one in engines)
        yield f"{file.kind} {file.cams or 'bare'} parsed and built ({sizes})"


@contextlib.contextmanager
def _unseen(title: str) -> Iterator[BuildPhases]:
    _say(title)
    yield _NoProgress()


class _NoProgress(BuildPhases):
    """No-op progress callbacks of a build."""

    def __init__(self) -> None:
        self.interrupted = False

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        pass

    def step_complete(self, phase_name: str, step: int) -> bool:  # noqa: ARG002 - TensorRT's own
        return True

    def phase_finish(self, phase_name: str) -> None:
        pass


def _cells(found: Difference) -> list[str]:
    correlation = "" if found.cam_correlation is None else f"{found.cam_correlation:.6f}"
    return [
        f"{found.max_dp:.1e}",
        f"{found.mean_dp:.1e}",
        f"{found.changed_decisions}/{found.decisions}",
        correlation,
    ]


def _first(scores: Scores, count: int) -> Scores:
    cams = None if scores.cams is None else scores.cams[:count]
    return Scores(labels=scores.labels, task=scores.task, logits=scores.logits[:count], cams=cams)


def _contract(file: File) -> ModelContract:
    with closing(open_engine(str(file.path), provider="cpu")) as engine:
        return engine.contract


def _optional(module: str) -> tuple[str, ...]:
    return (module,) if importlib.util.find_spec(module) is not None else ()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
