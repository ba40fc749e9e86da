"""Draws what belongs to a head: hair, dark glasses, and what hides nothing: frames, beards, hats.

`hair` and `sunglasses` are covers; `adorned` changes a face that stays free. Called by `covers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from rtau_train.face_alignment.noise import clouds
from rtau_train.face_occlusion.painting import (
    Cover,
    FaceFrame,
    Floats,
    curve,
    ellipse,
    laid,
    line,
    nothing,
    over,
    polygon,
    rotation,
)


def hair(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns strands that fall over an eye, a cheek or the whole face."""
    side = float(rng.choice([-1, 1]))
    middle = side * rng.uniform(0.1, 0.45)
    spread, low = rng.uniform(0.1, 0.35), rng.uniform(0.15, 1.4)
    return _strands(rng, size, face, middle=middle, spread=spread, low=low)


def sunglasses(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns dark glasses, with a shine on them."""
    level = float(rng.uniform(4, 75))
    outlines = _lenses(rng, face)
    cover = nothing(size)
    if rng.random() < 0.15:
        # Goggles or a visor: one lens.
        joined = cv2.convexHull(np.concatenate(outlines))[:, 0]
        outlines = [np.asarray(joined, np.float32)]
    shine = np.float32(level) + np.float32(rng.uniform(0, 35)) * clouds(rng, size, cells=3)
    ramp = np.linspace(rng.uniform(-20, 20), rng.uniform(-20, 45), size, dtype=np.float32)
    for outline in outlines:
        cover = over(cover, polygon(size, outline), np.asarray(shine + ramp[:, None], np.float32))
    frame = float(rng.uniform(5, 90))
    for part in _frame(face, outlines):
        strip = np.zeros((size, size), np.float32)
        line(strip, part, level=255, width_px=max(1.0, face.unit_px / 25))
        cover = over(cover, strip.astype(np.uint8), frame)
    return cover


def adorned(rng: np.random.Generator, image: Floats, face: FaceFrame, /) -> Floats:
    """Returns a face with something on it that hides nothing of it, one to three of them."""
    done = image
    for pick in rng.permutation(len(_ADORNMENTS))[: int(rng.integers(1, 4))]:
        done = _ADORNMENTS[int(pick)](rng, done, face)
    return np.asarray(np.clip(done, 0, 255), np.float32)


def _strands(
    rng: np.random.Generator,
    size: int,
    face: FaceFrame,
    *,
    middle: float,
    spread: float,
    low: float,
) -> Cover:
    """Returns strands from the crown to a height `low`, in units of the face."""
    values, alpha = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    count = max(4, int(rng.uniform(40, 160) * spread))
    tone, lean = float(rng.uniform(5, 170)), rng.normal(0, 0.2)
    width = face.unit_px * rng.uniform(0.02, 0.05)
    across = middle + rng.uniform(-spread, spread, count)
    roots = np.stack([across * 0.6 + rng.normal(0, 0.05, count), np.full(count, -1.1)], axis=1)
    tips = np.stack([across + lean, np.full(count, low)], axis=1)
    tips += rng.normal(0, (0.05, 0.08), (count, 2))
    bends = (roots + tips) / 2 + rng.normal(0, 0.08, (count, 2))
    levels = np.clip(tone * rng.normal(1, rng.uniform(0.1, 0.4), count), 2, 255)
    ends = np.concatenate([roots, bends, tips]).astype(np.float32)
    places = face.places(ends).reshape(3, count, 2)
    for strand in range(count):
        path = curve(list(places[:, strand]))
        line(values, path, level=float(levels[strand]), width_px=width)
        line(alpha, path, level=0.95, width_px=width)
    return Cover(values, alpha)


def _lenses(rng: np.random.Generator, face: FaceFrame) -> list[Floats]:
    """Returns the outlines of two lenses before the eyes, px."""
    points = face.points_xy
    eyes = (points[36:42].mean(axis=0), points[42:48].mean(axis=0))
    apart = max(float(np.hypot(*(eyes[1] - eyes[0]))), 4.0)
    turn = math.atan2(*(eyes[1] - eyes[0])[::-1].tolist())
    wide, tall = rng.uniform(0.33, 0.47) * apart, rng.uniform(0.22, 0.46) * apart
    drop = rotation(turn) @ np.array([0, rng.uniform(0.0, 0.12) * apart], np.float32)
    power = float(rng.choice([1.0, 0.7, 0.5]))
    outlines = []
    for eye in eyes:
        round_one = ellipse(np.zeros(2), (1.0, 1.0), turn=0.0)
        # Powers below one make an ellipse a box with round corners.
        boxed = np.sign(round_one) * np.abs(round_one) ** power
        flat = boxed * np.array([wide, tall], np.float32)
        outlines.append(np.asarray(flat @ rotation(turn).T + eye + drop, np.float32))
    return outlines


def _frame(face: FaceFrame, outlines: list[Floats]) -> list[Floats]:
    """Returns the bridge and the temples of glasses, px."""
    points = face.points_xy
    left, right = outlines[0], outlines[-1]
    parts = [
        np.stack([left[np.argmin(left[:, 0])], points[0]]),
        np.stack([right[np.argmax(right[:, 0])], points[16]]),
    ]
    if len(outlines) == 2:
        parts.append(np.stack([left[np.argmax(left[:, 0])], right[np.argmin(right[:, 0])]]))
    return [np.asarray(part, np.float32) for part in parts]


def _spectacles(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    done = image.copy()
    outlines = _lenses(rng, face)
    if rng.random() < 0.5:
        # Glass takes a little light, and mirrors a lamp or a window.
        for outline in outlines:
            glass = polygon(len(image), outline).astype(np.float32) / 255
            done = done * (1 - np.float32(rng.uniform(0, 0.2)) * glass)
            if rng.random() < 0.4:
                spot = outline.mean(axis=0) + rng.normal(0, 0.06 * face.unit_px, 2)
                shine = ellipse(spot, (0.05 * face.unit_px, 0.03 * face.unit_px), turn=0.5)
                done = np.maximum(done, 0.8 * polygon(len(image), shine))
    level, width = float(rng.uniform(5, 200)), face.unit_px * rng.uniform(0.012, 0.05)
    for part in (*(np.concatenate([one, one[:1]]) for one in outlines), *_frame(face, outlines)):
        line(done, part, level=level, width_px=width)
    return np.asarray(done, np.float32)


def _shadow(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face with the edge of a shadow on it: of a nose, a hat, a blind, a tree."""
    size = len(image)
    through = face.place(rng.normal(0, 0.3), rng.uniform(-0.2, 0.8))
    angle = rng.uniform(0, 2 * math.pi)
    away = np.array([math.cos(angle), math.sin(angle)]) * 3 * size
    aside = np.array([-away[1], away[0]])
    bend = rng.normal(0, 0.25 * face.unit_px, 2)
    edge = curve([through - aside, through + bend, through + aside], steps=24)
    area = polygon(
        size, np.concatenate([edge, np.stack([through + aside + away, through - aside + away])])
    )
    if rng.random() < 0.2:
        area = np.where(clouds(rng, size, cells=4, octaves=2) > 0.3, 255, 0).astype(np.uint8)
    soft = cv2.GaussianBlur(area, (0, 0), float(rng.uniform(0.5, 0.12 * face.unit_px + 0.6)))
    return np.asarray(image * (1 - np.float32(rng.uniform(0.2, 0.75) / 255) * soft), np.float32)


def _beard(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face with a beard, a moustache or both; the lips stay free."""
    size, points = len(image), face.points_xy
    area = np.zeros((size, size), np.uint8)
    if rng.random() < 0.8:
        low = points[3:14] + (points[8] - face.origin_xy) * rng.uniform(0.0, 0.2)
        inner = points[[13, 3]] * 0.55 + points[[54, 48]] * 0.45
        area = np.maximum(
            area, polygon(size, np.concatenate([low, inner[:1], points[[57]], inner[1:]]))
        )
    if rng.random() < 0.6 or not area.any():
        lip = np.concatenate(
            [points[48:55], points[[35, 33, 31]] * 0.7 + points[[52, 51, 50]] * 0.3]
        )
        area = np.maximum(area, polygon(size, lip))
    area[polygon(size, points[48:60]) > 60] = 0
    soft = cv2.GaussianBlur(area, (0, 0), float(rng.uniform(0.02, 0.07)) * face.unit_px)
    thick = np.float32(rng.uniform(0.25, 0.9) / 255) * soft
    hairs = np.float32(1) + np.float32(rng.uniform(0.1, 0.5)) * clouds(
        rng, size, cells=40, octaves=2
    )
    tone = np.float32(rng.uniform(8, 110) if rng.random() < 0.85 else rng.uniform(150, 220))
    return np.asarray(image * (1 - thick) + tone * hairs * thick, np.float32)


def _make_up(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face with darker lips, lids and brows, or paler skin."""
    size, points = len(image), face.points_xy
    done = image
    for area, share in ((points[48:60], 0.7), (points[36:42], 0.4), (points[42:48], 0.4)):
        middle = area.mean(axis=0)
        grown = middle + (area - middle) * rng.uniform(1.0, 1.7)
        soft = cv2.GaussianBlur(polygon(size, grown), (0, 0), 0.02 * face.unit_px + 0.5)
        done = done * (1 - np.float32(rng.uniform(0, share) / 255) * soft)
    return np.asarray(done, np.float32)


def _hat(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face under a hat, a cap, a hood's edge or a band, above the brows."""
    height = -rng.uniform(0.42, 0.75)
    left, right = face.place(-1.1, height + rng.normal(0, 0.08)), face.place(1.1, height)
    edge = curve([left, face.place(0, height + rng.uniform(-0.2, 0.06)), right])
    area = polygon(
        len(image), np.concatenate([edge, face.place(1.3, -3)[None], face.place(-1.3, -3)[None]])
    )
    texture = np.float32(rng.uniform(10, 240)) + np.float32(20) * clouds(rng, len(image), cells=12)
    cover = over(nothing(len(image)), area, np.asarray(texture, np.float32))
    return laid(rng, image, cover, unit_px=face.unit_px)


def _fringe(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face with a fringe over the forehead that ends above the eyes."""
    cover = _strands(
        rng,
        len(image),
        face,
        middle=float(rng.normal(0, 0.2)),
        spread=float(rng.uniform(0.2, 0.7)),
        low=float(rng.uniform(-0.6, -0.32)),
    )
    return laid(rng, image, cover, unit_px=face.unit_px)


def _curtains(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face between long hair on one or both sides."""
    done = image
    for side in (-1.0, 1.0):
        if rng.random() < 0.7:
            cover = _strands(
                rng,
                len(image),
                face,
                middle=side * float(rng.uniform(0.85, 1.0)),
                spread=float(rng.uniform(0.1, 0.2)),
                low=float(rng.uniform(0.3, 2.0)),
            )
            done = laid(rng, done, cover, unit_px=face.unit_px)
    return done


def _tattoo(rng: np.random.Generator, image: Floats, face: FaceFrame) -> Floats:
    """Returns a face with lines, moles, freckles or scars on it."""
    done = image.copy()
    for _ in range(int(rng.integers(1, 10))):
        start = face.points_xy[int(rng.integers(68))] + rng.normal(0, 0.1 * face.unit_px, 2)
        steps = np.cumsum(rng.normal(0, 0.04 * face.unit_px, (int(rng.integers(2, 6)), 2)), axis=0)
        level = face.skin * rng.uniform(0.3, 0.9)
        line(done, start + steps, level=level, width_px=face.unit_px * rng.uniform(0.01, 0.03))
    return np.asarray(done, np.float32)


_ADORNMENTS: Final[tuple[Callable[[np.random.Generator, Floats, FaceFrame], Floats], ...]] = (
    _spectacles,
    _shadow,
    _shadow,
    _beard,
    _make_up,
    _hat,
    _fringe,
    _curtains,
    _tattoo,
)
