"""Two raters of the same videos side by side: aligned by time, label by label.

The frames of the first rater are the grid; what the second says in the middle of each counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from rtau.analysis.agreement import Estimate, estimates_of, measures_of, sums_of
from rtau.analysis.codes import Codes, Kind
from rtau.analysis.face_series import Floats
from rtau.errors import UsageError

# How far one rater may be ahead of the other, seconds either way.
MAX_LAG_S = 0.5
LAG_STEP_S = 0.02
# Boxes of two detectors on one face overlap by far more, on neighbours by less.
MIN_OVERLAP = 0.2
# A grid for two raters who both mark spans, and have no frames; coarser where a recording is longer
# than two hours, to bound time and memory.
GRID_S = 0.04
MAX_GRID = 200_000


@dataclasses.dataclass(frozen=True, slots=True)
class LabelAgreement:
    """How far two raters agree on one label, over all files."""

    label: str
    """`AU12`."""
    kinds: tuple[Kind, Kind]
    """What the scores are: `r` intensity, `p` probability, `c` occurrence."""
    files: int
    """In how many files both rated it."""
    seconds: float
    """Time in which both say something."""
    coverage: tuple[float, float]
    """Share of the time of the videos in which each says something."""
    measures: Mapping[str, Estimate]
    """r, icc, kappa, pabak, f1, base_rate_1 and base_rate_2."""
    lag_s: float
    """How much later the second rater's scores follow, by the highest r; NaN where r is."""


def compare(pairs: Sequence[tuple[Codes, Codes]]) -> list[LabelAgreement]:
    """Returns the agreement on each label that both raters have, in order of the labels.

    Args:
        pairs: for each video, the codes of the first and of the second rater about one face.

    Raises:
        UsageError: there is no label that both have.
    """
    labels = sorted({label for a, b in pairs for label in a.scores if label in b.scores})
    if not labels:
        raise UsageError("the raters have no Action Unit in common")
    grids = [_grid(a, b) for a, b in pairs]
    return [_agreement(label, pairs, grids) for label in labels]


def face_like(codes: Codes, others: Sequence[Codes]) -> int | None:
    """Returns which of another rater's faces has the boxes of this one; None if none has.

    Where boxes are missing, the face that is rated longest.
    """
    if not others:
        return None
    with_boxes = [k for k, other in enumerate(others) if other.boxes is not None]
    if codes.boxes is None or not with_boxes:
        return int(np.argmax([_rated_s(other) for other in others]))
    overlaps = {k: _mean_overlap(codes, others[k]) for k in with_boxes}
    best = max(overlaps, key=lambda k: overlaps[k])
    return best if overlaps[best] >= MIN_OVERLAP else None


