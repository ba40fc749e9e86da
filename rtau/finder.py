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

from rtau import geometry, patches
from rtau.changes import ChangeWatch
from rtau.data import Faces, Frame
from rtau.patches import Patch
from rtau.seams import Detector, Tracker
from rtau.search_policy import SearchPolicy

# Boxes that share this much (intersection over union) are on one face.
SAME_FACE_IOU = 0.3
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


def _no_box() -> npt.NDArray[np.float32]:
    return np.zeros(4, np.float32)


@dataclasses.dataclass(slots=True, eq=False)
class _Sighting:
    """One face through time, believed or not."""

    first_s: float
    last_s: float = -math.inf
    hits: int = 0
    seen_xyxy: npt.NDArray[np.float32] = dataclasses.field(default_factory=_no_box)
    """As detected: where to look next."""
    steady_xyxy: npt.NDArray[np.float32] = dataclasses.field(default_factory=_no_box)
    """As tracked: what is reported."""
    score: float = 0.0
    best: float = 0.0
    told_xyxy: npt.NDArray[np.float32] | None = None
    """Where it is said to be in the coming frame; None: the detector looks for it."""
    looked_s: float = -math.inf
    patch: Patch | None = None
    """How it looked when the detector last saw it, at `looked_s`."""
    is_shown: bool = True
    """False once a search has not shown it, until one of the whole frame does."""
    public_id: int = 0
    """0 until confirmed: the tracker's own ids, counted for every doubtful box, leave gaps."""


# Made once: a record is checked whenever it is made, and most frames have an empty one somewhere.
_NOBODY = Faces.none()
_NO_BOXES = _NOBODY.boxes_xyxy


