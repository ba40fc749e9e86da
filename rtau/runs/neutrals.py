"""The neutrals of a run: taken from its source, a picture or a clip, or read from a file.

A video is read up to the end of its neutral seconds first, by the same settings and so with the
same track numbers; a camera's neutral is taken while the run goes on.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rtau.baseline import EVERYONE, Baseline, Neutrals, Span
from rtau.config import DecideConfig, RunConfig
from rtau.contract import ModelContract, sha256_of
from rtau.errors import UsageError
from rtau.protocols import Engine, Source
from rtau.replacing import replacing
from rtau.runs.build import build_runner
from rtau.runs.run_record import NeutralRecord
from rtau.shown import message
from rtau.sources import IMAGE_SUFFIXES, open_file
from rtau.sources.excerpt import Excerpt
from rtau.sources.images import ImageSource
from rtau.status import ViewControls
from rtau.strict_parser import StrictParser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SUFFIX = ".neutral.toml"
SCHEMA = 1
# A second face in so many of the frames makes it unclear whose neutral a clip shows.
OTHERS = 0.2


def takes_neutral(config: DecideConfig, contract: ModelContract, *, is_live: bool) -> bool:
    """Returns whether a run has a neutral, or may get one while it goes on.

    Raises:
        UsageError: one is asked for, and the model's labels are not Action Units.
    """
    is_asked = config.neutral is not None or config.decide_by == "n"
    if is_asked and contract.task != "multi_label":
        raise UsageError(f"--neutral needs a model of Action Units, got {contract.name}")
    if config.decide_by == "n" and config.neutral is None and not is_live:
        raise UsageError("--decide-by n needs a neutral: add --neutral 0-5 or --neutral FILE")
    return contract.task == "multi_label" and (is_live or is_asked)


def open_baseline(
    config: RunConfig,
    engine: Engine,
    *,
    open_source: Callable[[], Source],
    is_live: bool = False,
    is_sequence: bool = True,
) -> Baseline | None:
    """Returns the neutrals of a run; None in a run that has none.

    Args:
        config: the settings of the run.
        engine: the model.
        open_source: opens a video once more, for its neutral seconds.
        is_live: whether the source is a camera or a stream.
        is_sequence: whether the frames follow each other.

    Raises:
        UsageError: what is named is no neutral, or of another model.
        RtauError: it cannot be read.
    """
    contract, wanted = engine.contract, config.decide.neutral
    if not takes_neutral(config.decide, contract, is_live=is_live):
        return None
    taken, known = None, _empty(contract, origin="taken while the run went on")
    span = None if wanted is None else Span.parse(wanted)
    if span is not None and not is_sequence:
        raise UsageError(f"--neutral {wanted} is for videos; name a picture of the person")
    if wanted is not None and span is None:
        known = neutrals_from(Path(wanted), config, engine)
    elif span is not None and not is_live:
        taken, span = neutrals_in(open_source(), config, engine, span=span), None
        known = taken.neutrals
    baseline = baseline_of(known, contract, config.decide, span=span)
    if taken is not None:
        baseline.refused = taken.refused
    return baseline


def neutrals_in(source: Source, config: RunConfig, engine: Engine, *, span: Span) -> Baseline:
    """Returns what some seconds of a video show: neutrals and refused faces; closes the source.

    Raises:
        UsageError: no face is neutral then.
        RtauError: the video cannot be read.
    """
    part = config.source
    end_s = min(span.end_s, math.inf if part.end is None else part.end)
    excerpt = Excerpt(source, start_s=part.start, end_s=end_s, every=part.every)
    origin = f"{span} s of the video"
    taken = _taken(excerpt, config, engine, span=span, origin=origin)
    if not taken.neutrals.logits:
        why = "; ".join(taken.refusals) or "no face is seen"
        raise UsageError(f"{origin}: {why}; name other seconds")
    return taken


def neutrals_from(path: Path, config: RunConfig, engine: Engine) -> Neutrals:
    """Returns the neutral of a picture or a clip of one person, or the neutrals of a file of them.

    Raises:
        UsageError: it is no neutral face of one person, or of another model.
        RtauError: it cannot be read.
    """
    if path.suffix == ".toml":
        return read_neutrals(path, contract=engine.contract)
    is_image = path.suffix.lower() in IMAGE_SUFFIXES
    source = ImageSource([path]) if is_image else open_file(path)
    everything = Span(0.0, math.inf)
    name = message(str(path))
    alone = dataclasses.replace(config, find=dataclasses.replace(config.find, seat=(), faces=None))
    taken = _taken(source, alone, engine, span=everything, origin=name, is_sequence=not is_image)
    face = _only_face(taken.frames, origin=name)
    if face in taken.refused:
        raise UsageError(f"{name}: not a neutral face: {taken.refused[face]}")
    only = {EVERYONE: taken.neutrals.logits[face]}
    return dataclasses.replace(taken.neutrals, logits=only)


def read_neutrals(path: Path, *, contract: ModelContract | None = None) -> Neutrals:
    """Returns the neutrals that an earlier run wrote.

    Raises:
        UsageError: it cannot be read, or is of another model than `contract`.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: the neutral cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a file of neutrals ({error})") from None
    if payload.pop("schema", None) != SCHEMA:
        raise UsageError(f"{path}: not a file of neutrals with schema {SCHEMA}")
    try:
        found = StrictParser(error=UsageError).parse(Neutrals, payload)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    for key, logits in found.logits.items():
        if len(logits) != len(found.labels) or not all(map(math.isfinite, logits)):
            raise UsageError(f"{path}: face {key} must have {len(found.labels)} numbers")
    if contract is not None and found.weights_sha256 != contract.weights_sha256:
        raise UsageError(
            f"{path}: the neutral was taken with other weights than those of {contract.name}; "
            "take it again with this model"
        )
    return found


