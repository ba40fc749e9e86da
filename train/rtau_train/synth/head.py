"""Moves the head's vertices: identity, action, normals, occlusion, and the hair that rides along.

Knows the vertex ranges of ICT-FaceKit's mesh (V2, 26,719 vertices) and nothing of lights or pixels.
Called by `render.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from rtau_train.synth.assets import Assets, Strands
from rtau_train.synth.sculpt import sculpted_shapes

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# iBUG's 68 points as vertices of ICT-FaceKit (its own landmark list, inner lips found by eye).
LANDMARKS: Final = np.array(
    [
        *(1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966),
        *(3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443),
        *(268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509),
        *(978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360),
        *(1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732),
        *(5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841),
        *(5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),
    ],
    dtype=np.int64,
)
# First vertex of each part, in the order of the mesh; the fragment shader knows these numbers.
SKIN, MOUTH_LINING, EYE_SOCKET, GUMS, TEETH, EYEBALL = range(6)
_STARTS: Final = (0, 11248, 13294, 14062, 17039, 21451)
_FACE_END: Final = 9409
_HAIRLINE_Y_CM: Final = 8.8
_SKIN_END: Final = 11248
_LINING_END: Final = 13294
_EYEBALL_END: Final = 24591
_EYE_SHADE: Final = slice(25047, 25351)
_LASHES: Final = slice(25351, 26719)
_DRAWN: Final = (
    "M_Face",
    "M_BackHead",
    "M_GumsTongue",
    "M_Teeth",
    "M_ScleraLeft",
    "M_ScleraRight",
    "M_IrisLeft",
    "M_IrisRight",
)


@dataclasses.dataclass(frozen=True)
class Surface:
    """A moved mesh."""

    points: Floats
    """(V, 3) cm."""
    normals: Floats
    """(V, 3), unit length."""


class Head:
    """The mesh and all its shapes."""

    def __init__(self, assets: Assets) -> None:
        self.neutral = assets.neutral
        self._count = len(assets.neutral)
        self._identity = assets.identity.reshape(len(assets.identity), -1)
        self.macro = assets.macro
        movable = np.arange(self._count) < _LINING_END
        self.shapes: dict[str, Floats] = {
            **assets.actions,
            **sculpted_shapes(assets.neutral, movable, sneer=assets.actions),
        }
        self.triangles, corner_uvs = _triangulated(assets)
        self.opaque = self.triangles["opaque"]
        self._occlusion = [_seen(sky, self._count) for sky in assets.occlusion]
        self._normals = NormalField(np.concatenate(list(self.triangles.values())), self._count)
        self.parts = _parts(self._count)
        self.texture_uv = _texture_uv(assets, corner_uvs)
        self.scalp = _scalp(assets.neutral)

    def person(self, coefficients: Floats, macro: Mapping[str, float], /) -> Floats:
        """Returns a neutral head: (V, 3) cm, from 100 identity coefficients and macro weights."""
        points = (coefficients[: len(self._identity)] @ self._identity).reshape(-1, 3)
        points += self.neutral
        for name, weight in macro.items():
            points += np.float32(weight) * self.macro[name]
        return np.asarray(points, np.float32)

    def deformed(self, person: Floats, weights: Mapping[str, float], /) -> Surface:
        """Returns a person's head with shapes added, and its normals."""
        points = person.copy()
        for name, weight in weights.items():
            if abs(weight) > 1e-4:
                points += np.float32(weight) * self.shapes[name]
        return Surface(points, self._normals.of(points))

    def occlusion(self, weights: Mapping[str, float], /) -> Floats:
        """Returns how much sky each vertex sees, (V,) 0-1, mixed by how open the mouth is."""
        jaw = float(np.clip(weights.get("jawOpen", 0.0), 0, 1))
        lips = weights.get("mouthLowerDown_L", 0.0) + 0.7 * weights.get("mouthUpperUp_L", 0.0)
        lips = float(np.clip(lips, 0, 1))
        shut, dropped, parted = self._occlusion
        opened = (dropped * jaw + parted * lips) / (jaw + lips + 1e-6)
        share = max(jaw, lips)
        return np.asarray(shut * (1 - share) + opened * share, np.float32)

    def lip_gap_cm(self, points: Floats, person: Floats, /) -> float:
        """Returns how far the inner lips are apart beyond the person's rest; negative: pressed."""
        upper, lower = LANDMARKS[62], LANDMARKS[66]
        gaps = [mesh[upper, 1] - mesh[lower, 1] for mesh in (points, person)]
        return float(gaps[0] - gaps[1])


