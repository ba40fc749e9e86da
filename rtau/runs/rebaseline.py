"""Brings a table of an earlier run to the persons' own neutrals, from its raw probabilities.

Calls the functions that a run calls, so the columns `_n` are those a run would have written.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtau import columns as names
from rtau.analysis.face_series import FaceSeries, FileFrames, files_of
from rtau.baseline import NeutralRefusedError, Neutrals, Observation, Span, calibrated, neutral_of
from rtau.contract import NEUTRAL_SHARE
from rtau.errors import UsageError
from rtau.runs.neutrals import read_neutrals, record_of, write_neutrals
from rtau.runs.outputs import run_record_of
from rtau.runs.result_tables import read_record, thresholds_in
from rtau.runs.run_record import write_json
from rtau.sinks import calibrated_texts
from rtau.table import Column, Table, read_csv

_PROBABILITY = re.compile(r"(AU\d\d)_p")
# The threshold of a smile where no run record tells the model's.
_THRESHOLD = 0.5


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Rebaselined:
    """A table with the columns `_n`."""

    table: Table
    """Its rows, in order."""
    neutrals: tuple[Neutrals, ...]
    """Those of each file of the table."""
    refused: tuple[str, ...]
    """A sentence for each face that has no neutral."""
    record: Mapping[str, Any]
    """The run record of the table; empty without one."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Earlier:
    """What is known of the model of an earlier run."""

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    share: float
    weights_sha256: str


def rebaseline(path: Path, wanted: str, *, decides: bool = False) -> Rebaselined:
    """Returns the table of a CSV relative to the neutrals that `--neutral` means.

    Args:
        path: a CSV of rtau.
        wanted: seconds of the video (`0-5`), or a file of neutrals.
        decides: whether the decisions are made anew, by the columns `_n`.

    Raises:
        SourceOpenError: the CSV cannot be read.
        UsageError: it has no raw probabilities, no face is neutral, or decisions cannot be redone.
    """
    table, record = read_csv(path), read_record(run_record_of(path)) or {}
    labels = tuple(one[1] for name in table.columns if (one := _PROBABILITY.fullmatch(name)))
    if not labels:
        raise UsageError(f"{path}: no raw probabilities (AU12_p), which a neutral belongs to")
    if decides:
        _check_decisions(path, record)
    model = record.get("model") or {}
    known = thresholds_in(record)
    earlier = _Earlier(
        labels,
        tuple(known.get(label, _THRESHOLD) for label in labels),
        model.get("neutral_share", NEUTRAL_SHARE),
        model.get("weights_sha256", ""),
    )
    span, given = Span.parse(wanted), None
    if span is None:
        given = _given(wanted, labels)
    values = np.full((len(table), len(labels)), np.nan, np.float32)
    found: list[Neutrals] = []
    refused: list[str] = []
    for frames in files_of(table, all_rows=True):
        neutrals = given or _taken(frames, earlier, span, refused=refused)
        found.append(neutrals)
        for series in frames.faces:
            logits = neutrals.of(series.face)
            if logits is not None:
                rows, raw = _raw(series, labels)
                values[rows] = calibrated(raw, logits, share=neutrals.share)
    if np.isnan(values).all():
        raise UsageError(f"{path}: {'; '.join(refused) or 'no face is seen'}; name other seconds")
    result = _with_columns(table, values, earlier, decides=decides)
    return Rebaselined(result, tuple(found), tuple(refused), record)


def write_beside(found: Rebaselined, table: Path, out: Path) -> None:
    """Writes what belongs to a table that is written: its neutrals, of one video, and its record.

    Raises:
        SinkError: they cannot be written.
    """
    place = run_record_of(out)
    one = found.neutrals[0] if len(found.neutrals) == 1 else None
    if one is not None:
        path = write_neutrals(one, run_record=place)
    if found.record:
        neutral = None
        if one is not None:
            neutral = dataclasses.asdict(record_of(one, path, refused={}))
        notes = [*found.record.get("notes", ()), *found.refused, f"rebaselined from {table}"]
        own = {"outputs": {"csv": str(out)}, "neutral": neutral, "notes": notes}
        write_json(place, {**found.record, **own}, description="run record")


