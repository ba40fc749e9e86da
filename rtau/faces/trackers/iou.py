"""Follows faces by where their boxes are: best overlap first, short memory, steadied boxes.

Looks at no pixels: two faces that swap places behind each other swap ids. Whether a face is
believed or reported is decided by `rtau.faces.face_tracker`, which calls it once per frame.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces
from rtau.faces.trackers.smoothing import SteadyBox

# A face lost for longer comes back as a new one: by then it may be someone else.
MEMORY_S = 1.0
# Boxes that overlap less than this are joined by distance instead.
MIN_IOU = 0.2
# How far a centre may be from where it was, in sides: at once, and more per second unseen (a
# person who turns away and back has moved by about this; a seat beside is one and a half away).
REACH = 0.5
REACH_PER_S = 0.5
# The larger of two boxes of one face over the smaller, in sides.
MAX_RATIO = 1.6
# Boxes that overlap more than this are alike in size as well: the smaller has at least this part of
# the larger one's area, so their sides differ by less than `MAX_RATIO`.
CLEAR_IOU = 0.5


@dataclasses.dataclass(slots=True)
class _Track:
    track_id: int
    box_xyxy: npt.NDArray[np.float32]  # as last detected
    time_s: float
    steady: SteadyBox


class IouTracker:
    """Tracker by overlap; which row a face is in makes no difference."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next_id = 1

    def update(self, faces: Faces, /, *, time_s: float) -> Faces:
        """Returns the same rows with ids and steadied boxes."""
        self._tracks = [track for track in self._tracks if time_s - track.time_s <= MEMORY_S]
        boxes = faces.boxes_xyxy
        known = dict(_continued(boxes, self._tracks, time_s))
        steadied = boxes.copy()
        ids = np.empty(len(boxes), np.int64)
        for row, k in known.items():
            track = self._tracks[k]
            steadied[row] = track.steady.step(boxes[row], time_s=time_s)
            track.box_xyxy, track.time_s = boxes[row].copy(), time_s
            ids[row] = track.track_id
        new = [row for row in range(len(boxes)) if row not in known]
        # New ids go by place, not by row, so that the order of the rows is without effect.
        for row in sorted(new, key=lambda row: boxes[row].tolist()):
            ids[row] = self._start(boxes[row], time_s).track_id
        return Faces(boxes_xyxy=steadied, scores=faces.scores, track_ids=ids)

    def reset(self) -> None:
        """Forgets all faces; ids go on counting."""
        self._tracks = []

    def _start(self, box_xyxy: npt.NDArray[np.float32], time_s: float) -> _Track:
        track = _Track(
            track_id=self._next_id,
            box_xyxy=box_xyxy.copy(),
            time_s=time_s,
            steady=SteadyBox(box_xyxy, time_s=time_s),
        )
        self._next_id += 1
        self._tracks.append(track)
        return track


def _continued(
    boxes_xyxy: geometry.Boxes, tracks: list[_Track], time_s: float
) -> list[tuple[int, int]]:
    """Returns (row, track) pairs: which box continues which track, no row and no track twice."""
    if not tracks or not len(boxes_xyxy):
        return []
    last = np.array([track.box_xyxy for track in tracks])
    overlap = geometry.iou(boxes_xyxy, last)
    rows, clear = (overlap > CLEAR_IOU).nonzero()
    # Nearly every frame: each box lies on one track of its own. These pairs are the best there are
    # and leave no row for any other, so that distances need not be looked at.
    if len(set(clear.tolist())) == len(clear) and rows.tolist() == list(range(len(boxes_xyxy))):
        return list(enumerate(clear.tolist()))
    unseen_s = np.array([time_s - track.time_s for track in tracks])
    return _pairs(_affinity(boxes_xyxy, last, overlap=overlap, unseen_s=unseen_s))


def _affinity(
    boxes_xyxy: geometry.Boxes,
    last_xyxy: geometry.Boxes,
    *,
    overlap: npt.NDArray[np.float32],
    unseen_s: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Returns how well each box continues each track: float32 (N, T), 0 where it cannot.

    From `MIN_IOU` up it is the overlap; below that, nearness on a scale that ends there.
    """
    sides = np.sqrt(np.maximum(geometry.areas(boxes_xyxy), 1e-6))[:, None]
    last_sides = np.sqrt(np.maximum(geometry.areas(last_xyxy), 1e-6))[None, :]
    centres = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    last_centres = (last_xyxy[:, :2] + last_xyxy[:, 2:]) / 2
    away = np.linalg.norm(centres[:, None] - last_centres[None], axis=2) / last_sides
    nearness = MIN_IOU * (1 - away / (REACH + REACH_PER_S * unseen_s))
    ratio = np.maximum(sides / last_sides, last_sides / sides)
    value = np.where(overlap >= MIN_IOU, overlap, np.maximum(nearness, 0))
    return np.asarray(np.where(ratio <= MAX_RATIO, value, 0), dtype=np.float32)


def _pairs(affinity: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Returns (row, track) pairs, best first, no row and no track twice."""
    rows, tracks = np.nonzero(affinity > 0)
    taken: list[tuple[int, int]] = []
    free_rows, free_tracks = set(rows.tolist()), set(tracks.tolist())
    for k in np.argsort(-affinity[rows, tracks], kind="stable").tolist():
        row, track = int(rows[k]), int(tracks[k])
        if row in free_rows and track in free_tracks:
            free_rows.remove(row)
            free_tracks.remove(track)
            taken.append((row, track))
    return taken