class FaceFinder:
    """Finds the faces of one sequence of frames, or of images that are none."""

    def __init__(self, detector: Detector, tracker: Tracker, policy: SearchPolicy, /) -> None:
        """Joins a detector and a tracker; both may be of any kind."""
        self._detector = detector
        self._tracker = tracker
        self._policy = policy
        self._next_public_id = 1
        self._sightings: dict[int, _Sighting] = {}  # by the tracker's id
        self._watch = ChangeWatch()
        self._searched_s = self._searched_whole_s = -math.inf
        self._last_s = -math.inf

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

        Not in a frame that is searched, where the detector looks around all of them anyway.
        """
        every_s = self._policy.look_every_s - self._half_frame_s(frame.time_s)
        if self._is_search_timed(frame.time_s):
            return
        for sighting in self._sightings.values():
            is_sure = sighting.public_id and sighting.is_shown and sighting.last_s >= self._last_s
            is_fresh = frame.time_s - sighting.looked_s + ROUNDING_S < every_s
            if sighting.patch and is_sure and is_fresh and sighting.told_xyxy is None:
                near = sighting.seen_xyxy
                sighting.told_xyxy = patches.found_again(frame, sighting.patch, near_xyxy=near)

    def _take_patches(self, frame: Frame, seen: set[int]) -> None:
        """Remembers how the faces look that the detector has seen in this frame."""
        if self._policy.look_every_s == 0:
            return
        for track_id in seen:
            sighting = self._sightings[track_id]
            if sighting.public_id and sighting.told_xyxy is None:
                sighting.patch = patches.taken(frame, sighting.seen_xyxy)
                sighting.looked_s = frame.time_s

    def _sights(self, frame: Frame) -> tuple[Faces, npt.NDArray[np.float32]]:
        """Returns the boxes seen in this frame and the best score any search gave each.

        A followed face keeps the box of the look around it even on frames that are searched whole:
        the two searches differ by a pixel or so, which would show as a beat in the curves.
        """
        followed = [s for s in self._sightings.values() if self._is_followed(s, frame.time_s)]
        seen = self._look_near(frame, [s for s in followed if s.told_xyxy is None])
        near = _joined(_told(followed), seen)
        if not self._is_search_due(frame.time_s, near):
            return near, _scores(near)
        self._searched_s = frame.time_s
        parts = self._parts_to_search(frame, near)
        found = self._search(frame, followed, seen, parts=parts)
        doubted = _judge(followed, found, is_whole=parts is None)
        if doubted:
            seen = _joined(seen, self._look_near(frame, doubted))
        near = _joined(_told(followed), seen)
        same = geometry.iou(near.boxes_xyxy, found.boxes_xyxy) >= SAME_FACE_IOU  # (near, found)
        new = found.select(np.flatnonzero(~same.any(axis=0)))
        doubled = np.where(same, _scores(found)[None, :], 0).max(axis=1, initial=0)
        sights = Faces(
            boxes_xyxy=np.concatenate([near.boxes_xyxy, new.boxes_xyxy]),
            scores=np.concatenate([_scores(near), _scores(new)]),
        )
        best = np.concatenate([np.maximum(_scores(near), doubled), _scores(new)])
        return sights, best.astype(np.float32)

    def _parts_to_search(self, frame: Frame, near: Faces) -> geometry.Boxes | None:
        """Returns the parts that have changed or miss a face, or None for the whole frame."""
        every_s, whole_every_s = self._policy.detect_every_s, self._policy.whole_every_s
        if every_s == 0 or whole_every_s <= every_s:
            return None
        known = np.array([s.seen_xyxy for s in self._sightings.values() if s.public_id])
        missed = known[_missed(known, near.boxes_xyxy)] if len(known) else known
        next_s = frame.time_s + max(every_s, frame.time_s - self._last_s)
        is_due = next_s - self._searched_whole_s + ROUNDING_S > whole_every_s
        parts = None
        if is_due or len(missed) == len(known):
            self._watch.searched_whole(frame)
        else:
            # Where a face is missed it may come back; elsewhere it cannot go unnoticed.
            heads = geometry.expand(near.boxes_xyxy, HEAD)
            parts = self._watch.changed(frame, but=heads, also=missed)
        if parts is None:
            self._searched_whole_s = frame.time_s
        return parts

    def _search(
        self,
        frame: Frame,
        followed: list[_Sighting],
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
            return _at_least(self._detector.detect(frame), self._policy.keep_score)
        told = [sighting for sighting in followed if sighting.told_xyxy is not None]
        known = _joined(seen, self._look_near(frame, told))
        if not len(parts):
            return known
        new = _at_least(self._detector.detect(frame, within=parts), self._policy.keep_score)
        return _joined(known, new)

    def _look_near(self, frame: Frame, known: list[_Sighting]) -> Faces:
        """Returns what is seen around known faces."""
        if not known:
            return _NOBODY
        last = np.array([sighting.seen_xyxy for sighting in known])
        seen = self._detector.detect(frame, near=Faces(boxes_xyxy=last))
        return _at_least(seen, self._policy.keep_score)

    def _is_followed(self, sighting: _Sighting, time_s: float) -> bool:
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
        return bool(_missed(np.array(known), near.boxes_xyxy).any())

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
        scores, best_scores = _scores(sights).tolist(), best.tolist()
        track_ids = tracked.track_ids.tolist()
        for row, track_id in enumerate(track_ids):
            sighting = self._sightings.get(track_id)
            if sighting is None:
                sighting = self._sightings[track_id] = _Sighting(first_s=time_s)
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

    def _is_confirmed(self, sighting: _Sighting) -> bool:
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
            overlap = geometry.iou(_boxes(held), _boxes(here)).max(axis=1)
            held = [s for s, part in zip(held, overlap, strict=True) if part < SAME_FACE_IOU]
        shown = sorted((s for s in here + held if s.public_id), key=lambda s: s.public_id)
        faded = [1 - (time_s - s.last_s) / self._policy.hold_s if s in held else 1.0 for s in shown]
        faces = Faces(
            boxes_xyxy=_boxes(shown),
            scores=np.array(
                [s.score * part for s, part in zip(shown, faded, strict=True)], np.float32
            ),
            track_ids=np.array([s.public_id for s in shown], np.int64),
        )
        doubted = [s for s in here + held if not s.public_id]
        return Found(faces=faces, unconfirmed_xyxy=_boxes(doubted))


def _told(followed: list[_Sighting]) -> Faces:
    """Returns the faces that were told of, where they were told."""
    known = [(s.told_xyxy, s.score) for s in followed if s.told_xyxy is not None]
    if not known:
        return _NOBODY
    return Faces(
        boxes_xyxy=np.array([box for box, _ in known], np.float32),
        scores=np.array([score for _, score in known], np.float32),
    )


def _judge(followed: list[_Sighting], found: Faces, *, is_whole: bool) -> list[_Sighting]:
    """Notes which faces a search shows; returns those told of that it does not.

    What was told of these is forgotten; those it shows take its score. Once doubted, a face is
    believed again only when a search of the whole frame shows it: one of parts asks a look alone.
    """
    if not followed:
        return []
    where = [s.seen_xyxy if s.told_xyxy is None else s.told_xyxy for s in followed]
    same = geometry.iou(np.array(where), found.boxes_xyxy) >= SAME_FACE_IOU  # (followed, found)
    doubted = []
    for sighting, on_it in zip(followed, same, strict=True):
        sighting.is_shown = bool(on_it.any()) and (is_whole or sighting.is_shown)
        if sighting.told_xyxy is None:
            continue
        if sighting.is_shown:
            sighting.score = float(_scores(found)[on_it].max())
        else:
            sighting.told_xyxy = None
            doubted.append(sighting)
    return doubted


def _joined(first: Faces, second: Faces) -> Faces:
    """Returns the faces of both, none twice: where two share a face, the earlier row is kept.

    Where that is all of the one and the other has none, it is returned as it is.
    """
    if not len(first):
        return second
    if len(first) == 1 and not len(second):
        return first
    boxes = np.concatenate([first.boxes_xyxy, second.boxes_xyxy])
    apart = (geometry.iou(boxes, boxes) < SAME_FACE_IOU).tolist()
    kept: list[int] = []
    for row, is_apart in enumerate(apart):
        if all(is_apart[other] for other in kept):
            kept.append(row)
    if len(kept) == len(first) and not len(second):
        return first
    both = Faces(boxes_xyxy=boxes, scores=np.concatenate([_scores(first), _scores(second)]))
    return both.select(np.array(kept, np.int64))


def _missed(known_xyxy: geometry.Boxes, near_xyxy: geometry.Boxes) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): known boxes that have no near box on them."""
    is_on_it = geometry.iou(known_xyxy, near_xyxy) >= SAME_FACE_IOU
    return np.asarray(~is_on_it.any(axis=1), dtype=np.bool_)


def _boxes(sightings: list[_Sighting]) -> geometry.Boxes:
    """Returns the boxes to report, float32 (N, 4)."""
    if not sightings:
        return _NO_BOXES
    return np.array([s.steady_xyxy for s in sightings], np.float32)


def _scores(faces: Faces) -> npt.NDArray[np.float32]:
    """Returns the scores; faces of a detector that gives none are taken at full score."""
    return np.ones(len(faces), np.float32) if faces.scores is None else faces.scores


def _at_least(faces: Faces, score: float) -> Faces:
    return faces.select(_scores(faces) >= score)
