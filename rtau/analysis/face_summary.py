"""One row per file and face: how long it was seen and usable, and what each label did meanwhile.

Means, deviations and shares are over time, not over rows, and over the frames that show the face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rtau import columns as names
from rtau.analysis.event_detection import Event, EventRule, find_events, signal_of
from rtau.analysis.face_series import FaceSeries, FileFrames, Floats, GroupBy, files_of, labels_of
from rtau.table import Column, Table, text_column

# Smiles with the cheeks raised: the two labels of the column that counts them together.
TOGETHER = ("AU06", "AU12")
# Digits of shares and of statistics: more than any of them means.
DIGITS = 6
P95 = 0.95


def summary(
    table: Table,
    rule: EventRule | None = None,
    *,
    thresholds: Mapping[str, float] | None = None,
    by: GroupBy = "auto",
    all_rows: bool = False,
) -> Table:
    """Returns one row per file and face; a file without a face has one with an empty `face`.

    Args:
        table: rows per face and frame.
        rule: what counts as an event, and whose values are averaged.
        thresholds: label to the probability from which it is active, as in the run record; None to
            take the table's own decisions, `AU12_c`.
        by: `face`, `seat`, or `auto` for seats where there are some.
        all_rows: use rows that the column `quality` flags, too.

    Raises:
        UsageError: the table lacks what the rule asks for.
    """
    rule = EventRule() if rule is None else rule
    rows: list[dict[str, Any]] = []
    for frames in files_of(table, by=by, all_rows=all_rows):
        first: dict[str, Any] = {"file": frames.file} if names.FILE in table.columns else {}
        rows += [
            {**first, **_face(frames, series, rule=rule, thresholds=thresholds)}
            for series in frames.faces
        ] or [{**first, **_nobody(frames)}]
    return _table_of(rows)


def weighted_mean(values: Floats, weights: Floats) -> float:
    """Returns the mean over time of the values that are known; NaN if none is."""
    known = ~np.isnan(values)
    total = weights[known].sum()
    return float((weights[known] * values[known]).sum() / total) if total > 0 else np.nan


def weighted_deviation(values: Floats, weights: Floats) -> float:
    """Returns the standard deviation over time, divided by the time (not by n - 1)."""
    return float(np.sqrt(weighted_mean((values - weighted_mean(values, weights)) ** 2, weights)))


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Returns the smallest value that at least `share` of the time does not exceed."""
    known = ~np.isnan(values) & (weights > 0)
    if not known.any():
        return np.nan
    order = np.argsort(values[known], kind="stable")
    reached = np.cumsum(weights[known][order])
    place = int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))
    return float(values[known][order][place])


def _face(
    frames: FileFrames,
    series: FaceSeries,
    *,
    rule: EventRule,
    thresholds: Mapping[str, float] | None,
) -> dict[str, Any]:
    durations_s, usable = series.durations_s, series.usable
    total, usable_s = float(durations_s.sum()), float(durations_s[usable].sum())
    found = find_events(series, rule, thresholds=thresholds)
    row: dict[str, Any] = {
        "face": series.face,
        **_time(frames),
        "frames_seen": int(series.seen.sum()),
        "seen": _share(float(durations_s[series.seen].sum()), total),
        "frames_usable": int(usable.sum()),
        "usable": _share(usable_s, total),
        "usable_s": usable_s,
    }
    for label in labels_of(series.table):
        own = [event for event in found if event.au == label]
        row |= _values(series, label, rule)
        row[f"active_{label}"] = _active(series, label, rule=rule, thresholds=thresholds)
        row |= _events(label, own, usable_s=usable_s)
    both = [names.decision_column(label) for label in TOGETHER]
    if all(name in series.table.columns for name in both):
        product = series.values(both[0]) * series.values(both[1])
        row["active_" + "_".join(TOGETHER)] = weighted_mean(product[usable], durations_s[usable])
    return row


def _values(series: FaceSeries, label: str, rule: EventRule) -> dict[str, float]:
    kinds = "prn" if rule.values == "auto" else rule.values
    column = next((f"{label}_{k}" for k in kinds if f"{label}_{k}" in series.table.columns), None)
    if column is None:
        return {}
    values, weights = series.values(column)[series.usable], series.durations_s[series.usable]
    return {
        f"mean_{label}": weighted_mean(values, weights),
        f"sd_{label}": weighted_deviation(values, weights),
        f"p95_{label}": weighted_quantile(values, weights, P95),
    }


def _active(
    series: FaceSeries,
    label: str,
    *,
    rule: EventRule,
    thresholds: Mapping[str, float] | None,
) -> float:
    """Returns the share of the usable time in which a label is active.

    The table's own decisions count, unless other values are asked for.
    """
    decision = names.decision_column(label)
    if rule.values == "auto" and rule.threshold is None and decision in series.table.columns:
        active = series.values(decision)
    else:
        signal = signal_of(series, label, rule, thresholds=thresholds)
        active = (signal.values >= signal.on).astype(np.float64)
    return weighted_mean(active[series.usable], series.durations_s[series.usable])


def _events(label: str, events: Sequence[Event], *, usable_s: float) -> dict[str, float]:
    whole = [event.duration_s for event in events if event.censored == "no"]
    return {
        f"events_per_min_{label}": len(events) / usable_s * 60 if usable_s > 0 else np.nan,
        f"median_duration_s_{label}": float(np.median(whole)) if whole else np.nan,
    }


def _nobody(frames: FileFrames) -> dict[str, Any]:
    nothing = {"frames_seen": 0, "seen": 0.0, "frames_usable": 0, "usable": 0.0, "usable_s": 0.0}
    return {"face": None, **_time(frames), **nothing}


def _time(frames: FileFrames) -> dict[str, Any]:
    return {"duration_s": float(frames.durations_s.sum()), "frames": len(frames.times_s)}


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else np.nan


def _table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Returns rows as a table; what a row lacks is not known."""
    order = {name: None for row in sorted(rows, key=len, reverse=True) for name in row}
    return Table({name: _column([row.get(name) for row in rows]) for name in order})


def _column(values: Sequence[Any]) -> Column:
    if any(isinstance(value, str) for value in values) or all(value is None for value in values):
        return text_column(values)
    if all(isinstance(value, int) for value in values):
        return np.array(values, np.int64)
    known: Floats = np.array([np.nan if value is None else value for value in values], float)
    return np.asarray(known.round(DIGITS))
