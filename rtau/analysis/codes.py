"""What one rater says of one face in one video: a program's table, or the codes of a person.

Codes hold in time: each value from its own time to the next, so that raters with other frame rates,
and raters who mark spans, stand side by side. Reads no file.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from rtau import columns as names
from rtau.analysis.event_detection import INTENSITY_THRESHOLD
from rtau.analysis.face_series import FaceSeries, Floats, check_times, labels_of
from rtau.errors import UsageError

Kind = Literal["r", "p", "c"]
# Probability from which a label counts as active in a table that has no decisions and no record.
PROBABILITY_THRESHOLD = 0.5
# Full scale of intensities: their values are divided by it, so that all scores lie in 0 to 1.
FULL_INTENSITY = 5.0
# What a coder writes for a label that is absent, and what stands where none has decided yet.
ABSENT, UNDECIDED = "0", "?"
# FACS's letters of intensity.
LETTERS = {letter: float(k + 1) for k, letter in enumerate("ABCDE")}
_STRENGTHS = {**LETTERS, **{str(number): float(number) for number in range(2, 6)}}
_AU = re.compile(r"(?i)(?<![A-Za-z])AU[\s_-]?0*(\d{1,2})(?!\d)")
_BARE = re.compile(r"(?i)(?<![A-Za-z\d])[LR]?0*(\d{1,2})([A-E])?(?![A-Za-z\d])")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The codes of one rater, each from its time to its end."""

    times_s: Floats
    """When each begins, (n,), rising."""
    ends_s: Floats
    """When it ends, (n,)."""
    scores: Mapping[str, Mapping[Kind, Floats]]
    """Per label: intensity `r` and probability `p`, both 0 to 1, or occurrence `c`, (n,) each."""
    occurrences: Mapping[str, Floats]
    """Per label: 0 or 1, (n,); NaN where nothing is said."""
    boxes: Floats | None = None
    """x, y, width and height of the face, px, (n, 4); None without."""

    def rows_at(self, times_s: Floats) -> np.ndarray:
        """Returns which code holds at each time, (m,); -1 where none does."""
        rows = np.searchsorted(self.times_s, times_s, "right") - 1
        inside = (rows >= 0) & (times_s < self.ends_s[np.maximum(rows, 0)])
        return np.where(inside, rows, -1)


@dataclasses.dataclass(frozen=True, slots=True)
class CodedSpan:
    """One stretch that a person marked."""

    label: str
    """`AU12`."""
    onset_s: float
    """Where it begins."""
    offset_s: float
    """Where it ends."""
    intensity: float | None = None
    """1 to 5 for FACS's A to E; None if it was not coded."""
    face: str = ""
    """Whom it is about, where the file says so."""
    occurs: bool | None = True
    """False where the label was coded as absent, None where it is still to be coded."""
    subject: str = ""
    """The person, where the file says so."""
    file: str = ""
    """The video, where the file says so."""


def codes_of_face(series: FaceSeries, *, thresholds: Mapping[str, float] | None = None) -> Codes:
    """Returns the codes of one face of a table; unusable frames say nothing."""
    scores: dict[str, dict[Kind, Floats]] = {}
    occurrences: dict[str, Floats] = {}
    for label in labels_of(series.table):
        columns: dict[Kind, Floats] = {}
        for kind in ("r", "p", "c"):
            if f"{label}_{kind}" in series.table.columns:
                scale = FULL_INTENSITY if kind == "r" else 1.0
                values = series.values(f"{label}_{kind}") / scale
                columns[kind] = np.where(series.usable, values, np.nan)
        scores[label] = columns
        occurrences[label] = _occurrence(columns, (thresholds or {}).get(label))
    return Codes(series.times_s, series.ends_s, scores, occurrences, _boxes(series))


def codes_of_spans(spans: Iterable[CodedSpan], *, labels: Iterable[str] = ()) -> Codes:
    """Returns the codes of spans: between them a label is absent, from time 0 on without an end.

    A label that spans call absent or leave undecided was coded in spans only: nothing is said of
    it elsewhere.

    Args:
        spans: what was coded.
        labels: further labels that were coded and never seen.

    Raises:
        UsageError: an onset or an offset is no time.
    """
    coded = list(spans)
    check_times(np.array([(span.onset_s, span.offset_s) for span in coded]))
    every = sorted({*labels, *(span.label for span in coded)})
    edges = {0.0, *(t for span in coded for t in (span.onset_s, span.offset_s))}
    times = np.array(sorted(edge for edge in edges if edge >= 0))
    ends = np.append(times[1:], np.inf)
    scores: dict[str, dict[Kind, Floats]] = {}
    occurrences: dict[str, Floats] = {}
    for label in every:
        own = [span for span in coded if span.label == label]
        is_sampled = any(not span.occurs for span in own)
        occurs = np.full(len(times), np.nan if is_sampled else 0.0)
        strength = occurs.copy()
        for span in own:
            if span.occurs is None:
                continue
            inside = (times >= span.onset_s) & (times < span.offset_s)
            occurs[inside] = np.fmax(occurs[inside], float(span.occurs))
            share = (span.intensity or 0) / FULL_INTENSITY
            strength[inside] = np.fmax(strength[inside], share)
        occurrences[label] = occurs
        scores[label] = {"c": occurs}
        marked = [span for span in own if span.occurs]
        if marked and all(span.intensity is not None for span in marked):
            scores[label]["r"] = strength
    return Codes(times, ends, scores, occurrences)


