"""Decides when to search, whom to follow and what to believe: a detector and a tracker in time.

Searches the whole frame seldom and what has changed in it more often, looks for known faces around
their last boxes or follows them by how they looked, unless it was told where they are, and reports
a face once it is confirmed. Time is the frames' own, so two runs over one file agree; touches no
pixels itself. `rtau.pipeline` calls it.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces, Frame
from rtau.faces import template_matching
from rtau.faces.change_detection import ChangeWatch
from rtau.faces.detection_policy import SearchPolicy
from rtau.faces.track import (
    NOBODY,
    SAME_FACE_IOU,
    Sighting,
    at_least,
    believed,
    doubted_by,
    joined,
    missed,
    reported_boxes,
    scores_of,
    told_faces,
)
from rtau.protocols import Detector, Tracker

# What belongs to a known face, in sides of its box: hair and chin move with it.
HEAD = 1.75
# Presentation times are decimal fractions in floats: 7 * 0.04 is not always 0.28.
ROUNDING_S = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found in one frame."""

    faces: Faces
    """Confirmed faces: tracked, steadied, to be scored."""
    unconfirmed_xyxy: npt.NDArray[np.float32]
    """float32 (M, 4), frame space: boxes seen but not confirmed."""


class FaceFinder:
    """Finds the faces of one sequence of frames, or of images that are none."""

    def __init__(self, detector: Detector, tracker: Tracker, policy: SearchPolicy, /) -> None:
        """Joins a detector and a tracker; both may be of any kind."""
        self._detector = detector
        self._tracker = tracker
        self._policy = policy
        self._next_public_id = 1
        self._sightings: dict[int, Sighting] = {}  # by the tracker's id
        self._watch = ChangeWatch()
        self._searched_s = self._searched_whole_s = -math.inf
        self._last_s = -math.inf
        self._is_told = False

    def find(self, frame: Frame, /) -> Found:
        """Returns the faces of the next frame; `time_s` never decreases between calls."""
        self._follow_patches(frame)
        sights, best = self._sights(frame)
        tracked = self._tracker.update(sights, time_s=frame.time_s)
        seen = self._note(sights, tracked, best=best, time_s=frame.time_s)
        self._take_patches(frame, seen)
        for sighting in self._sightings.values():
            sighting.told_xyxy = None  # it held for this frame
        self._forget(seen, frame.time_s)
        self._last_s = frame.time_s
        return self._report(seen, frame.time_s)

    def follow(self, faces: Faces, /) -> None:
        """Takes where faces of the last frame will be in the next one: no look around them is made.

        Boxes with the ids that `find` gave. A face that was not seen but held where it was, or that
        a search did not show and none of the whole frame since, is looked for all the same: who
        tells (a network's landmarks) may follow a wall; only the detector knows a face from one.
        """
        assert faces.track_ids is not None, "faces to follow have ids"
        self._is_told = True
        told = dict(zip(faces.track_ids.tolist(), faces.boxes_xyxy, strict=True))
        for sighting in self._sightings.values():
            is_seen = sighting.last_s >= self._last_s and sighting.is_shown
            sighting.told_xyxy = told.get(sighting.public_id) if is_seen else None

    def reset(self) -> None:
        """Forgets all faces (a cut, a new file); ids go on counting."""
        self._tracker.reset()
        self._sightings = {}
        self._watch.reset()
        self._searched_s = self._searched_whole_s = self._last_s = -math.inf

    def _follow_patches(self, frame: Frame) -> None:
        """Says of known faces where they are, if the detector has seen them just before.

        Not in a frame that is searched, where the detector looks around all of them anyway, nor
        where somebody else tells of faces, whose silence means that the detector is to look.
        """
        if not self._uses_patches or self._is_search_timed(frame.time_s):
            return
        every_s = self._policy.look_every_s - self._half_frame_s(frame.time_s)
        for sighting in self._sightings.values():
            # Where time stands still, no interval would ever be over.
            is_next = sighting.last_s == self._last_s < frame.time_s
            is_fresh = frame.time_s - sighting.looked_s + ROUNDING_S < every_s
            if sighting.patch and is_next and is_fresh:
                near = sighting.seen_xyxy
                sighting.told_xyxy = template_matching.found_again(
                    frame, sighting.patch, near_xyxy=near
                )

    def _take_patches(self, frame: Frame, seen: set[int]) -> None:
        """Remembers how the faces look that the detector has seen in this frame."""
        if not self._uses_patches:
            return
        for sighting in (self._sightings[track_id] for track_id in seen):
            if sighting.public_id and sighting.told_xyxy is None:
                sighting.patch = template_matching.taken(frame, sighting.seen_xyxy)
                sighting.looked_s = frame.time_s

    @property
    def _uses_patches(self) -> bool:
        policy = self._policy
        wanted = policy.follows and policy.detect_every_s > 0 and policy.look_every_s > 0
        return wanted and not self._is_told

    def _sights(self, frame: Frame) -> tuple[Faces, npt.NDArray[np.float32]]:
        """Returns the boxes seen in this frame and the best score any search gave each.

        A followed face keeps the box of the look around it even on frames that are searched whole:
        the two searches differ by a pixel or so, which would show as a beat in the curves.
        """
        followed = [s for s in self._sightings.values() if self._is_followed(s, frame.time_s)]
        seen = self._look_near(frame, [s for s in followed if s.told_xyxy is None])
        near = joined(told_faces(followed), seen)
        if not self._is_search_due(frame.time_s, near):
            return near, scores_of(near)
        self._searched_s = frame.time_s
        parts = self._parts_to_search(frame, near)
        found = self._search(frame, followed, seen, parts=parts)
        doubted = doubted_by(followed, found, is_whole=parts is None)
        if doubted:
            seen = joined(seen, self._look_near(frame, doubted))
        near = joined(told_faces(followed), seen)
        same = geometry.iou(near.boxes_xyxy, found.boxes_xyxy) >= SAME_FACE_IOU  # (near, found)
        new = found.select(np.flatnonzero(~same.any(axis=0)))
        doubled = np.where(same, scores_of(found)[None, :], 0).max(axis=1, initial=0)
        sights = Faces(
            boxes_xyxy=np.concatenate([near.boxes_xyxy, new.boxes_xyxy]),
            scores=np.concatenate([scores_of(near), scores_of(new)]),
        )
        best = np.concatenate([np.maximum(scores_of(near), doubled), scores_of(new)])
        return sights, best.astype(np.float32)

    def _parts_to_search(self, frame: Frame, near: Faces) -> geometry.Boxes | None:
        """Returns the parts that have changed or miss a face, or None for the whole frame."""
        every_s, whole_every_s = self._policy.detect_every_s, self._policy.whole_every_s
        if every_s == 0 or whole_every_s <= every_s:
            return None
        known = [s for s in self._sightings.values() if s.public_id]
        lost_xyxy, is_new = self._lost(known, near)
        next_s = frame.time_s + max(every_s, frame.time_s - self._last_s)
        since_s = next_s - self._searched_whole_s + ROUNDING_S
        is_due = since_s > whole_every_s or (is_new and since_s > whole_every_s / 2)
        parts = None
        if is_due or len(lost_xyxy) == len(known):
            self._watch.searched_whole(frame)
        else:
            # Where a face is missed it may come back, though the picture has not changed.
            heads = geometry.expand(near.boxes_xyxy, HEAD)
            parts = self._watch.changed(frame, but=heads, also=lost_xyxy)
        if parts is None:
            self._searched_whole_s = frame.time_s
        return parts

    def _lost(self, known: list[Sighting], near: Faces) -> tuple[geometry.Boxes, bool]:
        """Returns where known faces are missed, float32 (N, 4), and whether one is newly.

        That is, since the last search of the whole frame: it may be where no part is searched, in
        front of another head or where it differs little from what was there.
        """
        if not known:
            return NOBODY.boxes_xyxy, False
        seen_xyxy = np.array([sighting.seen_xyxy for sighting in known])
        is_lost = missed(seen_xyxy, near.boxes_xyxy)
        lost = [sighting for sighting, yes in zip(known, is_lost, strict=True) if yes]
        return seen_xyxy[is_lost], any(s.last_s >= self._searched_whole_s for s in lost)

    def _search(
        self,
        frame: Frame,
        followed: list[Sighting],
        seen: Faces,
        *,
        parts: npt.NDArray[np.float32] | None,
    ) -> Faces:
        """Returns what a search of some parts shows, or of the whole frame without parts.

        Beside the parts the known faces are among the faces returned if a look around each shows
        them, since nobody searches where they are.

        Args:
            frame: to search.
            followed: the known faces.
            seen: those of them a look has shown in this frame.
            parts: of the frame.
        """
        if parts is None:
            sure = believed(followed, seen)
            others = self._detector.detect(frame, seen=sure)
            return joined(sure, at_least(others, self._policy.keep_score))
        told = [sighting for sighting in followed if sighting.told_xyxy is not None]
        known = joined(seen, self._look_near(frame, told))
        if not len(parts):
            return known
        new = self._detector.detect(frame, within=parts, seen=believed(followed, known))
        return joined(known, at_least(new, self._policy.keep_score))

    def _look_near(self, frame: Frame, known: list[Sighting]) -> Faces:
        """Returns what is seen around known faces."""
        if not known:
            return NOBODY
        last = np.array([sighting.seen_xyxy for sighting in known])
        seen = self._detector.detect(frame, near=Faces(boxes_xyxy=last))
        return at_least(seen, self._policy.keep_score)

    def _is_followed(self, sighting: Sighting, time_s: float) -> bool:
        """True where a face seen lately is looked for in this frame."""
        # One frame of grace: at 5 frames a second every frame is farther off than `hold_s`.
        return self._policy.follows and (
            sighting.last_s >= self._last_s or time_s - sighting.last_s < self._policy.hold_s
        )

    def _is_search_due(self, time_s: float, near: Faces) -> bool:
        if self._is_search_timed(time_s):
            return True
        known = [
            s.seen_xyxy
            for s in self._sightings.values()
            if s.public_id and self._is_followed(s, time_s)
        ]
        if not known or time_s - self._searched_s + ROUNDING_S < self._policy.recheck_s:
            return False
        return bool(missed(np.array(known), near.boxes_xyxy).any())

    def _is_search_timed(self, time_s: float) -> bool:
        """True where a search is due, whatever has become of the known faces."""
        since_s = time_s - self._searched_s + ROUNDING_S
        every_s = self._policy.detect_every_s - self._half_frame_s(time_s)
        return not self._policy.follows or since_s >= every_s

    def _half_frame_s(self, time_s: float) -> float:
        """Returns half the time since the last frame, to round an interval to the nearest frame.

        Waiting for the first frame after the interval would add up to a whole frame, which at 5
        frames a second breaks the half second in which a new face is reported.
        """
        return (time_s - self._last_s) / 2 if math.isfinite(self._last_s) else 0.0

    def _note(
        self, sights: Faces, tracked: Faces, *, best: npt.NDArray[np.float32], time_s: float
    ) -> set[int]:
        """Takes the boxes of a frame into the memory, confirms whom it can, returns their ids."""
        assert tracked.track_ids is not None, "a tracker gives ids"
        scores, best_scores = scores_of(sights).tolist(), best.tolist()
        track_ids = tracked.track_ids.tolist()
        for row, track_id in enumerate(track_ids):
            sighting = self._sightings.get(track_id)
            if sighting is None:
                sighting = self._sightings[track_id] = Sighting(first_s=time_s)
            sighting.last_s = time_s
            sighting.hits += 1
            sighting.seen_xyxy = sights.boxes_xyxy[row]
            sighting.steady_xyxy = tracked.boxes_xyxy[row]
            sighting.score = scores[row]
            sighting.best = max(sighting.best, best_scores[row])
            if not sighting.public_id and self._is_confirmed(sighting):
                sighting.public_id = self._next_public_id
                self._next_public_id += 1
        return set(track_ids)

    def _is_confirmed(self, sighting: Sighting) -> bool:
        policy = self._policy
        if sighting.best < policy.confirm_score:
            return False
        lasted_s = sighting.last_s - sighting.first_s
        return sighting.hits >= policy.confirm_hits or (
            sighting.hits >= 2 and lasted_s + ROUNDING_S >= policy.confirm_s
        )

    def _forget(self, seen: set[int], time_s: float) -> None:
        policy = self._policy
        for track_id, sighting in list(self._sightings.items()):
            keep_s = policy.remember_s if sighting.public_id else policy.hold_s
            if track_id not in seen and time_s - sighting.last_s >= keep_s:
                del self._sightings[track_id]

    def _report(self, seen: set[int], time_s: float) -> Found:
        """Returns the faces of this frame: those seen, and those held that no seen one covers."""
        here = [s for track_id, s in self._sightings.items() if track_id in seen]
        held = [
            s
            for track_id, s in self._sightings.items()
            if track_id not in seen and time_s - s.last_s < self._policy.hold_s
        ]
        if here and held:
            overlap = geometry.iou(reported_boxes(held), reported_boxes(here)).max(axis=1)
            held = [s for s, part in zip(held, overlap, strict=True) if part < SAME_FACE_IOU]
        shown = sorted((s for s in here + held if s.public_id), key=lambda s: s.public_id)
        faded = [1 - (time_s - s.last_s) / self._policy.hold_s if s in held else 1.0 for s in shown]
        faces = Faces(
            boxes_xyxy=reported_boxes(shown),
            scores=np.array(
                [s.score * part for s, part in zip(shown, faded, strict=True)], np.float32
            ),
            track_ids=np.array([s.public_id for s in shown], np.int64),
        )
        doubted = [s for s in here + held if not s.public_id]
        return Found(faces=faces, unconfirmed_xyxy=reported_boxes(doubted))
