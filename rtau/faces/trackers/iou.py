"""Associates boxes with tracks by overlap, greedily, and smooths them.

Reads no pixels: two faces that swap places behind each other swap ids. `rtau.faces.face_tracker`
calls it once per frame and decides which tracks are confirmed and reported.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces
from rtau.faces.trackers.smoothing import SmoothedBox

# A face lost for longer gets a new id: by then it may be someone else.
MEMORY_S = 1.0
# Boxes that overlap less than this are associated by distance instead.
MIN_IOU = 0.2
# Maximum distance of centres, in sides: from one frame to the next, and more per second lost (a
# person who turns away and back has moved by about this; a seat beside is one and a half away).
REACH = 0.5
REACH_PER_S = 0.5
# The larger of two boxes of one face over the smaller, in sides.
MAX_RATIO = 1.6
# Boxes that overlap more than this also have similar sizes: the smaller has at least this part of
# the larger one's area, so their sides differ by less than `MAX_RATIO`.
CLEAR_IOU = 0.5


@dataclasses.dataclass(slots=True)
class _Track:
    track_id: int
    box_xyxy: npt.NDArray[np.float32]  # as last detected
    time_s: float
    smoothed: SmoothedBox


class IouTracker:
    """Tracker by overlap; the order of the rows has no effect."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next_id = 1

    def update(self, faces: Faces, /, *, time_s: float) -> Faces:
        """Returns the same rows with ids and smoothed boxes."""
        self._tracks = [track for track in self._tracks if time_s - track.time_s <= MEMORY_S]
        boxes = faces.boxes_xyxy
        known = dict(_continued(boxes, self._tracks, time_s))
        smoothed = boxes.copy()
        ids = np.empty(len(boxes), np.int64)
        for row, k in known.items():
            track = self._tracks[k]
            smoothed[row] = track.smoothed.step(boxes[row], time_s=time_s)
            track.box_xyxy, track.time_s = boxes[row].copy(), time_s
            ids[row] = track.track_id
        new = [row for row in range(len(boxes)) if row not in known]
        # New ids are assigned by position, so that the order of the rows has no effect.
        for row in sorted(new, key=lambda row: boxes[row].tolist()):
            ids[row] = self._start(boxes[row], time_s).track_id
        return Faces(boxes_xyxy=smoothed, scores=faces.scores, track_ids=ids)

    def reset(self) -> None:
        """Removes all tracks; ids go on counting."""
        self._tracks = []

    def _start(self, box_xyxy: npt.NDArray[np.float32], time_s: float) -> _Track:
        track = _Track(
            track_id=self._next_id,
            box_xyxy=box_xyxy.copy(),
            time_s=time_s,
            smoothed=SmoothedBox(box_xyxy, time_s=time_s),
        )
        self._next_id += 1
        self._tracks.append(track)
        return track


def _continued(
    boxes_xyxy: geometry.Boxes, tracks: list[_Track], time_s: float
) -> list[tuple[int, int]]:
    """Returns (row, track) pairs, no row and no track twice."""
    if not tracks or not len(boxes_xyxy):
        return []
    last = np.array([track.box_xyxy for track in tracks])
    overlap = geometry.iou(boxes_xyxy, last)
    rows, clear = (overlap > CLEAR_IOU).nonzero()
    # In nearly every frame each box overlaps one track of its own clearly. These pairs are optimal
    # and leave no row for any other, so that distances need not be computed.
    if len(set(clear.tolist())) == len(clear) and rows.tolist() == list(range(len(boxes_xyxy))):
        return list(enumerate(clear.tolist()))
    lost_s = np.array([time_s - track.time_s for track in tracks])
    return _pairs(_affinity(boxes_xyxy, last, overlap=overlap, lost_s=lost_s))


def _affinity(
    boxes_xyxy: geometry.Boxes,
    last_xyxy: geometry.Boxes,
    *,
    overlap: npt.NDArray[np.float32],
    lost_s: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Returns the affinity of each box and track: float32 (N, T), 0 where they cannot match.

    The overlap from `MIN_IOU` up; below, nearness scaled to [0, `MIN_IOU`].
    """
    sides = np.sqrt(np.maximum(geometry.areas(boxes_xyxy), 1e-6))[:, None]
    last_sides = np.sqrt(np.maximum(geometry.areas(last_xyxy), 1e-6))[None, :]
    centres = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    last_centres = (last_xyxy[:, :2] + last_xyxy[:, 2:]) / 2
    away = np.linalg.norm(centres[:, None] - last_centres[None], axis=2) / last_sides
    nearness = MIN_IOU * (1 - away / (REACH + REACH_PER_S * lost_s))
    ratio = np.maximum(sides / last_sides, last_sides / sides)
    value = np.where(overlap >= MIN_IOU, overlap, np.maximum(nearness, 0))
    return np.asarray(np.where(ratio <= MAX_RATIO, value, 0), dtype=np.float32)


def _pairs(affinity: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Returns (row, track) pairs, best first, no row and no track twice."""
    rows, tracks = np.nonzero(affinity > 0)
    pairs: list[tuple[int, int]] = []
    free_rows, free_tracks = set(rows.tolist()), set(tracks.tolist())
    for k in np.argsort(-affinity[rows, tracks], kind="stable").tolist():
        row, track = int(rows[k]), int(tracks[k])
        if row in free_rows and track in free_tracks:
            free_rows.remove(row)
            free_tracks.remove(track)
            pairs.append((row, track))
    return pairs