def _given(wanted: str, labels: tuple[str, ...]) -> Neutrals:
    if not wanted.endswith(".toml"):
        raise UsageError(
            f"--neutral must be seconds (0-5) or a .neutral.toml here, got {wanted!r}; "
            "`rtau image PICTURE --neutral PICTURE --csv FILE.csv` writes one of a picture"
        )
    given = read_neutrals(Path(wanted))
    if given.labels != labels:
        raise UsageError(f"{wanted}: the labels must be those of the table, {', '.join(labels)}")
    return given


def _check_decisions(path: Path, record: Mapping[str, Any]) -> None:
    decide = record.get("settings", {}).get("decide")
    if decide is None:
        raise UsageError(f"{path}: --decide-by n needs the run record, for the thresholds")
    if decide["smooth"] or decide["hysteresis"]:
        raise UsageError(
            f"{path}: --decide-by n cannot redo decisions with smoothing or hysteresis; run the "
            "video again with --neutral and --decide-by n"
        )


def _taken(
    frames: FileFrames, earlier: _Earlier, span: Span | None, *, refused: list[str]
) -> Neutrals:
    """Returns the neutrals of a file; faces without one are told to `refused`."""
    assert span is not None  # a span or given neutrals
    logits = {}
    for series in frames.faces:
        observations = _observations(series, earlier.labels, span)
        if not observations:
            continue
        try:
            logits[series.face] = neutral_of(
                observations, labels=earlier.labels, thresholds=earlier.thresholds
            )
        except NeutralRefusedError as error:
            where = "" if series.file is None else f"{series.file}: "
            refused.append(f"{where}neutral of face {series.face} refused: {error}")
    return Neutrals(
        labels=earlier.labels,
        weights_sha256=earlier.weights_sha256,
        share=earlier.share,
        origin=f"{span} s of the video",
        logits=logits,
    )


def _raw(
    series: FaceSeries, labels: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Returns the rows of a face, and their raw probabilities (n, A)."""
    rows = series.rows[series.seen]
    cells = [series.table[names.probability_column(label)][rows] for label in labels]
    return rows, np.stack(cells, axis=1).astype(np.float32)


def _observations(series: FaceSeries, labels: Sequence[str], span: Span) -> list[Observation]:
    table = series.table
    rows, raw = _raw(series, labels)
    inside = [span.holds(time_s) for time_s in series.times_s[series.seen].tolist()]
    has_pose = names.PITCH in table.columns
    observations = []
    for row, values, is_inside in zip(rows.tolist(), raw, inside, strict=True):
        if is_inside:
            pose = (
                (float(table[names.PITCH][row]), float(table[names.YAW][row])) if has_pose else None
            )
            reasons = table.columns.get(names.QUALITY_REASON)
            why = "" if reasons is None else reasons[row] or ""
            observations.append(Observation(values, pose, tuple(why.split("; ")) if why else ()))
    return observations


def _with_columns(
    table: Table, values: npt.NDArray[np.float32], earlier: _Earlier, *, decides: bool
) -> Table:
    """Returns the table with the columns `_n` where a run has them, after those of the `_p`."""
    texts = np.full(values.shape, "nan", object)
    known = ~np.isnan(values).any(axis=1)
    for row in np.flatnonzero(known).tolist():
        texts[row] = calibrated_texts(values[row], earlier.thresholds)
    calibrated_columns: dict[str, Column] = {
        names.calibrated_column(label): texts[:, k].astype(np.float64)
        for k, label in enumerate(earlier.labels)
    }
    last = max(
        k for k, name in enumerate(table.columns) if _PROBABILITY.fullmatch(name) is not None
    )
    kept = list(table.columns.items())
    before = dict(kept[: last + 1])
    after = {name: column for name, column in kept[last + 1 :] if name not in calibrated_columns}
    columns = {**before, **calibrated_columns, **after}
    if decides:
        limits = np.array(earlier.thresholds, np.float32)
        for k, label in enumerate(earlier.labels):
            name = names.decision_column(label)
            columns[name] = np.where(known, values[:, k] >= limits[k], columns[name])
    return Table(columns, table.source)
