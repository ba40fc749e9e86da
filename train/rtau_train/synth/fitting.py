"""Fits MakeHuman's surface to ICT-FaceKit's: texture coordinates, person shapes, hair and brows.

386 pairs of places on both neutral meshes (`correspondences.csv`, found with a landmark detector on
pictures of both) define a thin-plate warp. Units: ICT-FaceKit's cm, MakeHuman's decimetres. Called
by `build.py`.
"""

from __future__ import annotations

import csv
import dataclasses
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from rtau_train.synth.head import NormalField

Points = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# ICT-FaceKit: skin is its first 11,248 vertices, the face the first 9,409.
SKIN, FACE = 11_248, 9_409
# MakeHuman's head is one island of its texture: u and v of triangle middles.
_HEAD_U, _HEAD_V = 0.632, (0.14, 0.83)
_SMOOTHING: Final = 1e-3
# How much a triangle's facing counts beside its place, where two surfaces lie close (lips, lids).
_FACING: Final = 0.25
_STEPS: Final = 8


@dataclasses.dataclass(frozen=True)
class Similarity:
    """Scale, turn and shift: `scale * points @ turn.T + shift`."""

    scale: float
    turn: Points
    shift: Points

    def __call__(self, points: Points, /) -> Points:
        """Returns moved points (N, 3)."""
        return np.asarray(self.scale * points @ self.turn.T + self.shift)


def similarity(source: Points, target: Points, /) -> Similarity:
    """Returns the least-squares similarity (Umeyama 1991, without reflection)."""
    middle_s, middle_t = source.mean(0), target.mean(0)
    left, sizes, right = np.linalg.svd((target - middle_t).T @ (source - middle_s))
    turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    scale = float(sizes.sum() / ((source - middle_s) ** 2).sum())
    return Similarity(scale, turn, middle_t - scale * turn @ middle_s)


class Warp:
    """A similarity bent by thin plates near the pairs, and left alone far from them."""

    def __init__(self, source: Points, target: Points, *, near: float, reach: float) -> None:
        self._rough = similarity(source, target)
        placed = self._rough(source)
        self._bend = RBFInterpolator(
            placed, target - placed, kernel="thin_plate_spline", smoothing=_SMOOTHING, degree=1
        )
        self._tree = cKDTree(placed)
        self._near, self._reach = near, reach

    @property
    def rough(self) -> Similarity:
        """The similarity alone."""
        return self._rough

    def __call__(self, points: Points, /) -> Points:
        """Returns warped points (N, 3)."""
        placed = self._rough(points)
        far = np.clip((self._tree.query(placed)[0] - self._near) / self._reach, 0, 1)
        return np.asarray(placed + self._bend(placed) * (1 - far)[:, None])


