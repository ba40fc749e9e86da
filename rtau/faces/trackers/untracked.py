"""Names faces where nothing is to be followed: every face of every image is a new one.

For images that are not a sequence. Boxes pass unchanged. The command line's `image` uses it.
"""

from __future__ import annotations

import numpy as np

from rtau.data import Faces


class Untracked:
    """Tracker without memory: ids count on through the run, from 1."""

    def __init__(self) -> None:
        self._next_id = 1

    def update(self, faces: Faces, /, *, time_s: float) -> Faces:  # noqa: ARG002 - the protocol's
        """Returns the same faces, each with an id of its own."""
        ids = np.arange(self._next_id, self._next_id + len(faces), dtype=np.int64)
        self._next_id += len(faces)
        return Faces(boxes_xyxy=faces.boxes_xyxy, scores=faces.scores, track_ids=ids)

    def reset(self) -> None:
        """Does nothing: there is nothing to forget."""
