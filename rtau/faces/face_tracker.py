"""Tracks faces through frames: schedules detection, updates tracks, reports confirmed faces.

Full-frame detection runs rarely, detection in changed regions more often. Known faces are
re-detected around their last boxes, or predicted by template matching or by landmarks. All times
are the frames' own, so two runs over one file agree. `rtau.pipeline` calls it.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces, Frame
from rtau.faces import template_matching
from rtau.faces.change_detection import ChangeDetector
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.track import (
    NO_FACES,
    Track,
    mark_unverified,
    merged,
    missed,
    predicted_faces,
    reported_boxes,
    scores_of,
    verified_faces,
    with_min_score,
)
from rtau.protocols import Detector, Tracker

# Region of a known face, in sides of its box: hair and chin move with it.
HEAD = 1.75
# Presentation times are decimal fractions in floats: 7 * 0.04 is not always 0.28.
ROUNDING_S = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class TrackedFaces:
    """The faces of one frame."""

    faces: Faces
    """Faces of confirmed tracks, with smoothed boxes and ids."""
    tentative_xyxy: npt.NDArray[np.float32]
    """float32 (M, 4), frame space: boxes of tracks that are not confirmed yet."""


class FaceTracker:
    """Detects and tracks the faces of one video, or of unrelated images."""

    def __init__(self, detector: Detector, tracker: Tracker, policy: DetectionPolicy, /) -> None:
        """Starts without tracks."""
        self._detector = detector
        self._tracker = tracker
        self._policy = policy
        self._next_id = 1
        self._tracks: dict[int, Track] = {}  # by the tracker's id
        self._changes = ChangeDetector()
        self._detected_s = self._full_frame_s = -math.inf
        self._last_s = -math.inf
        self._has_predictions = False

    def track(self, frame: Frame, /) -> TrackedFaces:
        """Returns the faces of the next frame; `time_s` never decreases between calls."""
        self._match_templates(frame)
        detections, best = self._detect(frame)
        tracked = self._tracker.update(detections, time_s=frame.time_s)
        present = self._update_tracks(detections, tracked, best=best, time_s=frame.time_s)
        self._update_templates(frame, present)
        for track in self._tracks.values():
            track.predicted_xyxy = None  # valid for one frame
        self._remove_lost(present, frame.time_s)
        self._last_s = frame.time_s
        return self._report(present, frame.time_s)

    def predict(self, faces: Faces, /) -> None:
        """Takes predicted boxes of the next frame, with the ids of the last one.

        They replace local re-detection in that frame, except for tracks that are lost or
        unverified: a prediction (from a network's landmarks) may drift onto a wall, and only the
        detector tells a face from one.
        """
        assert faces.track_ids is not None, "predicted faces need track ids"
        self._has_predictions = True
        boxes = dict(zip(faces.track_ids.tolist(), faces.boxes_xyxy, strict=True))
        for track in self._tracks.values():
            is_reliable = track.last_s >= self._last_s and track.is_verified
            track.predicted_xyxy = boxes.get(track.id) if is_reliable else None

    def reset(self) -> None:
        """Removes all tracks (a cut, a new file); ids go on counting."""
        self._tracker.reset()
        self._tracks = {}
        self._changes.reset()
        self._detected_s = self._full_frame_s = self._last_s = -math.inf

    def _match_templates(self, frame: Frame) -> None:
        """Predicts the boxes of recently detected faces by template matching.

        Not in a frame that runs detection, where all known faces are re-detected, nor where
        predictions come from `predict`: a track without one is to be re-detected.
        """
        if not self._uses_templates or self._is_interval_over(frame.time_s):
            return
        every_s = self._policy.redetect_every_s - self._half_frame_s(frame.time_s)
        for track in self._tracks.values():
            # With equal timestamps the interval would never end.
            is_next = track.last_s == self._last_s < frame.time_s
            is_fresh = frame.time_s - track.detected_s + ROUNDING_S < every_s
            if track.template and is_next and is_fresh:
                near = track.detected_xyxy
                track.predicted_xyxy = template_matching.match_template(
                    frame, track.template, near_xyxy=near
                )

    def _update_templates(self, frame: Frame, present: set[int]) -> None:
        """Cuts new templates of the confirmed faces detected in this frame."""
        if not self._uses_templates:
            return
        for track in (self._tracks[track_id] for track_id in present):
            if track.id and track.predicted_xyxy is None:
                track.template = template_matching.cut_template(frame, track.detected_xyxy)
                track.detected_s = frame.time_s

    @property
    def _uses_templates(self) -> bool:
        policy = self._policy
        wanted = policy.follows and policy.detect_every_s > 0 and policy.redetect_every_s > 0
        return wanted and not self._has_predictions

    def _detect(self, frame: Frame) -> tuple[Faces, npt.NDArray[np.float32]]:
        """Returns the detections of this frame and the best score of any detection of each.

        A known face keeps its re-detected box even where full-frame detection runs: the two differ
        by about a pixel, which would show as a periodic jump in the curves.
        """
        followed = [t for t in self._tracks.values() if self._is_followed(t, frame.time_s)]
        seen = self._redetect(frame, [t for t in followed if t.predicted_xyxy is None])
        near = merged(predicted_faces(followed), seen)
        if not self._is_detection_due(frame.time_s, near):
            return near, scores_of(near)
        self._detected_s = frame.time_s
        parts = self._parts_to_detect(frame, near)
        found = self._detect_new(frame, followed, seen, parts=parts)
        unverified = mark_unverified(followed, found, is_whole=parts is None)
        if unverified:
            seen = merged(seen, self._redetect(frame, unverified))
        near = merged(predicted_faces(followed), seen)
        same = (
            geometry.iou(near.boxes_xyxy, found.boxes_xyxy) >= geometry.SAME_FACE_IOU
        )  # (near, found)
        new = found.select(np.flatnonzero(~same.any(axis=0)))
        doubled = np.where(same, scores_of(found)[None, :], 0).max(axis=1, initial=0)
        detections = Faces(
            boxes_xyxy=np.concatenate([near.boxes_xyxy, new.boxes_xyxy]),
            scores=np.concatenate([scores_of(near), scores_of(new)]),
        )
        best = np.concatenate([np.maximum(scores_of(near), doubled), scores_of(new)])
        return detections, best.astype(np.float32)

    def _parts_to_detect(self, frame: Frame, near: Faces) -> geometry.Boxes | None:
        """Returns the changed regions and those of lost faces, or None for the full frame."""
        every_s, full_frame_every_s = self._policy.detect_every_s, self._policy.full_frame_every_s
        if every_s == 0 or full_frame_every_s <= every_s:
            return None
        known = [t for t in self._tracks.values() if t.id]
        lost_xyxy, is_new = self._lost(known, near)
        next_s = frame.time_s + max(every_s, frame.time_s - self._last_s)
        since_s = next_s - self._full_frame_s + ROUNDING_S
        is_due = since_s > full_frame_every_s or (is_new and since_s > full_frame_every_s / 2)
        parts = None
        if is_due or len(lost_xyxy) == len(known):
            self._changes.mark_covered(frame)
        else:
            # A lost face may reappear where the picture has not changed.
            heads = geometry.expand(near.boxes_xyxy, HEAD)
            parts = self._changes.changed_regions(frame, exclude=heads, include=lost_xyxy)
        if parts is None:
            self._full_frame_s = frame.time_s
        return parts

    def _lost(self, known: list[Track], near: Faces) -> tuple[geometry.Boxes, bool]:
        """Returns the last boxes of lost faces, float32 (N, 4), and whether a loss is new.

        New means since the last full-frame detection: the face may be outside all regions, in
        front of another head or where it differs little from the background.
        """
        if not known:
            return NO_FACES.boxes_xyxy, False
        detected_xyxy = np.array([track.detected_xyxy for track in known])
        is_lost = missed(detected_xyxy, near.boxes_xyxy)
        lost = [track for track, yes in zip(known, is_lost, strict=True) if yes]
        return detected_xyxy[is_lost], any(t.last_s >= self._full_frame_s for t in lost)

    def _detect_new(
        self,
        frame: Frame,
        followed: list[Track],
        seen: Faces,
        *,
        parts: npt.NDArray[np.float32] | None,
    ) -> Faces:
        """Returns the faces detected in some regions, or in the full frame.

        With regions, re-detected known faces are added, since the regions exclude them.

        Args:
            frame: to detect in.
            followed: the known faces.
            seen: those re-detected in this frame.
            parts: float32 (M, 4), frame space; None for the full frame.
        """
        if parts is None:
            sure = verified_faces(followed, seen)
            others = self._detector.detect(frame, seen=sure)
            return merged(sure, with_min_score(others, self._policy.keep_score))
        predicted = [track for track in followed if track.predicted_xyxy is not None]
        known = merged(seen, self._redetect(frame, predicted))
        if not len(parts):
            return known
        new = self._detector.detect(frame, within=parts, seen=verified_faces(followed, known))
        return merged(known, with_min_score(new, self._policy.keep_score))

    def _redetect(self, frame: Frame, known: list[Track]) -> Faces:
        """Returns the known faces that local re-detection finds around their last boxes."""
        if not known:
            return NO_FACES
        last = np.array([track.detected_xyxy for track in known])
        seen = self._detector.detect(frame, near=Faces(boxes_xyxy=last))
        return with_min_score(seen, self._policy.keep_score)

    def _is_followed(self, track: Track, time_s: float) -> bool:
        """Returns whether a track is to be re-detected or predicted in this frame."""
        # At 5 frames a second consecutive frames are farther apart than `max_lost_s`.
        return self._policy.follows and (
            track.last_s >= self._last_s or time_s - track.last_s < self._policy.max_lost_s
        )

    def _is_detection_due(self, time_s: float, near: Faces) -> bool:
        if self._is_interval_over(time_s):
            return True
        known = [
            t.detected_xyxy for t in self._tracks.values() if t.id and self._is_followed(t, time_s)
        ]
        if not known or time_s - self._detected_s + ROUNDING_S < self._policy.recheck_s:
            return False
        return bool(missed(np.array(known), near.boxes_xyxy).any())

    def _is_interval_over(self, time_s: float) -> bool:
        """Returns whether the detection interval is over."""
        since_s = time_s - self._detected_s + ROUNDING_S
        every_s = self._policy.detect_every_s - self._half_frame_s(time_s)
        return not self._policy.follows or since_s >= every_s

    def _half_frame_s(self, time_s: float) -> float:
        """Returns half the time since the last frame, to round an interval to the nearest frame.

        Waiting for the first frame after the interval would add up to a whole frame, which at 5
        frames a second breaks the half second in which a new face is reported.
        """
        return (time_s - self._last_s) / 2 if math.isfinite(self._last_s) else 0.0

    def _update_tracks(
        self, detections: Faces, tracked: Faces, *, best: npt.NDArray[np.float32], time_s: float
    ) -> set[int]:
        """Updates and confirms tracks; returns the tracker's ids of those in this frame."""
        assert tracked.track_ids is not None, "a tracker assigns ids"
        scores, best_scores = scores_of(detections).tolist(), best.tolist()
        track_ids = tracked.track_ids.tolist()
        for row, track_id in enumerate(track_ids):
            track = self._tracks.get(track_id)
            if track is None:
                track = self._tracks[track_id] = Track(first_s=time_s)
            track.last_s = time_s
            track.hits += 1
            track.detected_xyxy = detections.boxes_xyxy[row]
            track.smoothed_xyxy = tracked.boxes_xyxy[row]
            track.score = scores[row]
            track.best = max(track.best, best_scores[row])
            if not track.id and self._is_confirmed(track):
                track.id = self._next_id
                self._next_id += 1
        return set(track_ids)

    def _is_confirmed(self, track: Track) -> bool:
        policy = self._policy
        if track.best < policy.confirm_score:
            return False
        lasted_s = track.last_s - track.first_s
        return track.hits >= policy.confirm_hits or (
            track.hits >= 2 and lasted_s + ROUNDING_S >= policy.confirm_s
        )

    def _remove_lost(self, present: set[int], time_s: float) -> None:
        policy = self._policy
        for track_id, track in list(self._tracks.items()):
            keep_s = policy.reidentify_s if track.id else policy.max_lost_s
            if track_id not in present and time_s - track.last_s >= keep_s:
                del self._tracks[track_id]

    def _report(self, present: set[int], time_s: float) -> TrackedFaces:
        """Returns the present tracks, and the lost ones that no present one overlaps."""
        max_lost_s = self._policy.max_lost_s
        here = [track for track_id, track in self._tracks.items() if track_id in present]
        lost = [
            track
            for track_id, track in self._tracks.items()
            if track_id not in present and time_s - track.last_s < max_lost_s
        ]
        if here and lost:
            overlap = geometry.iou(reported_boxes(lost), reported_boxes(here)).max(axis=1)
            lost = [
                t for t, part in zip(lost, overlap, strict=True) if part < geometry.SAME_FACE_IOU
            ]
        confirmed = sorted((t for t in here + lost if t.id), key=lambda t: t.id)
        fades = [1 - (time_s - t.last_s) / max_lost_s if t in lost else 1.0 for t in confirmed]
        scores = [t.score * fade for t, fade in zip(confirmed, fades, strict=True)]
        faces = Faces(
            boxes_xyxy=reported_boxes(confirmed),
            scores=np.array(scores, np.float32),
            track_ids=np.array([track.id for track in confirmed], np.int64),
        )
        tentative = [track for track in here + lost if not track.id]
        return TrackedFaces(faces=faces, tentative_xyxy=reported_boxes(tentative))
