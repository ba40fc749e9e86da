"""Measures how much open sky each vertex of the head sees: ambient occlusion, drawn with OpenGL.

From each of many directions the head is drawn as a depth map; a vertex that lies behind what is
drawn there is hidden from that direction, the more the nearer the cover. Called by `build.py`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from rtau_train.synth import gpu
from rtau_train.synth.head import NormalField

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_DIRECTIONS: Final = 48
_MAP_PX: Final = 1024
_REACH_CM: Final = 22.0
_CENTRE_CM: Final = np.array([0.0, -2.0, 2.0])
# Cover farther away than this hides nothing: light gets in from the sides.
_FAR_CM: Final = 6.0
# Off the surface, so that a vertex does not hide itself.
_LIFT_CM: Final = 0.12
_OWN_SURFACE_CM: Final = 0.15
# Vertices are sorted into slices of this thickness; each looks ahead by _FAR_CM and no farther.
_SLICE_CM: Final = 3.0


class SkyMeter:
    """An open OpenGL context for one topology."""

    def __init__(self, triangles: Ints, count: int) -> None:
        """Takes all opaque triangles of a mesh of `count` vertices."""
        self._normals = NormalField(triangles, count)
        context = gpu.open_context()
        self._context = context
        self._program = gpu.shadow_program(context)
        self._mesh = gpu.Mesh(
            context,
            {"shadow": self._program},
            triangles={"all": triangles},
            static=np.zeros((count, gpu.STATIC_WIDTH), np.float32),
        )
        side = (_MAP_PX, _MAP_PX)
        self._depth = context.depth_texture(side)
        self._target = context.framebuffer(depth_attachment=self._depth)

    def seen(self, points: Floats, /) -> Floats:
        """Returns the open share of each vertex, (V,) 0-1, weighted by the cosine."""
        normals = self._normals.of(points)
        self._mesh.move(points, normals, 1.0)
        rng = np.random.default_rng(0)
        open_sum, weights = np.zeros(len(points)), np.full(len(points), 1e-6)
        for direction in rng.normal(size=(_DIRECTIONS, 3)):
            towards = direction / np.linalg.norm(direction)
            cosine = np.maximum(normals @ towards, 0)
            cover = self._cover_cm(points + _LIFT_CM * normals, towards)
            near = np.clip(1 - cover / (_FAR_CM + _SLICE_CM), 0, 1) ** 0.5
            # The surface found is the outermost; others may lie between, so half is sure.
            hidden = np.where(cover > 0, (1 + near) / 2, 0)
            open_sum += cosine * (1 - hidden)
            weights += cosine
        return np.asarray(open_sum / weights, np.float32)

    def _cover_cm(self, points: Floats, towards: npt.NDArray[np.float64]) -> Floats:
        """Returns how far in front of each point something lies; 0 where the way is free."""
        up = np.array([0.0, 1.0, 0.0]) if abs(towards[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
        right = np.cross(up, towards)
        right /= np.linalg.norm(right)
        turn = np.stack([right, np.cross(towards, right), towards])
        place = (points - _CENTRE_CM) @ turn.T
        columns, rows = (
            np.clip((place[:, axis] / _REACH_CM + 1) / 2 * _MAP_PX, 0, _MAP_PX - 1).astype(int)
            for axis in (0, 1)
        )
        cover = np.zeros(len(points), np.float32)
        slices = np.floor(place[:, 2] / _SLICE_CM).astype(int)
        for number in np.unique(slices):
            # What lies farther ahead than this plane is cut off: it hides nothing.
            plane = (number + 1) * _SLICE_CM + _FAR_CM
            rows_here = slices == number
            depth_cm = self._depth_cm(turn, plane)[rows[rows_here], columns[rows_here]]
            ahead = (plane - place[rows_here, 2]) - depth_cm
            cover[rows_here] = np.where(ahead > _OWN_SURFACE_CM, ahead, 0)
        return cover

    def _depth_cm(self, turn: npt.NDArray[np.float64], plane: float) -> Floats:
        """Returns how far below a plane the first surface lies: (1024, 1024), bottom row first."""
        span = plane + _REACH_CM
        view = np.eye(4)
        view[:3, :3] = turn / np.array([[_REACH_CM], [_REACH_CM], [-span / 2]])
        view[:3, 3] = -view[:3, :3] @ _CENTRE_CM
        view[2, 3] += 2 * plane / span - 1
        self._target.use()
        self._target.clear(depth=1.0)
        self._context.enable(self._context.DEPTH_TEST)
        gpu.put(self._program, {"shadow_from_head": view, "strands": False})
        self._mesh.draw("all", "shadow")
        depth = np.frombuffer(self._depth.read(), np.float32).reshape(_MAP_PX, _MAP_PX)
        return np.asarray(depth * np.float32(span), np.float32)
