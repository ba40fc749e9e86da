"""Follows faces by where their boxes are: best overlap first, short memory, steadied boxes.

Looks at no pixels: two faces that swap places behind each other swap ids. Whether a face is
believed or reported is decided by `rtau.finder`, which calls it once per frame.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces
from rtau.trackers.steady import SteadyBox

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
        known = dict(_pairs(_affinity(boxes, self._tracks, time_s)))
        steadied = np.empty_like(boxes)
        ids = np.empty(len(boxes), np.int64)
        # New ids go by place, not by row, so that the order of the rows is without effect.
        for row in np.lexsort(boxes.T[::-1]).tolist():
            if row in known:
                track = self._tracks[known[row]]
                steadied[row] = track.steady.step(boxes[row], time_s=time_s)
                track.box_xyxy, track.time_s = boxes[row].copy(), time_s
            else:
                track = self._start(boxes[row], time_s)
                steadied[row] = boxes[row]
            ids[row] = track.track_id
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


def _affinity(
    boxes_xyxy: geometry.Boxes, tracks: list[_Track], time_s: float
) -> npt.NDArray[np.float32]:
    """Returns how well each box continues each track: float32 (N, T), 0 where it cannot.

    From `MIN_IOU` up it is the overlap; below that, nearness on a scale that ends there.
    """
    if not tracks:
        return np.zeros((len(boxes_xyxy), 0), np.float32)
    last = np.stack([track.box_xyxy for track in tracks])
    unseen_s = np.array([time_s - track.time_s for track in tracks])
    sides = np.sqrt(np.maximum(geometry.areas(boxes_xyxy), 1e-6))[:, None]
    last_sides = np.sqrt(np.maximum(geometry.areas(last), 1e-6))[None, :]
    centres = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    last_centres = (last[:, :2] + last[:, 2:]) / 2
    away = np.linalg.norm(centres[:, None] - last_centres[None], axis=2) / last_sides
    nearness = MIN_IOU * (1 - away / (REACH + REACH_PER_S * unseen_s))
    overlap = geometry.iou(boxes_xyxy, last)
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
