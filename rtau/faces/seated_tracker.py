"""Gives the faces of another tracker the names of the seats that they are in.

Knows nothing of how faces are found, so recorded faces have seats too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rtau.data import Frame, TrackedFaces
from rtau.protocols import Tracker
from rtau.seats import Seat, seat_names


class SeatedTracker:
    """Adds seats to the faces of another tracker. A `Tracker`."""

    def __init__(self, tracker: Tracker, seats: Sequence[Seat], /) -> None:
        """Takes the tracker that finds the faces, and the seats."""
        self._tracker = tracker
        self._seats = tuple(seats)

    def track(self, frame: Frame, /) -> TrackedFaces:
        """Returns the faces of the next frame with their seats."""
        found = self._tracker.track(frame)
        boxes_xyxy = found.faces.boxes_xyxy.tolist()
        names = seat_names(boxes_xyxy, self._seats, width=frame.width, height=frame.height)
        return dataclasses.replace(found, faces=dataclasses.replace(found.faces, seats=names))

    def reset(self) -> None:
        """Resets the tracker that finds the faces."""
        self._tracker.reset()
