"""What a face's 478 points say about its expression: 75 lengths that no turn of the head changes.

Points of MediaPipe's mesh are turned upright by points that expressions hardly move, then measured
in distances of the eyes. Pure functions on arrays; called by `teacher.py` and `rtau_train.warping`.
"""

from __future__ import annotations

import dataclasses
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POINTS: Final = 478
# Corners of the eyes, bridge and ridge of the nose, forehead, temples: bone is near below.
RIGID: Final = (
    *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4),
    *(10, 151, 9, 8, 127, 356, 234, 454),
)
_RIGHT_EYE: Final = (33, 133)
_LEFT_EYE: Final = (362, 263)
_ROUNDS: Final = 3

# fmt: off
DISTANCES: Final = (
    (55, 285), (107, 336), (55, 133), (285, 362), (107, 133), (336, 362), (65, 159), (295, 386),
    (70, 33), (300, 263), (105, 159), (334, 386), (46, 33), (276, 263), (159, 145), (386, 374),
    (158, 153), (385, 380), (33, 133), (263, 362), (129, 133), (358, 362), (98, 133), (327, 362),
    (64, 133), (294, 362), (168, 2), (168, 1), (6, 2), (2, 0), (2, 13), (13, 14), (0, 13), (14, 17),
    (0, 17), (17, 152), (17, 200), (14, 152), (61, 291), (78, 308), (61, 2), (291, 2), (61, 152),
    (291, 152), (61, 133), (291, 362), (61, 33), (291, 263), (50, 145), (280, 374), (205, 133),
    (425, 362), (2, 152), (168, 152), (129, 358), (98, 327), (40, 270), (37, 267), (91, 321),
    (84, 314),
)
HEIGHTS: Final = (
    ((61, 291), (13, 14)), ((61, 291), (0,)), ((61, 291), (17,)), ((61, 291), (78, 308)),
    ((55, 285), (65, 295)), ((55, 285), (105, 334)), ((107, 336), (66, 296)),
    ((78, 308), (13, 14)), ((91, 321), (61, 291)), ((40, 270), (61, 291)),
)
DEPTHS: Final = (
    ((17,), (0,)), ((14,), (152,)), ((17,), (152,)), ((200,), (152,)), ((61, 291), (13, 14)),
)
# fmt: on
LENGTHS: Final = len(DISTANCES) + len(HEIGHTS) + len(DEPTHS)


@dataclasses.dataclass(frozen=True, eq=False)
class Upright:
    """Faces turned to the front."""

    points: Floats
    """float64 (N, P, 3): in distances of the eyes; x right, y down, z away from the camera."""
    frontal_from_face: Floats
    """float64 (N, 3, 3): rotations that turned them."""

    @property
    def yaw_deg(self) -> Floats:
        """float64 (N,): how far each face was turned to its left, degrees."""
        turned = self.frontal_from_face
        return np.asarray(np.degrees(np.arctan2(turned[:, 0, 2], turned[:, 2, 2])))

    @property
    def pitch_deg(self) -> Floats:
        """float64 (N,): how far each face was turned down, degrees."""
        turned = self.frontal_from_face
        return np.asarray(np.degrees(np.arcsin(np.clip(turned[:, 1, 2], -1, 1))))


def frontal_template(points: Floats, /) -> Floats:
    """Returns the mean place of the rigid points of frontal faces: float64 (18, 3).

    Args:
        points: float64 (N, 478, 3), px, of faces that look at the camera.
    """
    rigid = points[:, RIGID]
    template = rigid[0]
    for _ in range(_ROUNDS):
        template = _moved(rigid, _similarities(rigid, template)).mean(axis=0)
    return np.asarray(template - template.mean(axis=0))


def upright(points: Floats, template: Floats, /) -> Upright:
    """Returns faces (N, 478, 3), px, laid on the template and brought to one size."""
    fit = _similarities(points[:, RIGID], template)
    moved = _moved(points, fit)
    eyes = moved[:, _RIGHT_EYE].mean(axis=1) - moved[:, _LEFT_EYE].mean(axis=1)
    return Upright(moved / np.linalg.norm(eyes, axis=1)[:, None, None], fit.rotations)


def lengths(points: Floats, /) -> Floats:
    """Returns the 75 distances, heights and depths of upright faces: float64 (N, 75)."""
    first, second = np.array(DISTANCES).T
    distances = np.linalg.norm(points[:, first] - points[:, second], axis=2)
    heights = [_gap(points[..., 1], *groups) for groups in HEIGHTS]
    depths = [_gap(points[..., 2], *groups) for groups in DEPTHS]
    return np.column_stack([distances, *heights, *depths])


def _gap(values: Floats, first: tuple[int, ...], second: tuple[int, ...]) -> Floats:
    return np.asarray(values[:, first].mean(axis=1) - values[:, second].mean(axis=1))


class _Similarities(NamedTuple):
    rotations: Floats
    """(N, 3, 3)."""
    scales: Floats
    """(N,)."""
    shifts: Floats
    """(N, 3)."""


def _similarities(points: Floats, target: Floats) -> _Similarities:
    """Returns the best fit of each face's points (N, K, 3) onto a target (K, 3)."""
    middle, aim = points.mean(axis=1, keepdims=True), target.mean(axis=0)
    spread = points - middle
    u, sizes, vt = np.linalg.svd(np.einsum("nki,kj->nij", spread, target - aim))
    sign = np.sign(np.linalg.det(u @ vt))
    sizes[:, 2] *= sign
    u[:, :, 2] *= sign[:, None]
    rotations = np.swapaxes(u @ vt, 1, 2)
    scales = sizes.sum(axis=1) / (spread**2).sum(axis=(1, 2))
    shifts = aim - scales[:, None] * np.einsum("nij,nj->ni", rotations, middle[:, 0])
    return _Similarities(rotations, scales, shifts)


def _moved(points: Floats, fit: _Similarities) -> Floats:
    turned = np.einsum("nij,nkj->nki", fit.rotations, points)
    return np.asarray(turned * fit.scales[:, None, None] + fit.shifts[:, None])
