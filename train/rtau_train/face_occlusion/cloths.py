"""Draws cloth before a face: masks of several makes and fits, scarves and collars.

Called by `covers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from rtau_train.face_alignment import fabrics
from rtau_train.face_alignment.noise import clouds, folds
from rtau_train.face_occlusion.painting import (
    Cover,
    FaceFrame,
    Floats,
    Mask,
    curve,
    line,
    nothing,
    over,
    polygon,
    rounded,
    sampled_light,
)

_CLOTHS: Final[tuple[Callable[[np.random.Generator, int], Floats], ...]] = (
    fabrics.knitwear,
    fabrics.plain_cloth,
    fabrics.checks,
    fabrics.stripes,
    fabrics.dots,
    fabrics.argyle,
)
# Grey levels of masks: white and light blue, blue and green, black, any; and how often.
_TONES: Final = ((170, 245), (95, 190), (10, 65), (20, 245))
_TONE_SHARES: Final = (0.4, 0.2, 0.25, 0.15)


def mask(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a mask over mouth and chin, most often over the nose as well, and its straps."""
    outline, top = _mask_outline(rng, face)
    low, high = _TONES[int(rng.choice(len(_TONES), p=_TONE_SHARES))]
    level = float(rng.uniform(low, high))
    cover = nothing(size)
    cover = _straps(rng, cover, face, level=level)
    area = polygon(size, outline)
    depth = float(rng.uniform(0.2, 0.6)) * face.unit_px
    values = level * rounded(area, radius_px=depth, light=sampled_light(rng))
    if rng.random() < 0.25:
        values = values + 60 * _pattern(rng, size)
    values = values * (1 + np.float32(rng.uniform(0, 0.12)) * clouds(rng, size, cells=8))
    cover = over(cover, area, np.asarray(values, np.float32))
    _draw_seams(rng, cover, face, area=area, level=level, top=top)
    return cover


def scarf(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a scarf, a veil, a collar or a bandanna: cloth from a face's lower part downwards."""
    height = float(rng.choice([0.3, 0.5, 0.62, 0.8])) + rng.normal(0, 0.06)
    tilt, sag = rng.normal(0, 0.12), rng.uniform(-0.15, 0.25)
    wide = rng.uniform(0.75, 1.4)
    left, right = face.place(-wide, height - tilt - 0.1), face.place(wide, height + tilt - 0.1)
    rim = curve([left, face.place(rng.normal(0, 0.2), height + sag), right])
    ends = [face.place(wide * 1.3, 3.0), face.place(-wide * 1.3, 3.0)]
    area = polygon(size, np.concatenate([rim, np.stack(ends)]))
    cloth = _CLOTHS[int(rng.integers(len(_CLOTHS)))](rng, size)
    contrast = rng.uniform(0.2, 1.0)
    values = np.float32(rng.uniform(20, 235)) + np.float32(160 * contrast) * (cloth - cloth.mean())
    values = values * (1 + folds(rng, size))
    values *= rounded(area, radius_px=0.25 * face.unit_px, light=sampled_light(rng))
    cover = over(nothing(size), area, np.asarray(values, np.float32))
    for _ in range(int(rng.integers(0, 6))):
        start = rng.uniform(-0.9, 0.9)
        path = [
            face.place(start, height + rng.uniform(0.05, 0.3)),
            face.place(start + rng.normal(0, 0.3), height + 0.5),
            face.place(start + rng.normal(0, 0.6), height + 1.2),
        ]
        level = float(cover.values[area > 127].mean()) * rng.uniform(0.4, 0.8) if area.any() else 0
        line(cover.values, curve(path), level=level, width_px=rng.uniform(1, 4))
    return cover


def _mask_outline(rng: np.random.Generator, face: FaceFrame) -> tuple[Floats, Floats]:
    """Returns the outline of a mask and the middle of its upper edge, px."""
    points = face.points_xy
    jaw = points[int(rng.choice([1, 2, 3])) : int(rng.choice([14, 15, 16]))]
    bridge = float(rng.uniform(0.0, 1.0))
    top = points[28] * (1 - bridge) + points[29] * bridge
    if rng.random() < 0.15:
        # Worn below the nose.
        top = points[33] * 0.6 + points[51] * 0.4
        jaw = points[3:14]
    # Masks stand off the chin and the cheeks.
    middle = points[48:68].mean(axis=0)
    jaw = middle + (jaw - middle) * rng.uniform(0.92, 1.14)
    aside = face.place(1, 0) - face.place(0, 0)
    wing = float(rng.uniform(0.1, 0.25))
    shoulder_drop = (face.place(0, 1) - face.place(0, 0)) * rng.uniform(0.0, 0.12)
    right, left = top + aside * wing + shoulder_drop, top - aside * wing + shoulder_drop
    # The picture's right end of the jaw comes last: from there up to the nose and back.
    outline = np.concatenate([jaw, right[None], top[None], left[None]])
    return np.asarray(outline, np.float32), np.asarray(top, np.float32)


def _straps(rng: np.random.Generator, cover: Cover, face: FaceFrame, *, level: float) -> Cover:
    tone = level if rng.random() < 0.6 else float(rng.uniform(20, 250))
    points = face.points_xy
    done = cover
    for ear, low, side in ((0, 4, -1.0), (16, 12, 1.0)):
        outer = points[ear] + (face.place(side * 0.12, 0) - face.place(0, 0))
        for start in (points[ear + int(side < 0)], points[low]):
            strap = np.zeros(cover.alpha.shape, np.float32)
            line(strap, np.stack([start, outer]), level=255, width_px=face.unit_px / 40)
            done = over(done, strap.astype(np.uint8), tone)
    return done


def _draw_seams(
    rng: np.random.Generator,
    cover: Cover,
    face: FaceFrame,
    *,
    area: Mask,
    level: float,
    top: Floats,
) -> None:
    """Draws pleats across, a seam down the middle, an edge or a valve into a mask."""
    points, inside = face.points_xy, area > 127
    before = cover.values.copy()
    kind = rng.random()
    if kind < 0.55:
        for share in np.linspace(0.25, 0.8, int(rng.integers(2, 6))):
            drop = share + rng.normal(0, 0.02)
            left = points[2] + (points[5] - points[2]) * drop
            right = points[14] + (points[11] - points[14]) * drop
            path = curve([left, top + (points[8] - top) * (drop + 0.1), right])
            line(cover.values, path, level=level * rng.uniform(0.7, 0.92), width_px=1)
    elif kind < 0.8:
        bulge = face.place(rng.normal(0, 0.03), 0.55)
        line(cover.values, curve([top, bulge, points[8]]), level=level * 0.8, width_px=1)
    if rng.random() < 0.4:
        rim = np.asarray(np.concatenate([points[2:15], top[None], points[2][None]]), np.float32)
        line(cover.values, rim, level=min(level * rng.uniform(0.6, 1.4), 255), width_px=1)
    cover.values[~inside] = before[~inside]


def _pattern(rng: np.random.Generator, size: int) -> Floats:
    cloth = _CLOTHS[int(rng.integers(len(_CLOTHS)))](rng, size)
    return np.asarray(cloth - cloth.mean(), np.float32)
