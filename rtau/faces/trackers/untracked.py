"""A tracker for unrelated images: every face gets a new id, boxes are unchanged."""

from __future__ import annotations

import numpy as np

from rtau.data import Faces


class Untracked:
    """Tracker without state but for the next id; ids start at 1."""

    def __init__(self) -> None:
        self._next_id = 1

    def update(self, faces: Faces, /, *, time_s: float) -> Faces:  # noqa: ARG002 - the protocol's
        """Returns the same faces, each with an id of its own."""
        ids = np.arange(self._next_id, self._next_id + len(faces), dtype=np.int64)
        self._next_id += len(faces)
        return Faces(boxes_xyxy=faces.boxes_xyxy, scores=faces.scores, track_ids=ids)

    def reset(self) -> None:
        """Does nothing: there are no tracks."""
