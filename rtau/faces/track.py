"""What the finder remembers of each face, and what lists of faces say together.

Touches no pixels; only `doubted_by` changes what it is given. The face tracker decides by it.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces
from rtau.faces.template_matching import Patch

# Boxes that share this much (intersection over union) are on one face.
SAME_FACE_IOU = 0.3
# Made once: a record is checked whenever it is made, and most frames have an empty one somewhere.
NOBODY = Faces.none()


def _no_box() -> npt.NDArray[np.float32]:
    return np.zeros(4, np.float32)


@dataclasses.dataclass(slots=True, eq=False)
class Sighting:
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


def told_faces(followed: list[Sighting]) -> Faces:
    """Returns the faces that were told of, where they were told."""
    known = [(s.told_xyxy, s.score) for s in followed if s.told_xyxy is not None]
    if not known:
        return NOBODY
    return Faces(
        boxes_xyxy=np.array([box for box, _ in known], np.float32),
        scores=np.array([score for _, score in known], np.float32),
    )


def doubted_by(followed: list[Sighting], found: Faces, *, is_whole: bool) -> list[Sighting]:
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
            sighting.score = float(scores_of(found)[on_it].max())
        else:
            sighting.told_xyxy = None
            doubted.append(sighting)
    return doubted


def believed(followed: list[Sighting], seen: Faces) -> Faces:
    """Returns those of the faces seen that a search need not judge again.

    These are confirmed: a closer look might still confirm another. And no search has doubted them:
    what is doubted is to be shown by a search alone.
    """
    sure = [sighting.seen_xyxy for sighting in followed if sighting.public_id and sighting.is_shown]
    if not sure or not len(seen):
        return NOBODY
    is_sure = geometry.iou(seen.boxes_xyxy, np.array(sure)) >= SAME_FACE_IOU
    return seen.select(np.flatnonzero(is_sure.any(axis=1)))


def joined(first: Faces, second: Faces) -> Faces:
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
    both = Faces(boxes_xyxy=boxes, scores=np.concatenate([scores_of(first), scores_of(second)]))
    return both.select(np.array(kept, np.int64))


def missed(known_xyxy: geometry.Boxes, near_xyxy: geometry.Boxes) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): known boxes that have no near box on them."""
    is_on_it = geometry.iou(known_xyxy, near_xyxy) >= SAME_FACE_IOU
    return np.asarray(~is_on_it.any(axis=1), dtype=np.bool_)


def reported_boxes(sightings: list[Sighting]) -> geometry.Boxes:
    """Returns the boxes to report, float32 (N, 4)."""
    if not sightings:
        return NOBODY.boxes_xyxy
    return np.array([s.steady_xyxy for s in sightings], np.float32)


def scores_of(faces: Faces) -> npt.NDArray[np.float32]:
    """Returns the scores; faces of a detector that gives none are taken at full score."""
    return np.ones(len(faces), np.float32) if faces.scores is None else faces.scores


def at_least(faces: Faces, score: float) -> Faces:
    """Returns the faces of that score and more."""
    return faces.select(scores_of(faces) >= score)
