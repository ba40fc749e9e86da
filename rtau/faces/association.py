"""Which squares are on one face: pure functions on plain squares and tracks.

Two squares are on one face when they overlap much, or when one lies inside the other: a face inside
a face is none. Called by `FaceTracker`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rtau import geometry
from rtau.faces.track import Track, TrackState
from rtau.squares import FaceSquares, Square, boxes_from_squares

# From this ratio of sides on, a square whose centre lies in another one is a part of that face.
NESTED_RATIO = 1.5
# A lost face is known again within this distance of where it was, in sides, and farther for each
# second since, up to the third number; the larger side over the smaller is bounded too.
REACH_SIDES, REACH_SIDES_PER_S, MAX_REACH_SIDES = 1.0, 3.0, 6.0
MAX_RATIO = 1.8
# Least similarity of appearance (correlation) of a face known again: next to where it was, and at
# the end of its reach. Most pairs of one person in a clip correlate with more than the second, and
# few pairs of two people.
NEAR_SIMILARITY, FAR_SIMILARITY = 0.3, 0.85
# A face that is lost and within this time comes up this near to where it was, or was going, and as
# large, need not look alike: half hidden, one correlates with itself as little as with others.
SPOT_SIDES, SPOT_RATIO, SPOT_S = 0.7, 1.25, 0.5


def is_same_face(one: Square, other: Square) -> bool:
    """True where two squares of a frame cannot be two faces."""
    if one.overlap(other) >= geometry.SAME_FACE_IOU:
        return True
    larger, smaller = (one, other) if one.side >= other.side else (other, one)
    return larger.holds_centre_of(smaller) and larger.ratio(smaller) > NESTED_RATIO


def distinct_rows(squares: Sequence[Square], presence: Sequence[float]) -> list[int]:
    """Returns the rows to keep, best first, so that no two are on one face.

    Of two rows the one with the higher presence stays; of equal ones the earlier.
    """
    kept: list[int] = []
    for row in sorted(range(len(squares)), key=lambda row: -presence[row]):
        if not any(is_same_face(squares[row], squares[other]) for other in kept):
            kept.append(row)
    return kept


def elsewhere(squares: Sequence[Square], known: Sequence[Square]) -> Sequence[Square]:
    """Returns the squares that are on none of the known faces."""
    if not squares or not known:
        return squares
    first, second = (boxes_from_squares(FaceSquares.of(one)) for one in (squares, known))
    best = geometry.iou(first, second).max(axis=1).tolist()
    return [
        square
        for square, overlap in zip(squares, best, strict=True)
        if overlap < geometry.SAME_FACE_IOU
    ]


def touching_pairs(squares: Sequence[Square]) -> list[tuple[int, int]]:
    """Returns pairs of rows whose squares overlap, the later row first."""
    if len(squares) < 2:
        return []
    boxes = boxes_from_squares(FaceSquares.of(squares))
    rows, others = np.nonzero(np.tril(geometry.iou(boxes, boxes) > 0, -1))
    return list(zip(rows.tolist(), others.tolist(), strict=True))


def similarity(one: Track, other: Track) -> float:
    """Returns the correlation of how two tracks look, in [-1, 1]."""
    return float(np.dot(one.appearance, other.appearance))


def known_again(new: Sequence[Track], missed: Sequence[Track]) -> dict[int, Track]:
    """Returns the missed track that each new one continues, by its row; one at most for each.

    On the spot where the only one in reach was lost, or was going, a face may look otherwise; near
    there it must look alike roughly; far from there, closely. The most alike pairs come first.
    """
    pairs = [
        (similarity(one, track), row, column)
        for row, one in enumerate(new)
        for column, track in enumerate(missed)
        if is_within_reach(one, track)
    ]
    in_reach = Counter(row for _, row, _ in pairs)
    found: dict[int, Track] = {}
    for likeness, row, column in sorted(pairs, reverse=True):
        track = missed[column]
        if row in found or track in found.values():
            continue
        is_only_one_there = in_reach[row] == 1 and _is_on_the_spot(new[row], track)
        if is_only_one_there or likeness >= _least_similarity(new[row], track):
            found[row] = track
    return found


def is_within_reach(new: Track, missed: Track) -> bool:
    """True where a new track is near enough to be a missed one, and of a like size."""
    elapsed_s = new.verified_s - missed.verified_s
    reach_sides = min(REACH_SIDES + REACH_SIDES_PER_S * elapsed_s, MAX_REACH_SIDES)
    is_near = _distance_sides(new, missed) <= reach_sides
    return is_near and new.square.ratio(missed.square) <= MAX_RATIO


def _distance_sides(new: Track, missed: Track) -> float:
    """Returns how far a new track is from where the other was, or from where it was going."""
    places = (missed.predicted(new.verified_s), missed.extrapolated(new.verified_s))
    return min(new.square.distance(place) for place in places)


def _is_on_the_spot(new: Track, missed: Track) -> bool:
    return (
        missed.state is TrackState.LOST
        and new.verified_s - missed.verified_s <= SPOT_S
        and _distance_sides(new, missed) <= SPOT_SIDES
        and new.square.ratio(missed.square) <= SPOT_RATIO
    )


def _least_similarity(new: Track, missed: Track) -> float:
    share = min(_distance_sides(new, missed) / MAX_REACH_SIDES, 1.0)
    return NEAR_SIMILARITY + share * (FAR_SIMILARITY - NEAR_SIMILARITY)
