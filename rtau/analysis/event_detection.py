"""Events of Action Units: onset, apex and offset, by hysteresis, minimum duration and gap closing.

The defaults of `EventRule` are measured on clips with known truth (docs/events.md).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from rtau import columns as names
from rtau.analysis.face_series import (
    TIME_TOLERANCE_S,
    FaceSeries,
    Flags,
    Floats,
    GroupBy,
    files_of,
    labels_of,
)
from rtau.errors import UsageError
from rtau.table import Table, text_column

Values = Literal["auto", "p", "n", "r"]
Censored = Literal["no", "onset", "offset", "both"]
# Digits of times in tables, as in those of the results.
DIGITS = names.TIME_DIGITS
# An intensity from here on is an occurrence: FACS's B, the cut of DISFA's and of our own labels.
INTENSITY_THRESHOLD = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class EventRule:
    """What counts as an event; the defaults are measured (docs/events.md)."""

    values: Values = "auto"
    """Which columns: `p` raw probability, `n` calibrated to the person's neutral, `r` intensity;
    `auto` is `p`, or `r` where there is no `p`."""
    threshold: float | None = None
    """An event reaches it; None for the model's own thresholds."""
    hysteresis: float = 0.3
    """How far under the threshold an event goes on, as a share of it in [0, 1]."""
    smooth_s: float = 0.0
    """Width of a centred moving average before, seconds; 0 for none."""
    min_duration_s: float = 0.1
    """Shorter events are left out, seconds."""
    max_gap_s: float = 0.1
    """Shorter interruptions, also of the face, are closed, seconds."""

    def __post_init__(self) -> None:
        for name in ("hysteresis", "smooth_s", "min_duration_s", "max_gap_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name} must be 0 or more, got {value}")
        if self.hysteresis > 1:
            raise UsageError(f"hysteresis must be a share of at most 1, got {self.hysteresis}")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise UsageError(f"threshold must be a number, got {self.threshold}")


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One event of one label and face."""

    au: str
    """The label: `AU12`."""
    file: str | None
    """The file; None where the table is of one video."""
    face: str
    """The number of the track, or the name of the seat."""
    onset_s: float
    """Time of its first frame."""
    apex_s: float
    """Time of the frame with its highest value."""
    offset_s: float
    """Time at which its last frame ends."""
    peak_p: float
    """Highest probability; NaN where the table has none."""
    peak_r: float
    """Highest intensity; NaN where the table has none."""
    censored: Censored
    """Which end was not observed, because the file begins or ends or the face is lost there."""

    @property
    def duration_s(self) -> float:
        """From onset to offset."""
        return self.offset_s - self.onset_s


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """What decides about the events of one label, and what is reported of them."""

    values: Floats
    """One value per frame, (n,); NaN where the face is not usable."""
    on: float
    """An event reaches it."""
    off: float
    """An event lasts while values are at or above it."""
    shown: Floats
    """The values whose highest is the apex, (n,): unsmoothed; of decisions the probability."""


def events(
    table: Table,
    rule: EventRule | None = None,
    *,
    thresholds: Mapping[str, float] | None = None,
    by: GroupBy = "auto",
    all_rows: bool = False,
) -> Table:
    """Returns the events of a table: `au`, `face`, `onset_s`, ...; with `file` if that has it.

    Args:
        table: rows per face and frame.
        rule: what counts as an event.
        thresholds: label to the probability from which it is active, as in the run record; None to
            take the table's own decisions, `AU12_c`.
        by: `face`, `seat`, or `auto` for seats where there are some.
        all_rows: use rows that the column `quality` flags, too.

    Raises:
        UsageError: the table lacks what the rule asks for.
    """
    rule = EventRule() if rule is None else rule
    found = [
        event
        for frames in files_of(table, by=by, all_rows=all_rows)
        for series in frames.faces
        for event in find_events(series, rule, thresholds=thresholds)
    ]
    return event_table(found, with_file=names.FILE in table.columns)


def find_events(
    series: FaceSeries, rule: EventRule, *, thresholds: Mapping[str, float] | None = None
) -> list[Event]:
    """Returns the events of one face, label by label, in time."""
    found = []
    for label in labels_of(series.table):
        signal = signal_of(series, label, rule, thresholds=thresholds)
        spans = spans_of(signal, series, rule)
        found += _events(series, label, signal=signal, spans=spans)
    return found


def event_table(found: Iterable[Event], *, with_file: bool = False) -> Table:
    """Returns events as a table, in the order in which they are given."""
    rows = list(found)
    columns: dict[str, Any] = (
        {"file": text_column([event.file for event in rows])} if with_file else {}
    )
    columns["au"] = text_column([event.au for event in rows])
    columns["face"] = text_column([event.face for event in rows])
    for name in ("onset_s", "apex_s", "offset_s", "duration_s"):
        columns[name] = np.array([getattr(event, name) for event in rows], float).round(DIGITS)
    for name in ("peak_p", "peak_r"):
        columns[name] = np.array([getattr(event, name) for event in rows], float)
    columns["censored"] = text_column([event.censored for event in rows])
    return Table(columns)


def signal_of(
    series: FaceSeries,
    label: str,
    rule: EventRule,
    *,
    thresholds: Mapping[str, float] | None = None,
) -> Signal:
    """Returns the values that decide about a label's events, and where they begin and end.

    Raises:
        UsageError: the table lacks the column, or no threshold is known.
    """
    kind = _kind_of(series.table, label, rule.values)
    threshold = rule.threshold
    if threshold is None and kind == "r":
        threshold = INTENSITY_THRESHOLD
    if threshold is None and thresholds is not None:
        threshold = thresholds.get(label)
    if threshold is None:
        if names.decision_column(label) not in series.table.columns:
            raise UsageError(
                f"the threshold of {label} is not known: there is no run record beside the table "
                f"and no column {label}_c; give --threshold"
            )
        kind, threshold = "c", 0.5
    values = _usable(series, f"{label}_{kind}")
    has_more = kind == "c" and f"{label}_p" in series.table.columns
    shown = _usable(series, f"{label}_p") if has_more else values
    if rule.smooth_s > 0:
        values = moving_average(values, series.times_s, series.durations_s, width_s=rule.smooth_s)
    off = threshold if kind == "c" else threshold - rule.hysteresis * abs(threshold)
    return Signal(values, threshold, off, shown)


def spans_of(signal: Signal, series: FaceSeries, rule: EventRule) -> list[tuple[int, int]]:
    """Returns the first and the last frame of each event of a signal."""
    times, ends = series.times_s, series.ends_s
    closed: list[tuple[int, int]] = []
    for first, last in _runs_above(signal, series.is_cut):
        if closed and times[first] - ends[closed[-1][1]] <= rule.max_gap_s + TIME_TOLERANCE_S:
            closed[-1] = (closed[-1][0], last)
        else:
            closed.append((first, last))
    shortest = rule.min_duration_s - TIME_TOLERANCE_S
    return [(first, last) for first, last in closed if ends[last] - times[first] >= shortest]


def moving_average(
    values: Floats, times_s: Floats, durations_s: Floats, *, width_s: float
) -> Floats:
    """Returns a centred mean over `width_s`, weighted by time, over the values that are known."""
    known = ~np.isnan(values)
    weights = np.where(known, durations_s, 0.0)
    sums = np.concatenate([[0.0], np.cumsum(weights * np.where(known, values, 0.0))])
    totals = np.concatenate([[0.0], np.cumsum(weights)])
    first = np.searchsorted(times_s, times_s - width_s / 2 - TIME_TOLERANCE_S, "left")
    last = np.searchsorted(times_s, times_s + width_s / 2 + TIME_TOLERANCE_S, "right")
    means = np.full(len(values), np.nan)
    total = totals[last] - totals[first]
    np.divide(sums[last] - sums[first], total, out=means, where=total > 0)
    return np.where(known, means, np.nan)


def _kind_of(table: Table, label: str, values: Values) -> str:
    if values == "auto":
        return next((kind for kind in "prc" if f"{label}_{kind}" in table.columns), "p")
    if f"{label}_{values}" not in table.columns:
        raise UsageError(f"the table has no column {label}_{values}; choose other values")
    return values


def _runs_above(signal: Signal, is_cut: Flags) -> list[tuple[int, int]]:
    """Returns first and last frame of each run at or above `off` that reaches `on`."""
    above = np.nan_to_num(signal.values, nan=-np.inf) >= signal.off
    begins = above & (np.concatenate([[True], ~above[:-1]])[: len(above)] | is_cut)
    firsts = np.flatnonzero(begins)
    stops = np.flatnonzero(~above | begins)
    runs = []
    for first in firsts.tolist():
        after = stops[np.searchsorted(stops, first, "right") :]
        last = int(after[0]) - 1 if len(after) else len(above) - 1
        if np.nanmax(signal.values[first : last + 1]) >= signal.on:
            runs.append((first, last))
    return runs


def _events(
    series: FaceSeries, label: str, *, signal: Signal, spans: Iterable[tuple[int, int]]
) -> list[Event]:
    # Read once for all events: of an hour there are thousands.
    probabilities, intensities = (_values_of(series, f"{label}_{kind}") for kind in "pr")
    ends_s = series.ends_s
    found = []
    for first, last in spans:
        frames = slice(first, last + 1)
        # Decisions may be there whose strengths are not: then the first frame is the apex.
        apex = first + int(np.argmax(np.nan_to_num(signal.shown[frames], nan=-np.inf)))
        event = Event(
            au=label,
            file=series.file,
            face=series.face,
            onset_s=float(series.times_s[first]),
            apex_s=float(series.times_s[apex]),
            offset_s=float(ends_s[last]),
            peak_p=_peak(probabilities, frames),
            peak_r=_peak(intensities, frames),
            censored=_censored(series, first, last),
        )
        found.append(event)
    return found


def _values_of(series: FaceSeries, column: str) -> Floats | None:
    return _usable(series, column) if column in series.table.columns else None


def _peak(values: Floats | None, frames: slice) -> float:
    if values is None or np.isnan(values[frames]).all():
        return math.nan
    return float(np.nanmax(values[frames]))


def _censored(series: FaceSeries, first: int, last: int) -> Censored:
    final = len(series.times_s) - 1
    no_onset = series.is_cut[first] or not series.usable[first - 1]
    no_offset = last == final or series.is_cut[last + 1] or not series.usable[last + 1]
    if no_onset and no_offset:
        return "both"
    return "onset" if no_onset else "offset" if no_offset else "no"


def _usable(series: FaceSeries, column: str) -> Floats:
    return np.where(series.usable, series.values(column), np.nan)