class NormalField:
    """Vertex normals of a fixed topology, area-weighted."""

    def __init__(self, triangles: Ints, count: int) -> None:
        self._triangles = triangles
        rows, columns = triangles.reshape(-1), np.repeat(np.arange(len(triangles)), 3)
        ones = np.ones(len(rows), np.float32)
        self._gather = sparse.csr_matrix((ones, (rows, columns)), shape=(count, len(triangles)))

    def of(self, points: Floats, /) -> Floats:
        """Returns unit normals, (V, 3)."""
        first, second, third = (points[self._triangles[:, corner]] for corner in range(3))
        a, b = second - first, third - first
        flat = np.empty_like(a)
        # Written out: numpy's cross is several times slower on this shape.
        flat[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
        flat[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
        flat[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        normals = self._gather @ flat
        length = np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]
        return np.asarray(normals / np.maximum(length, 1e-9), np.float32)


class AttachedMesh:
    """A mesh attached to the head, brows or hair: each point moves as the skin under it does."""

    def __init__(self, strands: Strands, head_vertices: int) -> None:
        self._rest = strands.points
        rows = np.repeat(np.arange(len(strands.points)), strands.carriers.shape[1])
        places = (rows, strands.carriers.reshape(-1))
        shape = (len(strands.points), head_vertices)
        self._carry = sparse.csr_matrix((strands.shares.reshape(-1), places), shape=shape)
        self._normals = NormalField(strands.triangles, len(strands.points))
        self.corner_points, self.uvs, self.indices = _unwelded(strands)

    def follow(self, moved_by: Floats, /, *, stretch: float = 1.0, fringe: float = 1.0) -> Surface:
        """Returns the strands on a head whose vertices moved by (V, 3) cm, a row per corner.

        `stretch` scales their height about their middle: fuller or thinner brows. `fringe` is the
        share that is left of hair that hangs before the forehead.
        """
        rest = self._rest.copy()
        if stretch != 1.0:
            middle = rest[:, 1].mean()
            rest[:, 1] = middle + (rest[:, 1] - middle) * stretch
        if fringe != 1.0:
            x, y, z = self._rest.T
            hangs = np.clip((z - 4) / 3, 0, 1) * np.clip((6.5 - np.abs(x)) / 1.5, 0, 1)
            # Hair on the shoulders hangs in front too, and stays.
            hangs *= np.clip((y + 2) / 2, 0, 1)
            rest[:, 1] += hangs * (1 - fringe) * np.maximum(_HAIRLINE_Y_CM - y, 0)
        points = np.asarray(rest + self._carry @ moved_by, np.float32)
        normals = self._normals.of(points)
        return Surface(points[self.corner_points], normals[self.corner_points])


def _unwelded(strands: Strands) -> tuple[Ints, Floats, Ints]:
    """Returns the points, coordinates and triangles with a row per distinct corner."""
    points = strands.triangles.reshape(-1, 1)
    steps = np.round(strands.uvs.reshape(-1, 2) * 4096).astype(np.int64)
    _, first, inverse = np.unique(
        np.hstack([points, steps]), axis=0, return_index=True, return_inverse=True
    )
    uvs = strands.uvs.reshape(-1, 2)[first]
    return points[first, 0], uvs, inverse.reshape(-1, 3).astype(np.int64)


def _triangulated(assets: Assets) -> tuple[dict[str, Ints], Floats]:
    """Returns triangles by use, and ICT's coordinate of every vertex (V, 2)."""
    quads = assets.faces[:, 3] >= 0
    triangles = np.concatenate([assets.faces[:, :3], assets.faces[quads][:, [0, 2, 3]]])
    corners = np.concatenate([assets.face_uvs[:, :3], assets.face_uvs[quads][:, [0, 2, 3]]])
    materials = np.concatenate([assets.materials, assets.materials[quads]])
    uv = np.zeros((len(assets.neutral), 2), np.float32)
    uv[triangles.reshape(-1)] = assets.uvs[corners.reshape(-1)]
    return {
        "opaque": triangles[np.isin(materials, _DRAWN)],
        "eye_shade": triangles[materials == "M_EyeOcclusion"],
        "lashes": triangles[materials == "M_EyeLashes"],
    }, uv


def _parts(count: int) -> Floats:
    """Returns the part of each vertex, (V,), as the shader numbers them."""
    return np.asarray(np.searchsorted(_STARTS, np.arange(count), side="right") - 1, np.float32)


def _seen(sky: Floats, count: int) -> Floats:
    return np.asarray(np.where(np.arange(count) >= _EYEBALL_END, 1, sky), np.float32)


def _texture_uv(assets: Assets, own_uv: Floats) -> Floats:
    """Returns skin coordinates; for the eye's shade its darkness, for lashes along and outward."""
    uv = assets.skin_uv.copy()
    across = own_uv[_EYE_SHADE, 1] % 1
    uv[_EYE_SHADE, 0] = np.clip((np.abs(across - 0.56) - 0.06) / 0.25, 0, 1)
    uv[_EYE_SHADE, 1] = 0
    lashes, skin = assets.neutral[_LASHES], assets.neutral[:_FACE_END]
    near = skin[(np.abs(skin[:, 1] - 3.5) < 1.6) & (skin[:, 2] > 6)]
    gaps = np.array([np.sqrt(((near - lash) ** 2).sum(1).min()) for lash in lashes])
    uv[_LASHES, 0] = own_uv[_LASHES, 0]
    # Lower lashes are told by 2 in the whole part: they are shorter and fainter.
    uv[_LASHES, 1] = np.clip(gaps / 0.75, 0, 1) + np.where(lashes[:, 1] < 3.35, 2.0, 0.0)
    return np.asarray(uv, np.float32)


def _scalp(neutral: Floats) -> Floats:
    """Returns where hair grows, (V,) 0-1: behind a tilted plane, not on the ears or the neck."""
    x, y, z = neutral.T
    behind = np.clip((y - 0.95 * z - 1.3) / 1.2 + 0.5, 0, 1)
    ear = (np.abs(x) > 7.4) & (y < 5.0) & (y > -3.5) & (z < 4.5)
    nape = np.clip((y + 5.5) / 1.5, 0, 1)
    return np.asarray(np.where(ear, 0, behind * nape), np.float32)