def correspondences(ict: Points, makehuman: Points, /) -> tuple[Points, Points]:
    """Returns matching places on both neutral meshes, (2N, 3) each, both halves of the face."""
    text = (resources.files("rtau_train.synth") / "correspondences.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))

    def places(mesh: Points, name: str) -> Points:
        corners = np.array([[int(row[f"{name}_{c}"]) for c in "abc"] for row in rows])
        first, second = (np.array([float(row[f"{name}_share_{c}"]) for row in rows]) for c in "ab")
        shares = np.stack([first, second, 1 - first - second], 1)
        return np.asarray((mesh[corners] * shares[..., None]).sum(axis=1))

    mirror = np.array([-1, 1, 1])
    here, there = places(ict, "ict"), places(makehuman, "makehuman")
    return np.vstack([here, here * mirror]), np.vstack([there, there * mirror])


@dataclasses.dataclass(frozen=True)
class Transfer:
    """For every skin vertex of ICT-FaceKit, where it lies on MakeHuman's head."""

    triangles: Ints
    """(SKIN, 3) vertices of MakeHuman."""
    shares: Points
    """(SKIN, 3), sum 1."""
    uv: Points
    """(SKIN, 2) in MakeHuman's texture."""

    def at(self, makehuman: Points, /) -> Points:
        """Returns the places (SKIN, 3) on a MakeHuman mesh of any shape."""
        return np.asarray((makehuman[self.triangles] * self.shares[..., None]).sum(axis=1))


def transfer(
    ict: Points,
    skin_triangles: Ints,
    *,
    body: Points,
    body_triangles: Ints,
    corner_uvs: Points,
    warp: Warp,
) -> Transfer:
    """Returns the nearest place of MakeHuman's head for each warped skin vertex.

    `corner_uvs` is (T, 3, 2) for `body_triangles`.
    """
    middle = corner_uvs.mean(axis=1)
    low, high = _HEAD_V
    head = (middle[:, 0] > _HEAD_U) & (middle[:, 1] > low) & (middle[:, 1] < high)
    triangles, uvs = body_triangles[head], corner_uvs[head]
    shares = np.array(
        [(i, j, _STEPS - i - j) for i in range(_STEPS + 1) for j in range(_STEPS + 1 - i)]
    )
    shares = shares / _STEPS
    facing = NormalField(body_triangles, len(body)).of(body.astype(np.float32))

    def spread(values: Points) -> Points:
        return np.asarray(np.einsum("tcd,sc->tsd", values, shares).reshape(-1, values.shape[-1]))

    samples = np.hstack([spread(body[triangles]), _FACING * spread(facing[triangles])])
    normals = NormalField(skin_triangles, len(ict)).of(ict.astype(np.float32))[:SKIN]
    turned = normals @ warp.rough.turn.T
    nearest = cKDTree(samples).query(np.hstack([warp(ict[:SKIN]), _FACING * turned]))[1]
    uv = _smoothed(spread(uvs)[nearest], skin_triangles)
    return Transfer(triangles[nearest // len(shares)], shares[nearest % len(shares)], uv)


def neighbours(triangles: Ints, count: int, /) -> Any:
    """Returns the mesh's neighbourhood: a sparse (count, count) matrix of means."""
    edges = np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    edges = np.unique(np.vstack([edges, edges[:, ::-1]]), axis=0)
    edges = edges[(edges < count).all(axis=1)]
    ones = sparse.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    degree = np.maximum(np.asarray(ones.sum(axis=1)).ravel(), 1)
    return sparse.diags(1 / degree) @ ones


def _smoothed(uv: Points, skin_triangles: Ints) -> Points:
    """Returns coordinates without the jitter of nearest places; seams stay sharp."""
    means = neighbours(skin_triangles, SKIN)
    for _ in range(4):
        mean = means @ uv
        calm = np.abs(mean - uv).max(axis=1) < 0.03
        uv = np.where(calm[:, None], (uv + mean) / 2, uv)
    return uv


def person_shapes(
    ict: Points, skin_triangles: Ints, *, bodies: dict[str, Points], body: Points, warp: Warp,
    onto: Transfer,
) -> dict[str, npt.NDArray[np.float32]]:  # fmt: skip
    """Returns how each body's face differs from the mean of the young: float32 (V, 3) cm by name.

    Size and place of the head are taken out; what is left is smoothed, since MakeHuman's mesh is
    coarser.
    """
    rest = onto.at(body)
    face = (np.arange(SKIN) < FACE) & (ict[:SKIN, 1] > -8.5)
    faces = {}
    for name, shaped in bodies.items():
        there = onto.at(shaped)
        faces[name] = similarity(there[face], rest[face])(there)
    mean = np.mean([shape for name, shape in faces.items() if name.endswith("young")], axis=0)
    means = neighbours(skin_triangles, SKIN)
    turn, scale = warp.rough.turn, warp.rough.scale
    return {
        name: _spread_inward(ict, means, (shape - mean) @ turn / scale)
        for name, shape in faces.items()
    }


def _spread_inward(ict: Points, means: Any, moves: Points) -> npt.NDArray[np.float32]:
    """Returns moves of all vertices: skin smoothed, eyes and teeth rigid, the rest as skin near."""
    for _ in range(25):
        moves = 0.4 * moves + 0.6 * (means @ moves)
    moves = moves * np.clip((ict[:SKIN, 1:2] + 16) / 6, 0, 1)
    total = np.zeros_like(ict)
    total[:SKIN] = moves
    tree = cKDTree(ict[:FACE])
    gaps, near = tree.query(ict[SKIN:], k=60)
    weights = np.exp(-((gaps / 1.5) ** 2)) + 1e-6
    total[SKIN:] = (moves[near] * weights[..., None]).sum(1) / weights.sum(1, keepdims=True)
    for part, centre, count in (
        (slice(21_451, 23_021), (3.094, 3.614, 9.5), 250),
        (slice(23_021, 24_591), (-3.094, 3.614, 9.5), 250),
        (slice(14_062, 21_451), (0.0, -3.3, 11.0), 400),
    ):
        total[part] = moves[tree.query(np.array(centre), k=count)[1]].mean(axis=0)
    return total.astype(np.float32)


class Shell:
    """ICT-FaceKit's skin as a surface that brows lie on and hair stays outside of."""

    def __init__(self, ict: Points, skin_triangles: Ints) -> None:
        self._points = ict[:SKIN]
        normals = NormalField(skin_triangles, len(ict)).of(ict.astype(np.float32))
        corners = np.array([(6, 1, 1), (1, 6, 1), (1, 1, 6), (3, 3, 2), (2, 3, 3), (3, 2, 3)]) / 8
        self._samples, self._facing = (
            np.einsum("tcd,sc->tsd", values[skin_triangles], corners).reshape(-1, 3)
            for values in (ict, normals.astype(np.float64))
        )
        self._tree = cKDTree(self._samples)
        self._vertices = cKDTree(self._points)

    def lay_on(self, points: Points, /, *, above_cm: float) -> Points:
        """Returns the nearest places on the skin, lifted a little."""
        row = self._tree.query(points)[1]
        return np.asarray(self._samples[row] + above_cm * self._facing[row])

    def push_out(self, points: Points, /, *, above_cm: float) -> Points:
        """Returns the points, moved outward where they are less than this above the skin."""
        row = self._tree.query(points)[1]
        height = ((points - self._samples[row]) * self._facing[row]).sum(axis=1)
        lift = np.maximum(above_cm - height, 0)
        return np.asarray(points + self._facing[row] * lift[:, None])

    def carriers(self, points: Points, /, *, count: int) -> tuple[Ints, Points]:
        """Returns the nearest skin vertices (N, count) and their shares."""
        gaps, rows = self._vertices.query(points, k=count)
        weights = 1 / (gaps + 1e-3) ** 2
        return rows.astype(np.int64), weights / weights.sum(axis=1, keepdims=True)
