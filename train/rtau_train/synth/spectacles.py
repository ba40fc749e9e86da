"""Makes spectacles as a mesh in head space: two rims, a bridge, two temples, two lenses.

They sit in front of the person's own eyes and are hidden by the head like anything else. No colour
is chosen here. Called by `picture.py` and drawn by `render.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_AROUND: Final = 28
_TUBE: Final = 6
# iBUG points: outer and inner corners of both eyes, first and last point of the jaw.
_EYES: Final = ((36, 42), (42, 48))
_EARS: Final = (0, 16)


@dataclasses.dataclass(frozen=True)
class Frame:
    """The style of a pair of spectacles."""

    width_cm: float
    """Half the width of a lens."""
    height_cm: float
    squareness: float
    """2: ellipse; larger: rounded rectangle."""
    wire_cm: float
    """Radius of the rim."""
    rimless_below: bool
    colour: tuple[float, float, float]
    tint: float
    """How much light the lenses take, 0 clear, 1 black."""


@dataclasses.dataclass(frozen=True)
class Spectacles:
    """A mesh of rims and temples, and one of lenses."""

    frame_points: Floats
    frame_triangles: Ints
    lens_points: Floats
    lens_triangles: Ints
    style: Frame


def sampled_frame(rng: np.random.Generator, /) -> Frame:
    """Returns a sampled style: metal or plastic, round or square, clear or dark."""
    plastic = rng.random() < 0.6
    dark = 0.012 + 0.12 * rng.random(3) ** 3
    metal = np.array([0.35, 0.32, 0.28]) * rng.uniform(0.5, 1.5)
    colour = dark if plastic or rng.random() < 0.3 else metal
    if rng.random() < 0.08:
        colour = rng.uniform(0.05, 0.6, 3)
    red, green, blue = (float(part) for part in colour)
    return Frame(
        width_cm=float(rng.uniform(2.1, 2.75)),
        height_cm=float(rng.uniform(1.35, 2.2)),
        squareness=float(rng.choice([2.0, 2.6, 3.5, 5.0])),
        wire_cm=float(rng.uniform(0.13, 0.26) if plastic else rng.uniform(0.06, 0.11)),
        rimless_below=bool(rng.random() < 0.15),
        colour=(red, green, blue),
        tint=float(rng.uniform(0.55, 0.97) if rng.random() < 0.08 else rng.uniform(0.0, 0.10)),
    )


def worn(style: Frame, landmarks_cm: Floats, /) -> Spectacles:
    """Returns spectacles on a face whose resting landmarks are (68, 3) cm in head space."""
    centres = [landmarks_cm[start:end].mean(axis=0) for start, end in _EYES]
    front = max(centre[2] for centre in centres) + 1.5
    tubes, lenses = [], []
    for centre, ear, side in zip(centres, _EARS, (-1.0, 1.0), strict=True):
        rim = _rim(style, np.array([centre[0] + 0.15 * side, centre[1] - 0.25, front]), side)
        tubes.append((rim[: _AROUND // 2 + 1] if style.rimless_below else rim, style.wire_cm))
        lenses.append(_lens(rim))
        hinge = rim[np.argmax(rim[:, 0] * side)]
        outward = np.array([0.25 * side, 0, -0.8], np.float32)
        behind = landmarks_cm[ear] + np.array([0.9 * side, 0.4, -2.5], np.float32)
        tubes.append((np.stack([hinge, hinge + outward, behind]), style.wire_cm))
    left, right = (rim[np.argmin(np.abs(rim[:, 0]))] for rim, _ in tubes[::2])
    arch = (left + right) / 2 + np.array([0, 0.25, 0.25], np.float32)
    tubes.append((np.stack([left, arch, right]), style.wire_cm))
    frame_points, frame_triangles = _joined([_tube(path, radius) for path, radius in tubes])
    lens_points, lens_triangles = _joined(lenses)
    return Spectacles(frame_points, frame_triangles, lens_points, lens_triangles, style)


def _rim(style: Frame, centre: Floats, side: float) -> Floats:
    """Returns a closed superellipse, (29, 3), upper half first, bent around the face."""
    angle = np.linspace(0, 2 * np.pi, _AROUND + 1)
    power = 2 / style.squareness
    x = style.width_cm * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    y = style.height_cm * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    away = np.maximum(side * (x + centre[0]), 0) / 5
    return np.stack([x + centre[0], y + centre[1], centre[2] - 0.9 * away**2], 1).astype(np.float32)


def _lens(rim: Floats) -> tuple[Floats, Ints]:
    points = np.vstack([rim[:-1].mean(axis=0), rim[:-1]]).astype(np.float32)
    ring = np.arange(_AROUND)
    triangles = np.stack([np.zeros_like(ring), ring + 1, (ring + 1) % _AROUND + 1], 1)
    return points, triangles.astype(np.int64)


def _tube(path: Floats, radius_cm: float) -> tuple[Floats, Ints]:
    """Returns a tube around a line of points."""
    path = np.asarray(path, np.float32)
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    first = np.cross(along, np.array([0.3, 0.2, 1.0]))
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-6)
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, _TUBE, endpoint=False)[:, None, None]
    rings = path + radius_cm * (np.cos(angle) * first + np.sin(angle) * second)
    count = len(path)
    grid = np.arange(_TUBE * count).reshape(_TUBE, count)
    a, b = grid[:, :-1], grid[:, 1:]
    c, d = np.roll(a, -1, axis=0), np.roll(b, -1, axis=0)
    triangles = np.stack([a, b, c, c, b, d], -1).reshape(-1, 3)
    return rings.reshape(-1, 3).astype(np.float32), triangles.astype(np.int64)


def _joined(meshes: list[tuple[Floats, Ints]]) -> tuple[Floats, Ints]:
    starts = np.cumsum([0, *(len(points) for points, _ in meshes)])
    points = np.concatenate([points for points, _ in meshes])
    triangles = [mesh + start for (_, mesh), start in zip(meshes, starts, strict=False)]
    return points, np.concatenate(triangles)
