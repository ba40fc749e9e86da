"""Camera devices that need no camera: they stand in for `cv2.VideoCapture`, well-behaved or not.

Used by the tests of the camera source and of whole live runs.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable

import cv2
import numpy as np

from tests.support.media import numbered


class CameraDouble:
    """Gives one picture per read, at a pace, and then does what `then` says.

    Args:
        pictures: what the reads give; None is a read that fails.
        then: once they are used up: "fails" (reads give nothing, at once) or "hangs" (a read
            blocks until `unblock()`).
        opens: whether the device is there.
        mode: width, height and rate that it reports and really has, whatever is asked for.
        pace_s: how long a read takes.
    """

    def __init__(
        self,
        pictures: Iterable[np.ndarray | None] | None = None,
        *,
        then: str = "fails",
        opens: bool = True,
        mode: tuple[int, int, float] = (64, 48, 30.0),
        pace_s: float = 0.002,
    ) -> None:
        width, height, _ = mode
        default = (numbered(k % 1024, width=width, height=height) for k in itertools.count())
        self.pictures = iter(default if pictures is None else pictures)
        self.then, self.opens, self.mode, self.pace_s = then, opens, mode, pace_s
        self.asked: dict[int, float] = {}
        self.releases = 0
        self.released_by = ""
        self._unblocked = threading.Event()

    def __call__(self, target: int | str) -> CameraDouble:
        """Stands in for the opening function too."""
        self.target = target
        return self

    def unblock(self) -> None:
        """Lets a hanging read return, with nothing."""
        self._unblocked.set()

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens

    def read(self) -> tuple[bool, np.ndarray | None]:
        self._unblocked.wait(self.pace_s)
        try:
            picture = next(self.pictures)
        except StopIteration:
            if self.then == "hangs":
                self._unblocked.wait(30)
            return False, None
        return picture is not None, picture

    def get(self, prop: int) -> float:
        width, height, fps = self.mode
        known = {
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: height,
            cv2.CAP_PROP_FPS: fps,
        }
        return float(known.get(prop, 0.0))

    def set(self, prop: int, value: float) -> bool:
        self.asked[prop] = value
        return True

    def release(self) -> None:
        self.releases += 1
        self.released_by = threading.current_thread().name
