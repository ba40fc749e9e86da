"""Frames drawn by the program: a face-like figure that wanders over a plain ground.

The same arguments give the same pixels on every machine; no data set and no device is needed.
Called by tests and benchmarks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from rtau.data import Frame, Image
from rtau.errors import UsageError
from rtau.protocols import SourceInfo, SourceReport

# Colours, BGR.
GROUND, GROUND_LIGHT = (96, 84, 72), 40
SKIN = ((170, 195, 235), (120, 150, 200), (70, 95, 140))
DARK = (40, 36, 34)
# Height of a head, in heights of the frame, and one wander across the frame, seconds.
HEAD = 0.4
WANDER_S = 4.0


class SyntheticSource:
    """A fixed number of drawn frames, as a file or paced like a camera. A `Source`.

    `time_s` is index / fps, exactly; nothing is ever corrupt.
    """

    def __init__(
        self,
        *,
        frames: int = 100,
        width: int = 640,
        height: int = 360,
        fps: Fraction | int = 30,
        faces: int = 1,
        seed: int = 0,
        live: bool = False,
    ) -> None:
        """Prepares the scene; frames are drawn during iteration.

        Args:
            frames: how many.
            width: of a frame, px.
            height: of a frame, px.
            fps: frames per second of `time_s`, and of the pace when live.
            faces: figures in the scene.
            seed: where the figures start and how they wander.
            live: give each frame at its time instead of at once.

        Raises:
            UsageError: a size, rate or number that cannot be.
        """
        if min(frames, faces) < 0 or min(width, height, fps) <= 0:
            raise UsageError(
                f"frames and faces must be >= 0, width, height and fps > 0, got {frames}, {faces}, "
                f"{width}x{height} at {fps}"
            )
        self.is_live = live
        self._fps = Fraction(fps)
        self._closing = threading.Event()
        self._frames = self._draw_all()
        self._ground = _ground(width, height)
        # Phase and pace of each figure's wander along x and y.
        self._paths = np.random.default_rng(seed).uniform(0, 1, (faces, 4))
        self.info = SourceInfo(
            name="synthetic",
            width=width,
            height=height,
            nominal_fps=self._fps,
            frame_count=frames,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames, each at its time when live."""
        return self._frames

    def report(self) -> SourceReport:
        """Returns an empty report: every frame can be drawn."""
        return SourceReport()

    def _draw_all(self) -> Iterator[Frame]:
        started_s = time.monotonic()
        for index in range(self.info.frame_count or 0):
            time_s = float(index / self._fps)
            if self.is_live:
                self._closing.wait(max(0.0, started_s + time_s - time.monotonic()))
            if self._closing.is_set():
                return
            yield Frame(index=index, time_s=time_s, picture=self._draw(time_s))

    def close(self) -> None:
        """Ends an iteration at its next frame."""
        self._closing.set()

    def __enter__(self) -> SyntheticSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _draw(self, time_s: float) -> Image:
        image: Image = self._ground.copy()
        height, width = image.shape[:2]
        for number, (phase_x, phase_y, pace_x, pace_y) in enumerate(self._paths):
            turns = time_s / WANDER_S
            x = 0.5 + 0.35 * np.sin(2 * np.pi * (phase_x + turns * (0.5 + pace_x)))
            y = 0.5 + 0.2 * np.sin(2 * np.pi * (phase_y + turns * (0.5 + pace_y)))
            mouth = 0.5 + 0.5 * np.sin(2 * np.pi * turns * 2)
            _draw_face(
                image,
                centre=(round(x * width), round(y * height)),
                size=HEAD * height,
                skin=SKIN[number % len(SKIN)],
                mouth=mouth,
            )
        return image


def _ground(width: int, height: int) -> Image:
    """Returns a ground that grows lighter downwards: uint8 (H, W, 3), BGR."""
    rise = np.linspace(0, GROUND_LIGHT, height)[:, None, None]
    ground = np.broadcast_to(np.array(GROUND) + rise, (height, width, 3))
    return np.ascontiguousarray(ground, dtype=np.uint8)


def _draw_face(
    image: Image,
    *,
    centre: tuple[int, int],
    size: float,
    skin: tuple[int, int, int],
    mouth: float,
) -> None:
    """Draws a head with eyes, brows, nose and a mouth that opens by `mouth` in [0, 1]."""

    def ellipse(
        at: tuple[float, float], radii: tuple[float, float], colour: tuple[int, int, int]
    ) -> None:
        middle = (round(centre[0] + at[0] * size), round(centre[1] + at[1] * size))
        axes = (max(1, round(radii[0] * size)), max(1, round(radii[1] * size)))
        cv2.ellipse(image, middle, axes, 0, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)

    shade = (round(skin[0] * 0.8), round(skin[1] * 0.8), round(skin[2] * 0.8))
    ellipse((0, -0.08), (0.4, 0.5), DARK)
    ellipse((0, 0), (0.36, 0.48), skin)
    for side in (-1, 1):
        ellipse((side * 0.15, -0.17), (0.09, 0.015), DARK)
        ellipse((side * 0.15, -0.07), (0.07, 0.035), (235, 235, 235))
        ellipse((side * 0.15, -0.07), (0.03, 0.03), DARK)
    ellipse((0, 0.08), (0.045, 0.09), shade)
    ellipse((0, 0.28), (0.14, 0.02 + 0.07 * mouth), (60, 60, 150))