def write_neutrals(neutrals: Neutrals, *, run_record: Path) -> Path:
    """Writes neutrals beside a run record, as TOML, all of them or nothing; returns the file.

    Raises:
        SinkError: the file cannot be written.
    """
    name = run_record.name.removesuffix(".json").removesuffix(".run")
    path = run_record.with_name(name + SUFFIX)
    with replacing(path) as part:
        part.write_text(_toml(neutrals), encoding="utf-8")
    return path


def neutral_record(
    baseline: Baseline, config: DecideConfig, *, run_record: Path | None
) -> NeutralRecord:
    """Returns what the run record says of the neutrals; writes those of this run beside it.

    Raises:
        SinkError: they cannot be written.
    """
    neutrals = baseline.neutrals
    path = None
    if config.neutral is not None and config.neutral.endswith(".toml") and not baseline.frames:
        path = Path(config.neutral)
    elif run_record is not None and neutrals.logits:
        path = write_neutrals(neutrals, run_record=run_record)
    return record_of(neutrals, path, refused=baseline.refused)


def record_of(
    neutrals: Neutrals, path: Path | None, *, refused: Mapping[str, str]
) -> NeutralRecord:
    """Returns what a run record says of neutrals and of the file that holds them."""
    return NeutralRecord(
        path=None if path is None else str(path),
        sha256=None if path is None else sha256_of(path),
        origin=neutrals.origin,
        share=neutrals.share,
        faces=sorted(neutrals.logits),
        refused=dict(refused),
    )


def _empty(contract: ModelContract, *, origin: str) -> Neutrals:
    return Neutrals(
        labels=contract.labels,
        weights_sha256=contract.weights_sha256,
        share=contract.neutral_share,
        origin=origin,
        logits={},
    )


def baseline_of(
    known: Neutrals, contract: ModelContract, config: DecideConfig, *, span: Span | None = None
) -> Baseline:
    """Returns the baseline of a run that begins with some neutrals, or with none yet."""
    decides = config.decide_by == "n"
    return Baseline(known, thresholds=contract.thresholds, span=span, decides=decides)


def _taken(
    source: Source,
    config: RunConfig,
    engine: Engine,
    *,
    span: Span,
    origin: str,
    is_sequence: bool = True,
) -> Baseline:
    """Returns what a source shows within a span, read by the settings of the run."""
    contract = engine.contract
    baseline = baseline_of(_empty(contract, origin=origin), contract, config.decide, span=span)
    build_runner(
        source,
        engine,
        config=config,
        controls=ViewControls(),
        sinks=(),
        is_sequence=is_sequence,
        baseline=baseline,
    ).run()
    baseline.finish()
    return baseline


def _only_face(frames: dict[str, int], *, origin: str) -> str:
    if not frames:
        raise UsageError(f"{origin}: no face is found; name another picture or clip of the person")
    face = max(frames, key=frames.__getitem__)
    others = [one for one in frames if one != face and frames[one] > OTHERS * frames[face]]
    if others:
        raise UsageError(
            f"{origin}: {len(others) + 1} faces are seen, and a neutral is of one person; cut the "
            "others off, or take seconds of the video itself (--neutral 0-5)"
        )
    return face


def _toml(neutrals: Neutrals) -> str:
    lines = [
        "# Neutral faces: log-odds of the raw probabilities at rest, per label.",
        f"schema = {SCHEMA}",
        f"origin = {_text(neutrals.origin)}",
        f"weights_sha256 = {_text(neutrals.weights_sha256)}",
        f"share = {float(neutrals.share)}",
        f"labels = [{', '.join(map(_text, neutrals.labels))}]",
        "",
        "[logits]",
        *(
            f"{_text(key)} = [{', '.join(map(str, logits))}]"
            for key, logits in neutrals.logits.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Returns a text as TOML, which writes printable text as JSON does."""
    return json.dumps(message(value), ensure_ascii=False)
