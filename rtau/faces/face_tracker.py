"""Follows the faces of a sequence of frames: proposals become tracks, tracks are verified or lost.

Every track is aligned in every frame, from that frame's pixels; the detector proposes new places
now and then. Time is the frames' own, so two runs over one file agree. `rtau.pipeline` calls it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtau.data import Faces, Frame, TrackedFaces
from rtau.faces.association import (
    NEAR_SIMILARITY,
    NESTED_RATIO,
    distinct_rows,
    is_same_face,
    known_again,
    touching_pairs,
)
from rtau.faces.detection_schedule import DetectionRequest, DetectionSchedule
from rtau.faces.face_search import FaceSearch, KnownFaces
from rtau.faces.observation import Observation, distinct, observed
from rtau.faces.track import Track, TrackState
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.protocols import Aligner, Detector
from rtau.squares import FaceSquares, Square, boxes_from_squares

# How far alignment may carry a square in one frame before it is another face: in sides, and as the
# larger side over the smaller. A second pass is made from this share of it on.
MAX_SHIFT_SIDES, MAX_RATIO = 0.6, 1.6
# From here on the face must look as before: another one may have come in front of it.
JUMP_SIDES = 0.15
# A square that has grown or shrunk by more within about half a second has slipped off its face.
MAX_GROWTH = 1.4
SECOND_PASS_SIDES, SECOND_PASS_RATIO = 0.12, 1.15
# A place of this presence that is not believed is looked at again when windows are.
PROMISING_PRESENCE = 0.1
# Frames that lie this far apart cannot confirm one another: a face may be anywhere in the next.
SLOW_FRAMES_S = 0.25
# Presentation times are decimal fractions in floats: 7 * 0.04 is not always 0.28.
ROUNDING_S = 1e-6


class FaceTracker:
    """The faces of one sequence of frames, or of images that are none; owns all tracks."""

    def __init__(self, detector: Detector, aligner: Aligner, policy: TrackingPolicy, /) -> None:
        """Joins a detector that proposes and an aligner that verifies."""
        self._search = FaceSearch(detector, aligner, policy)
        self._aligner = aligner
        self._policy = policy
        self._schedule = DetectionSchedule(policy)
        self._tracks: list[Track] = []
        self._promising: list[Square] = []
        self._next_id = 1
        self._last_s = -math.inf

    def track(self, frame: Frame, /) -> TrackedFaces:
        """Returns the faces of the next frame; `time_s` never decreases between calls."""
        if not self._policy.is_sequence:
            self._tracks, self._promising = [], []
        self._follow(frame)
        self._look_for_lost(frame)
        doubtful: list[Square] = []
        for request in self._schedule.requests(frame, self._tracks):
            doubtful += self._search_for_new(frame, request)
        self._retire(frame.time_s)
        self._last_s = frame.time_s
        return self._report(frame.time_s, doubtful)

    def reset(self) -> None:
        """Forgets all faces (a cut, a new file); ids go on counting."""
        self._tracks, self._promising = [], []
        self._schedule.reset()
        self._last_s = -math.inf

    @property
    def _followed(self) -> list[Track]:
        return [track for track in self._tracks if track.state is not TrackState.LOST]

    @property
    def _lost(self) -> list[Track]:
        return [track for track in self._tracks if track.state is TrackState.LOST]

    def _follow(self, frame: Frame) -> None:
        """Verifies each followed track in this frame, or notes that the frame does not show it."""
        tracks, time_s = self._followed, frame.time_s
        expected = [track.predicted(time_s) for track in tracks]
        seen = self._observe(frame, tracks, expected)
        shown = {
            row
            for row, (one, where) in enumerate(zip(seen, expected, strict=True))
            if one.presence >= self._policy.keep_presence
            and _is_continued(where, one.square)
            and _is_alike_after_jump(tracks[row], where, one)
            and one.square.ratio(tracks[row].usual) <= MAX_GROWTH
        }
        pairs = touching_pairs([one.square for one in seen])
        covered = _covered_rows(tracks, seen, shown=shown, pairs=pairs)
        crowded = {row for pair in pairs for row in pair}
        for row, (track, one) in enumerate(zip(tracks, seen, strict=True)):
            if row in covered and track.state is TrackState.CONFIRMED:
                track.lose()
            elif row in covered:
                track.miss(presence=0.0)
            elif row in shown:
                track.verify(
                    one.square, presence=one.presence, time_s=time_s, is_covered=one.is_covered
                )
                is_plain = row not in crowded and one.presence >= self._policy.min_presence
                if is_plain and track.is_appearance_due(time_s):
                    track.remember(one.appearance, time_s=time_s)
                if track.state is TrackState.TENTATIVE:
                    self._confirm_if_due(track)
            else:
                track.miss(presence=one.presence)

    def _look_for_lost(self, frame: Frame) -> None:
        """Finds lost faces that show again about where they were, or where they were going."""
        time_s = frame.time_s
        lost = [
            track
            for track in self._lost
            if time_s - track.verified_s <= self._policy.revive_s + ROUNDING_S
        ]
        if not lost:
            return
        places = [
            (track, where)
            for track in lost
            for where in (track.predicted(time_s), track.extrapolated(time_s))
        ]
        seen = self._aligned(frame, [where for _, where in places])
        seen = self._aligned(frame, [one.square for one in seen], with_mirrored=True)
        here = [track.square for track in self._tracks if track.verified_s == time_s]
        found = [
            one
            for (_, where), one in zip(places, seen, strict=True)
            if one.presence >= self._policy.min_presence
            and _is_continued(where, one.square)
            and not any(is_same_face(one.square, known) for known in here)
        ]
        kept = distinct_rows([one.square for one in found], [one.presence for one in found])
        new = [self._new_track(found[row], time_s) for row in kept]
        for row, track in known_again(new, self._lost).items():
            track.find_again(new[row])

    def _observe(
        self, frame: Frame, tracks: Sequence[Track], expected: Sequence[Square]
    ) -> list[Observation]:
        """Returns what the frame shows where each face is expected.

        It looks again where the square has moved much, and where the face is not sure.
        """
        seen = self._aligned(frame, expected)
        unsure = [
            row
            for row, (track, one, where) in enumerate(zip(tracks, seen, expected, strict=True))
            if one.square.distance(where) > SECOND_PASS_SIDES
            or one.square.ratio(where) > SECOND_PASS_RATIO
            or one.presence < self._policy.min_presence
            or track.state is TrackState.TENTATIVE
        ]
        again = self._aligned(frame, [seen[row].square for row in unsure], with_mirrored=True)
        for row, one in zip(unsure, again, strict=True):
            seen[row] = one
        return seen

    def _aligned(
        self, frame: Frame, squares: Sequence[Square], *, with_mirrored: bool = False
    ) -> list[Observation]:
        return observed(self._aligner, frame, squares, with_mirrored=with_mirrored)

    def _search_for_new(self, frame: Frame, request: DetectionRequest) -> list[Square]:
        """Starts tracks at new faces; returns where there may be one that is not believed."""
        shown = [track for track in self._tracks if track.verified_s == frame.time_s]
        known = KnownFaces(
            here=[track.square for track in shown],
            sure=[t.square for t in shown if t.presence >= self._policy.min_presence],
            promising=self._promising,
        )
        seen = self._search.search(frame, request, known=known)
        least = self._policy.least_presence(is_usual=request.is_usual)
        places = distinct(seen)
        believed = [one for one in places if one.presence >= least]
        if request.windows is not None:
            self._promising = [
                one.square for one in places if PROMISING_PRESENCE <= one.presence < least
            ]
        self._start(sorted(believed, key=lambda one: one.square), frame.time_s)
        return [one.square for one in seen]

    def _start(self, found: Sequence[Observation], time_s: float) -> None:
        """Adds a track for each face that is new; others are known again."""
        new = [self._new_track(one, time_s) for one in found]
        missed = [track for track in self._tracks if _is_missed(track, time_s)]
        known = known_again(new, missed)
        for row, track in enumerate(new):
            if row in known:
                known[row].find_again(track)
                continue
            self._tracks.append(track)
            is_slow = SLOW_FRAMES_S <= time_s - self._last_s < math.inf
            is_sure = is_slow or track.presence >= self._policy.sure_presence
            self._confirm_if_due(track, is_sure=is_sure)

    @staticmethod
    def _new_track(one: Observation, time_s: float) -> Track:
        return Track(
            one.square,
            presence=one.presence,
            appearance=one.appearance,
            time_s=time_s,
            is_covered=one.is_covered,
        )

    def _confirm_if_due(self, track: Track, *, is_sure: bool = False) -> None:
        is_believed = track.lifelong_presence >= self._policy.min_presence
        if is_sure or (is_believed and track.verified_frames >= self._policy.confirm_frames):
            track.confirm(self._next_id)
            self._next_id += 1

    def _retire(self, time_s: float) -> None:
        """Loses tracks that were not verified for a while, and forgets those lost for long."""
        policy = self._policy
        for track in self._followed:
            unseen_s = time_s - track.verified_s
            is_doubted = track.mean_presence < policy.keep_mean_presence
            if track.state is TrackState.CONFIRMED and (
                is_doubted or (unseen_s > 0 and unseen_s + ROUNDING_S >= policy.max_lost_s)
            ):
                track.lose()
        self._tracks = [
            track
            for track in self._tracks
            if (track.state is not TrackState.TENTATIVE or track.verified_frames)
            and (track.state is not TrackState.LOST or self._is_trusted(track))
            and time_s - track.verified_s < policy.reidentify_s
        ]

    def _is_trusted(self, track: Track) -> bool:
        """False for a lost track that looked more like none than like a face all along."""
        return track.lifelong_presence >= self._policy.min_presence

    def _report(self, time_s: float, doubtful: Sequence[Square]) -> TrackedFaces:
        """Returns the confirmed faces that this frame verifies, by id, and the doubtful places."""
        shown = sorted(
            (
                track
                for track in self._tracks
                if track.state is TrackState.CONFIRMED and track.verified_s == time_s
            ),
            key=lambda track: track.track_id,
        )
        shown = self._largest(shown)
        others = [track.predicted(time_s) for track in self._followed if track not in shown]
        squares = FaceSquares.of([track.smoothed for track in shown])
        return TrackedFaces(
            faces=Faces(
                boxes_xyxy=boxes_from_squares(squares),
                scores=np.array([track.presence for track in shown], np.float32),
                track_ids=np.array([track.track_id for track in shown], np.int64),
                rolls_rad=squares.rolls_rad,
                covered=_covered(shown),
            ),
            tentative_xyxy=boxes_from_squares(FaceSquares.of([*others, *doubtful])),
        )

    def _largest(self, shown: list[Track]) -> list[Track]:
        """Returns the tracks that `max_faces` allows, in their order."""
        limit = self._policy.max_faces
        if not 0 < limit < len(shown):
            return shown
        largest = sorted(shown, key=lambda track: -track.smoothed.side)[:limit]
        return [track for track in shown if track in largest]


def _covered(shown: Sequence[Track]) -> npt.NDArray[np.bool_] | None:
    """Returns bool (N,), or None where the aligner does not tell."""
    found = [track.is_covered for track in shown]
    return None if None in found else np.array(found, np.bool_)


def _is_missed(track: Track, time_s: float) -> bool:
    """True for a face that has been reported and that this frame has not shown so far."""
    return track.state is not TrackState.TENTATIVE and track.verified_s < time_s


def _is_continued(expected: Square, seen: Square) -> bool:
    """True where a face can have moved from one square to the other within a frame."""
    return seen.distance(expected) <= MAX_SHIFT_SIDES and seen.ratio(expected) <= MAX_RATIO


def _is_alike_after_jump(track: Track, expected: Square, one: Observation) -> bool:
    """False where a square has jumped to a face that looks otherwise, as to one that covers it."""
    is_jump = one.square.distance(expected) > JUMP_SIDES
    return not is_jump or float(np.dot(track.appearance, one.appearance)) >= NEAR_SIMILARITY


def _covered_rows(
    tracks: Sequence[Track],
    seen: Sequence[Observation],
    /,
    *,
    shown: set[int],
    pairs: Sequence[tuple[int, int]],
) -> set[int]:
    """Returns rows of tracks whose square has come to lie on the face of another track.

    Where two tracks share a face it belongs to the one it looks like; the other's face is hidden.
    A square inside a much larger one is a part of that face.
    """
    covered: set[int] = set()
    for pair in pairs:
        if not shown.issuperset(pair) or covered.intersection(pair):
            continue
        one, other = (seen[row].square for row in pair)
        if not is_same_face(one, other):
            continue
        if one.ratio(other) > NESTED_RATIO:
            covered.add(min(pair, key=lambda row: seen[row].square.side))
        else:
            covered.add(min(pair, key=lambda row: _claim(tracks[row], seen[row])))
    return covered


def _claim(track: Track, one: Observation) -> tuple[bool, float]:
    """Returns how well a track fits what is seen: confirmed before tentative, then by looks."""
    likeness = float(np.dot(track.appearance, one.appearance))
    return track.state is TrackState.CONFIRMED, likeness
