"""The record of one tracked face, and functions on lists of tracks and detections.

Only `mark_unverified` changes its arguments. `rtau.faces.face_tracker` calls it.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces
from rtau.faces.template_matching import Template

# Created once: creating a record checks it, and most frames need an empty one.
NO_FACES = Faces.none()


def _no_box() -> npt.NDArray[np.float32]:
    return np.zeros(4, np.float32)


@dataclasses.dataclass(slots=True, eq=False)
class Track:
    """One face through time: tentative, confirmed (`id` > 0) or lost."""

    first_s: float
    last_s: float = -math.inf
    hits: int = 0
    detected_xyxy: npt.NDArray[np.float32] = dataclasses.field(default_factory=_no_box)
    """Last detected or predicted box; local re-detection starts from it."""
    smoothed_xyxy: npt.NDArray[np.float32] = dataclasses.field(default_factory=_no_box)
    """Smoothed box, as reported."""
    score: float = 0.0
    best: float = 0.0
    predicted_xyxy: npt.NDArray[np.float32] | None = None
    """Predicted box in the coming frame; None: it is re-detected."""
    detected_s: float = -math.inf
    """When the template was cut."""
    template: Template | None = None
    """The face as last detected, for template matching."""
    is_verified: bool = True
    """False once detection has missed it, until full-frame detection finds it again."""
    id: int = 0
    """0 until confirmed. The tracker's ids also count tentative boxes, and so have gaps."""


def predicted_faces(followed: list[Track]) -> Faces:
    """Returns the boxes predicted for this frame, with their tracks' scores."""
    known = [(t.predicted_xyxy, t.score) for t in followed if t.predicted_xyxy is not None]
    if not known:
        return NO_FACES
    return Faces(
        boxes_xyxy=np.array([box for box, _ in known], np.float32),
        scores=np.array([score for _, score in known], np.float32),
    )


def mark_unverified(followed: list[Track], found: Faces, *, is_whole: bool) -> list[Track]:
    """Updates `is_verified` by new detections; returns the tracks whose prediction they miss.

    Their predictions are removed; predictions that are verified take the detection's score. Only
    full-frame detection (`is_whole`) verifies a track again: in regions, known faces are merely
    re-detected locally.
    """
    if not followed:
        return []
    where = [t.detected_xyxy if t.predicted_xyxy is None else t.predicted_xyxy for t in followed]
    same = (
        geometry.iou(np.array(where), found.boxes_xyxy) >= geometry.SAME_FACE_IOU
    )  # (followed, found)
    unverified = []
    for track, on_it in zip(followed, same, strict=True):
        track.is_verified = bool(on_it.any()) and (is_whole or track.is_verified)
        if track.predicted_xyxy is None:
            continue
        if track.is_verified:
            track.score = float(scores_of(found)[on_it].max())
        else:
            track.predicted_xyxy = None
            unverified.append(track)
    return unverified


def verified_faces(followed: list[Track], seen: Faces) -> Faces:
    """Returns the re-detected faces that full-frame detection need not evaluate again.

    These belong to confirmed, verified tracks: the closer evaluation might still confirm a
    tentative one, and an unverified one must be detected independently.
    """
    sure = [track.detected_xyxy for track in followed if track.id and track.is_verified]
    if not sure or not len(seen):
        return NO_FACES
    is_sure = geometry.iou(seen.boxes_xyxy, np.array(sure)) >= geometry.SAME_FACE_IOU
    return seen.select(np.flatnonzero(is_sure.any(axis=1)))


def merged(first: Faces, second: Faces) -> Faces:
    """Returns the faces of both without duplicates: of overlapping rows the earlier is kept.

    An argument that is already the answer is returned itself.
    """
    if not len(first):
        return second
    if len(first) == 1 and not len(second):
        return first
    boxes = np.concatenate([first.boxes_xyxy, second.boxes_xyxy])
    apart = (geometry.iou(boxes, boxes) < geometry.SAME_FACE_IOU).tolist()
    kept: list[int] = []
    for row, is_apart in enumerate(apart):
        if all(is_apart[other] for other in kept):
            kept.append(row)
    if len(kept) == len(first) and not len(second):
        return first
    both = Faces(boxes_xyxy=boxes, scores=np.concatenate([scores_of(first), scores_of(second)]))
    return both.select(np.array(kept, np.int64))


def missed(known_xyxy: geometry.Boxes, near_xyxy: geometry.Boxes) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): known boxes that no near box overlaps."""
    is_on_it = geometry.iou(known_xyxy, near_xyxy) >= geometry.SAME_FACE_IOU
    return np.asarray(~is_on_it.any(axis=1), dtype=np.bool_)


def reported_boxes(tracks: list[Track]) -> geometry.Boxes:
    """Returns the boxes to report, float32 (N, 4)."""
    if not tracks:
        return NO_FACES.boxes_xyxy
    return np.array([track.smoothed_xyxy for track in tracks], np.float32)


def scores_of(faces: Faces) -> npt.NDArray[np.float32]:
    """Returns the scores; 1 for detectors without scores."""
    return np.ones(len(faces), np.float32) if faces.scores is None else faces.scores


def with_min_score(faces: Faces, score: float) -> Faces:
    """Returns the faces with at least that score."""
    return faces.select(scores_of(faces) >= score)