def codes_of_columns(times_s: Floats, durations_s: Floats, values: Mapping[str, Floats]) -> Codes:
    """Returns the codes of a table with a column per label: 0 and 1, or intensities 0 to 5."""
    scores: dict[str, dict[Kind, Floats]] = {}
    occurrences: dict[str, Floats] = {}
    for label, column in values.items():
        known = column[~np.isnan(column)]
        if np.isin(known, (0.0, 1.0)).all():
            scores[label] = {"c": column}
        elif ((known >= 0) & (known <= FULL_INTENSITY)).all():
            scores[label] = {"r": column / FULL_INTENSITY}
        else:
            raise UsageError(f"{label} must be coded as 0 and 1 or as 0 to 5, got {known.max():g}")
        occurrences[label] = _occurrence(scores[label], None)
    return Codes(times_s, times_s + durations_s, scores, occurrences)


def labels_in(text: str) -> list[tuple[str, float | None]]:
    """Returns the labels a person's text names, with intensity: `AU6+12C` -> AU06, AU12 at 3.

    Numbers alone count only where the text is nothing else: `12B`, `6+12`.
    """
    found = _AU.findall(text)
    rest = re.sub(r"(?i)AU", " ", text)
    if not found and not re.fullmatch(r"[\sLR\d+,;/A-Ea-e]*", text):
        return []
    pairs = _BARE.findall(rest)
    numbers = {int(number) for number in found}
    return [
        (f"AU{int(number):02d}", LETTERS.get(letter.upper()) if letter else None)
        for number, letter in pairs
        if int(number) > 0 and (not found or "+" in text or int(number) in numbers)
    ]


def coded_spans(of_tier: Sequence[str], value: str, place: tuple[float, float]) -> list[CodedSpan]:
    """Returns what one annotation means: the labels of its tier, or those that it names.

    Args:
        of_tier: the labels in the name of its tier.
        value: what it says; in a tier of labels `0` (absent), `?` (to be coded), `A` to `E` or `2`
            to `5` (intensity), anything else: present.
        place: onset and offset, seconds.
    """
    value = value.strip()
    if not of_tier:
        return [CodedSpan(label, *place, strength) for label, strength in labels_in(value)]
    occurs = {UNDECIDED: None, ABSENT: False}.get(value, True)
    strength = _STRENGTHS.get(value.upper())
    return [CodedSpan(label, *place, strength, occurs=occurs) for label in of_tier]


def _occurrence(columns: Mapping[Kind, Floats], threshold: float | None) -> Floats:
    """Returns 0, 1 and NaN: the decisions of a table, or what its values reach."""
    if "c" in columns:
        return np.where(np.isnan(columns["c"]), np.nan, (columns["c"] >= 0.5).astype(float))
    if "p" in columns:
        values, limit = columns["p"], PROBABILITY_THRESHOLD if threshold is None else threshold
    else:
        values, limit = columns["r"], INTENSITY_THRESHOLD / FULL_INTENSITY
    return np.where(np.isnan(values), np.nan, (values >= limit).astype(float))


def _boxes(series: FaceSeries) -> Floats | None:
    """Returns the boxes of a face, or those of its landmarks."""
    table = series.table
    if all(name in table.columns for name in names.BOX):
        return np.stack([series.values(name) for name in names.BOX], axis=1)
    if all(name in table.columns for name in names.POINTS):
        xs = _of_points(series, names.POINTS[: len(names.POINTS) // 2])
        ys = _of_points(series, names.POINTS[len(names.POINTS) // 2 :])
        return np.stack([xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0]], axis=1)
    return None


def _of_points(series: FaceSeries, columns: Sequence[str]) -> tuple[Floats, Floats]:
    values = np.stack([series.values(name) for name in columns])
    return values.min(axis=0), values.max(axis=0)
