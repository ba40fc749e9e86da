"""A world whose faces are known: a detector and an aligner that see it without pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rtau.data import Faces, Frame
from rtau.squares import Alignment, FaceSquares, Square, boxes_from_squares

# A face is recognised within this distance of a square, in sides, and within this ratio of sizes.
REACH_SIDES, REACH_RATIO = 0.45, 1.8
WIDTH, HEIGHT = 640, 360


class FaceWorld:
    """Faces by name: functions from the frame's index to a square, or None where it is hidden."""

    def __init__(
        self,
        faces: Mapping[str, Callable[[int], Square | None]],
        *,
        clutter: Sequence[Square] = (),
        presence: float = 0.98,
    ) -> None:
        self.names = list(faces)
        self.faces = faces
        self.clutter = clutter
        self.presence = presence

    def frame(self, index: int, *, fps: float = 25.0) -> Frame:
        """Returns a frame in which every face is a patch of its own grey."""
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for name, square in self.shown(index).items():
            (x0, y0, x1, y1), *_ = boxes_from_squares(FaceSquares.of([square])).astype(int).tolist()
            picture[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 60 + 40 * self.names.index(
                name
            )
        return Frame(index=index, time_s=index / fps, picture=picture)

    def shown(self, index: int) -> dict[str, Square]:
        """Returns the faces of a frame by name."""
        found = {name: place(index) for name, place in self.faces.items()}
        return {name: square for name, square in found.items() if square is not None}


class WorldDetector:
    """Proposes every face of the world, somewhat beside it, and all clutter. A `Detector`."""

    def __init__(self, world: FaceWorld) -> None:
        self.world = world
        self.searches: list[tuple[int, bool]] = []

    def smallest_px(self, frame, /):
        return math.inf  # no windows

    def detect(self, frame, /, *, regions_xyxy=None, halvings=0, known_xyxy=None):
        self.searches.append((frame.index, regions_xyxy is None))
        places = [*self.world.shown(frame.index).values(), *self.world.clutter]
        beside = [
            square._replace(x=square.x + 0.08 * square.side, side=1.1 * square.side, roll=0.0)
            for square in places
            if regions_xyxy is None or _touches(square, regions_xyxy)
        ]
        return Faces(boxes_xyxy=boxes_from_squares(FaceSquares.of(beside)))


class WorldAligner:
    """Finds the nearest face of the world from a square near it. An `Aligner`."""

    def __init__(self, world: FaceWorld) -> None:
        self.world = world

    def align(self, frame, squares, /, *, with_mirrored=False):
        shown = self.world.shown(frame.index)
        rows = [self._seen(square, shown) for square in squares.rows()]
        return Alignment(
            presence=np.array([presence for presence, _, _ in rows], np.float32),
            squares=FaceSquares.of([square for _, square, _ in rows]),
            sample_appearance=lambda: np.array([look for _, _, look in rows], np.float32).reshape(
                len(rows), len(self.world.names) + 1
            ),
        )

    def _seen(self, square, shown):
        look = np.zeros(len(self.world.names) + 1, np.float32)
        near = [
            (square.distance(true), name)
            for name, true in shown.items()
            if square.distance(true) < REACH_SIDES and square.ratio(true) < REACH_RATIO
        ]
        if not near:
            look[-1] = 1
            return 0.01, square, look
        _, name = min(near)
        look[self.world.names.index(name)] = 1
        return self.world.presence, shown[name], look


def _touches(square, regions_xyxy):
    half = square.side / 2
    return any(
        x0 < square.x + half
        and square.x - half < x1
        and y0 < square.y + half
        and square.y - half < y1
        for x0, y0, x1, y1 in regions_xyxy.tolist()
    )
