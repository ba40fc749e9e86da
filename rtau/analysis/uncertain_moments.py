"""Moments in which a model is least sure, for a person to code, and the task that lists them.

Near its threshold a probability says least, and so does one that a moment later lies on the other
side. Takes tables and returns text; `rtau-train suggest` writes it, `rtau-train prepare
annotations` reads what a coder made of it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from rtau.analysis.codes import ABSENT, LETTERS, UNDECIDED
from rtau.analysis.elan_files import ElanTier, elan_document, tier_name
from rtau.analysis.event_detection import moving_average
from rtau.analysis.face_series import FaceSeries, Floats, GroupBy, files_of, labels_of
from rtau.columns import TIME_DIGITS, probability_column
from rtau.table import Table

# What a coder may say of a moment; ELAN offers them as a list.
VOCABULARY: Final[Mapping[str, str]] = {
    UNDECIDED: "not coded yet",
    ABSENT: "absent",
    "1": "present",
    **dict(zip(LETTERS, ("trace", "slight", "marked", "severe", "maximum"), strict=True)),
}
# Long enough to see a movement when it is played, short enough to be one state of the face.
WIDTH_S: Final = 0.2
# A probability and its mean over so long a time that disagree are a flicker.
FLICKER_S: Final = 0.5
# Two moments of one label and face are so far apart, or they would show the same.
APART_S: Final = 1.0
COLUMNS: Final = (
    *("file", "face", "subject", "au", "onset_s", "offset_s", "p", "threshold", "code"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """A short stretch of time in which one label of one face is to be coded."""

    au: str
    """The label."""
    face: str
    """The number of the track, or the name of the seat."""
    onset_s: float
    """Where it begins."""
    offset_s: float
    """Where it ends; the frame in question is in the middle, but for the first of a video."""
    p: float
    """The probability of that frame."""
    threshold: float
    """The model's."""
    uncertainty: float
    """Mean over the moment of 0 (sure) to 1 (on the threshold, or flickering)."""


def uncertain_moments(
    table: Table,
    *,
    thresholds: Mapping[str, float],
    count: int,
    labels: Sequence[str] | None = None,
    by: GroupBy = "auto",
) -> list[Moment]:
    """Returns the least sure moments of one video, in time, dealt out evenly among the labels.

    Args:
        table: rows per face and frame; those that `quality` flags are left out.
        thresholds: label to the probability from which it is active.
        count: how many at most.
        labels: which; None for all that have a threshold.
        by: what a face is.
    """
    wanted = [label for label in labels_of(table) if label in (labels or thresholds)]
    faces = [series for frames in files_of(table, by=by) for series in frames.faces]
    by_label = [
        _of_label(faces, label, threshold=thresholds[label], count=count) for label in wanted
    ]
    dealt = itertools.chain.from_iterable(itertools.zip_longest(*by_label))
    chosen = itertools.islice((one for one in dealt if one is not None), count)
    return sorted(chosen, key=lambda one: (one.onset_s, one.au, one.face))


def uncertainty(series: FaceSeries, label: str, threshold: float) -> Floats:
    """Returns how little each frame says of a label, 0 to 1, (n,); NaN where it is not usable.

    1 on the threshold, falling to 0 at probability 0 and 1; and 1 where the probability and its
    mean over half a second lie on different sides of the threshold. Then the mean over a moment.
    """
    times, durations = series.times_s, series.durations_s
    p = np.where(series.usable, series.values(probability_column(label)), np.nan)
    side = np.where(p >= threshold, 1 - threshold, threshold)
    near = 1 - np.abs(p - threshold) / np.maximum(side, np.finfo(float).tiny)
    mean = moving_average(p, times, durations, width_s=FLICKER_S)
    flickers = (p >= threshold) != (mean >= threshold)
    return moving_average(
        np.where(flickers & ~np.isnan(p), 1.0, near), times, durations, width_s=WIDTH_S
    )


def elan_task(moments: Iterable[Moment], *, media: str | None, subject: str = "") -> str:
    """Returns an ELAN document with a tier per label and face, each moment still undecided.

    Args:
        moments: of one video.
        media: path of the video, relative to the document, or None.
        subject: who is shown, for each tier.
    """
    tiers: dict[str, list[tuple[float, float, str]]] = {}
    for one in moments:
        place = (one.onset_s, one.offset_s, UNDECIDED)
        tiers.setdefault(tier_name(one.au, one.face), []).append(place)
    return elan_document(
        [ElanTier(name, tuple(places), subject) for name, places in sorted(tiers.items())],
        media=media,
        vocabulary=VOCABULARY,
    )


def csv_task(moments: Iterable[Moment], *, file: str, subject: str = "") -> str:
    """Returns the moments as CSV; the coder writes into the column `code`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in moments:
        times = (f"{value:.{TIME_DIGITS}f}" for value in (one.onset_s, one.offset_s))
        scores = (f"{value:.4f}" for value in (one.p, one.threshold))
        writer.writerow((file, one.face, subject, one.au, *times, *scores, ""))
    return text.getvalue()


def _of_label(
    faces: Iterable[FaceSeries], label: str, *, threshold: float, count: int
) -> list[Moment]:
    """Returns the moments of one label, the least sure first."""
    found = [
        one for series in faces for one in _of_face(series, label, threshold=threshold, count=count)
    ]
    return sorted(found, key=lambda one: (-one.uncertainty, one.onset_s, one.face))


def _of_face(series: FaceSeries, label: str, *, threshold: float, count: int) -> Iterator[Moment]:
    scores = uncertainty(series, label, threshold)
    values = series.values(probability_column(label))
    taken: list[float] = []
    # Rounded, or the last digit of a sum of floats would decide between equal frames.
    order = np.argsort(-np.nan_to_num(scores, nan=0.0).round(9), kind="stable")
    for frame in order.tolist():
        middle = float(series.times_s[frame])
        if len(taken) == count or not scores[frame] > 0:
            return
        if all(abs(middle - other) >= APART_S for other in taken):
            taken.append(middle)
            onset = max(0.0, middle - WIDTH_S / 2)
            p = float(values[frame])
            score = float(scores[frame])
            yield Moment(label, series.face, onset, onset + WIDTH_S, p, threshold, score)