def longest(faces: Sequence[Codes]) -> int:
    """Returns which face is rated longest."""
    return int(np.argmax([_rated_s(face) for face in faces]))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Times at which two raters are compared."""

    middles_s: Floats
    weights: Floats
    first: np.ndarray
    second: np.ndarray


def _grid(a: Codes, b: Codes) -> _Grid:
    """Returns the frames of the first rater; those of the second where the first marks spans."""
    frames = a if np.isfinite(a.ends_s).all() else b
    if np.isfinite(frames.ends_s).all():
        starts, ends = frames.times_s, frames.ends_s
    else:
        end_s = max(a.times_s[-1], b.times_s[-1], GRID_S)
        step_s = max(GRID_S, end_s / MAX_GRID)
        starts = np.arange(0.0, end_s, step_s)
        ends = starts + step_s
    middles = (starts + ends) / 2
    return _Grid(middles, ends - starts, a.rows_at(middles), b.rows_at(middles))


def _agreement(
    label: str, pairs: Sequence[tuple[Codes, Codes]], grids: Sequence[_Grid]
) -> LabelAgreement:
    used = [
        (a, b, grid)
        for (a, b), grid in zip(pairs, grids, strict=True)
        if label in a.scores and label in b.scores
    ]
    kinds = _kinds([(a, b) for a, b, _ in used], label)
    sums, rated, total = [], np.zeros(2), 0.0
    for a, b, grid in used:
        scores = (
            _at(a.scores[label][kinds[0]], grid.first),
            _at(b.scores[label][kinds[1]], grid.second),
        )
        occurrences = _at(a.occurrences[label], grid.first), _at(b.occurrences[label], grid.second)
        sums.append(sums_of(scores, occurrences, grid.weights))
        total += float(grid.weights.sum())
        rated += [float(grid.weights[~np.isnan(one)].sum()) for one in occurrences]
    shares = rated / total if total > 0 else np.full(2, np.nan)
    return LabelAgreement(
        label=label,
        kinds=kinds,
        files=len(used),
        seconds=float(sum(one[6:].sum() for one in sums)),
        coverage=(float(shares[0]), float(shares[1])),
        measures=estimates_of(np.array(sums)),
        lag_s=_lag(label, kinds, used),
    )


def _kinds(pairs: Sequence[tuple[Codes, Codes]], label: str) -> tuple[Kind, Kind]:
    """Returns what is compared: intensities, probabilities, or the best that each has."""
    first = set.intersection(*({*a.scores[label]} for a, _ in pairs))
    second = set.intersection(*({*b.scores[label]} for _, b in pairs))
    for kind in ("r", "p"):
        if kind in first and kind in second:
            return kind, kind
    best: list[Kind] = []
    for have in (first, second):
        found: Kind | None = next((kind for kind in ("r", "p", "c") if kind in have), None)
        if found is None:
            raise UsageError(f"the files of one rater have no column of {label} in common")
        best.append(found)
    return best[0], best[1]


def _lag(label: str, kinds: tuple[Kind, Kind], used: Sequence[tuple[Codes, Codes, _Grid]]) -> float:
    steps = round(MAX_LAG_S / LAG_STEP_S)
    lags = np.arange(-steps, steps + 1) * LAG_STEP_S
    # The smallest of several that correlate alike, so that none is claimed where there is none.
    lags = lags[np.argsort(np.abs(lags), kind="stable")]
    found = []
    for lag in lags:
        sums = np.zeros(10)
        for a, b, grid in used:
            shifted = b.rows_at(grid.middles_s + lag)
            x = _at(a.scores[label][kinds[0]], grid.first)
            y = _at(b.scores[label][kinds[1]], shifted)
            sums += sums_of((x, y), (x * np.nan, y * np.nan), grid.weights)
        found.append(measures_of(sums)[0])
    if np.isnan(found).all():
        return np.nan
    return float(lags[int(np.nanargmax(np.array(found) - 1e-9 * np.arange(len(found))))])


def _at(values: Floats, rows: np.ndarray) -> Floats:
    return np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)


def _rated_s(codes: Codes) -> float:
    said = ~np.all([np.isnan(one) for one in codes.occurrences.values()], axis=0)
    return float(np.nan_to_num((codes.ends_s - codes.times_s)[said], posinf=np.inf).sum())


def _mean_overlap(a: Codes, b: Codes) -> float:
    """Returns the mean overlap (IoU) over the frames in which both have a box, or 0."""
    assert a.boxes is not None
    assert b.boxes is not None
    rows = b.rows_at((a.times_s + a.ends_s) / 2)
    mine, other = a.boxes[rows >= 0], b.boxes[rows[rows >= 0]]
    known = ~np.isnan(mine).any(axis=1) & ~np.isnan(other).any(axis=1)
    if not known.any():
        return 0.0
    mine, other = mine[known], other[known]
    low = np.maximum(mine[:, :2], other[:, :2])
    high = np.minimum(mine[:, :2] + mine[:, 2:], other[:, :2] + other[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = mine[:, 2:].prod(axis=1) + other[:, 2:].prod(axis=1) - shared
    # Two boxes without an area share nothing.
    return float(np.divide(shared, union, out=np.zeros_like(union), where=union > 0).mean())
