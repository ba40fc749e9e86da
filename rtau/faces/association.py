"""Which squares are on one face: pure functions on plain squares and tracks.

Two squares are on one face when they overlap much, or when one lies inside the other: a face inside
a face is none. Called by `FaceTracker`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtau import geometry
from rtau.faces.track import Track
from rtau.squares import Square

# From this ratio of sides on, a square whose centre lies in another one is a part of that face.
NESTED_RATIO = 1.5
# A lost face is known again within this distance of where it was, in sides, and farther for each
# second since, up to the third number; the larger side over the smaller is bounded too.
REACH_SIDES, REACH_SIDES_PER_S, MAX_REACH_SIDES = 0.7, 1.5, 6.0
MAX_RATIO = 1.8
# Least similarity of appearance (correlation) of a face known again: next to where it was, and at
# the end of its reach. Crops of one person in a clip correlate with .8 and more, of two with less
# than .7 as a rule.
NEAR_SIMILARITY, FAR_SIMILARITY = 0.35, 0.8


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


def similarity(one: Track, other: Track) -> float:
    """Returns the correlation of how two tracks look, in [-1, 1]."""
    return float(np.dot(one.appearance, other.appearance))


def known_again(new: Track, lost: Sequence[Track]) -> Track | None:
    """Returns the lost track that a new one continues, or None.

    Near where it was, a face needs to look like it only roughly; far from there, closely. Of
    several the most alike is taken.
    """
    fitting = [(similarity(new, track), track) for track in lost if _is_within_reach(new, track)]
    likely = [pair for pair in fitting if pair[0] >= _least_similarity(new, pair[1])]
    return max(likely, key=lambda pair: pair[0])[1] if likely else None


def _reach_sides(new: Track, lost: Track) -> float:
    elapsed_s = new.verified_s - lost.verified_s
    return min(REACH_SIDES + REACH_SIDES_PER_S * elapsed_s, MAX_REACH_SIDES)


def _is_within_reach(new: Track, lost: Track) -> bool:
    square, was = new.square, lost.predicted(new.verified_s)
    return square.distance(was) <= _reach_sides(new, lost) and square.ratio(was) <= MAX_RATIO


def _least_similarity(new: Track, lost: Track) -> float:
    distance = new.square.distance(lost.predicted(new.verified_s))
    share = min(distance / MAX_REACH_SIDES, 1.0)
    return NEAR_SIMILARITY + share * (FAR_SIMILARITY - NEAR_SIMILARITY)
