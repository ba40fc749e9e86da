"""Draws cloth: knitwear, denim with waistband, pockets and seams, argyle, checks, stripes, dots.

Each function returns a picture float32 (size, size), display values around 0 to 1, and depends on
its generator only. `scenes.py` lists them.
"""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np

from rtau_train.face_alignment.noise import Floats, clouds, folds, levels, places, turned_places

_TURN = np.float32(2 * math.pi)


def knitwear(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns rows of stitches or ribs, perhaps with cables, a collar or a zip."""
    across, along = turned_places(rng, size, bend=0.03)
    ribs = np.float32(rng.uniform(8, 60))
    stitches = ribs * np.float32(rng.uniform(0.8, 1.6))
    skew = np.abs(np.sin(np.pi * ribs * across))
    rows = np.sin(_TURN * (stitches * along + np.float32(0.5) * skew))
    base, depth = rng.uniform(0.1, 0.85), rng.uniform(0.03, 0.25)
    image = base + np.float32(depth) * (0.5 * rows + np.cos(_TURN * ribs * across))
    if rng.random() < 0.4:
        cables = np.float32(rng.uniform(2, 7))
        twist = np.sin(_TURN * cables * (across + 0.05 * np.sin(_TURN * 4 * along)))
        image = image + np.float32(rng.uniform(0.05, 0.25)) * twist
    if rng.random() < 0.4:
        _line(rng, image, width=rng.uniform(0.005, 0.04))
    return np.asarray(image + folds(rng, size), np.float32)


def denim(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns jeans: twill, worn patches, waistband, belt loops, pockets, seams, a button."""
    across, along = turned_places(rng, size, bend=0.02)
    twill = np.sin(_TURN * np.float32(rng.uniform(40, 110)) * (across + along))
    base = rng.uniform(0.06, 0.5)
    image = np.full((size, size), base, np.float32)
    image += np.float32(rng.uniform(0.0, 0.06)) * twill
    worn = np.clip(clouds(rng, size, cells=rng.uniform(1.5, 5)), 0, None)
    image += np.float32(rng.uniform(0, 0.16)) * worn
    image += np.float32(rng.uniform(0.2, 1.0)) * folds(rng, size)
    if rng.random() < 0.6:
        _waistband(rng, image)
    for _ in range(int(rng.integers(0, 4))):
        _pocket(rng, image)
    for _ in range(int(rng.integers(0, 4))):
        _seam(rng, image)
    return _turned(rng, image)


def argyle(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns diamonds with thin lines over them, knitted or printed."""
    across, along = turned_places(rng, size, bend=0.02)
    count = np.float32(rng.uniform(1.5, 7))
    tall = np.float32(rng.uniform(0.5, 1.0))
    u, v = count * (across + tall * along), count * (across - tall * along)
    first, second, third, line = levels(rng, 4)
    kind = (np.floor(u).astype(int) % 2) + 2 * (np.floor(v).astype(int) % 2)
    image = np.array([first, second, third, first], np.float32)[kind]
    for value in (u + 0.5, v + 0.5):
        near = np.abs(value - np.round(value)) < rng.uniform(0.01, 0.04)
        image = np.where(near, np.float32(line), image)
    stitch = np.sin(_TURN * np.float32(rng.uniform(40, 100)) * along)
    image = image + np.float32(rng.uniform(0, 0.06)) * stitch
    return np.asarray(image + np.float32(rng.uniform(0, 0.8)) * folds(rng, size), np.float32)


def checks(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns checks: gingham, tartan or a chessboard."""
    across, along = turned_places(rng, size, bend=0.03)
    image = np.zeros((size, size), np.float32)
    for axis in (across, along):
        bands = np.zeros_like(axis)
        for _ in range(int(rng.integers(1, 4))):
            count, phase = np.float32(rng.uniform(2, 16)), np.float32(rng.random())
            share = np.float32(rng.uniform(0.15, 0.6))
            bands += ((count * axis + phase) % 1 < share) * np.float32(rng.uniform(-0.3, 0.3))
        image += bands
    if rng.random() < 0.25:
        count = np.float32(rng.uniform(2, 12))
        board = (np.floor(count * across) + np.floor(count * along)) % 2
        image = board.astype(np.float32) * np.float32(rng.uniform(0.2, 0.9))
    image += np.float32(rng.uniform(0.1, 0.8))
    return np.asarray(image + np.float32(rng.uniform(0, 1)) * folds(rng, size), np.float32)


def stripes(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns stripes, hard or soft, as of shirts, blinds, radiators and keyboards."""
    across, _ = turned_places(rng, size, bend=0.04)
    wave = np.sin(_TURN * np.float32(rng.uniform(1.5, 30)) * across + rng.uniform(0, 6))
    hard = np.float32(rng.choice([1, 3, 20]))
    low, high = levels(rng, 2)
    share = np.clip(wave * hard, -1, 1) / 2 + 0.5
    image = low + np.float32(high - low) * share
    return np.asarray(image + np.float32(rng.uniform(0, 1)) * folds(rng, size), np.float32)


def dots(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns polka dots, buttons or holes in a grid, some of them in pairs."""
    across, along = turned_places(rng, size, bend=0.03)
    count = np.float32(rng.uniform(2, 14))
    u, v = count * across, count * along
    if rng.random() < 0.5:
        u = u + 0.5 * (np.floor(v) % 2)
    distance = np.hypot((u % 1) - 0.5, (v % 1) - 0.5)
    low, high = levels(rng, 2)
    inside = np.clip((rng.uniform(0.12, 0.42) - distance) * rng.uniform(5, 40), 0, 1)
    image = low + np.float32(high - low) * inside.astype(np.float32)
    return np.asarray(image + np.float32(rng.uniform(0, 1)) * folds(rng, size), np.float32)


def plain_cloth(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns cloth of one colour in folds: a shirt with buttons and collar, a coat, a curtain."""
    image = np.full((size, size), rng.uniform(0.05, 0.95), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        image += np.float32(rng.uniform(0.3, 1.2)) * folds(rng, size)
    if rng.random() < 0.5:
        image += np.float32(0.05) * clouds(rng, size, cells=rng.uniform(20, 80), octaves=1)
    for _ in range(int(rng.integers(0, 4))):
        _seam(rng, image)
    if rng.random() < 0.4:
        _buttons(rng, image)
    if rng.random() < 0.4:
        _collar(rng, image)
    return _turned(rng, image)


def _waistband(rng: np.random.Generator, image: Floats) -> None:
    size = len(image)
    top, tall = rng.uniform(0.05, 0.7) * size, rng.uniform(0.06, 0.16) * size
    level = float(image.mean()) + rng.normal(0, 0.06)
    image[int(top) : int(top + tall)] = level
    stitch = float(rng.uniform(0.3, 0.8))
    for row in (top + 2, top + tall - 3):
        _stitches(rng, image, start=(0, row), end=(size, row), level=stitch)
    for x in np.arange(rng.uniform(0, 0.3), 1, rng.uniform(0.15, 0.4)) * size:
        half = size * 0.012
        box = [(int(x - half), int(top - 3)), (int(x + half), int(top + tall + 3))]
        cv2.rectangle(image, box[0], box[1], level * rng.uniform(0.6, 1.4), -1, cv2.LINE_AA)
    x, y = int(rng.uniform(0.2, 0.8) * size), int(top + tall / 2)
    radius = max(2, int(tall * rng.uniform(0.15, 0.35)))
    cv2.circle(image, (x, y), radius, float(rng.uniform(0.2, 0.9)), -1, cv2.LINE_AA)
    cv2.circle(image, (x - 1, y - 1), radius // 2, float(rng.uniform(0.2, 0.9)), -1, cv2.LINE_AA)
    _stitches(rng, image, start=(x, y), end=(x + rng.normal(0, 0.05) * size, size), level=stitch)


def _pocket(rng: np.random.Generator, image: Floats) -> None:
    size = len(image)
    x, y = rng.uniform(0, 0.8, 2) * size
    wide, tall = rng.uniform(0.12, 0.35, 2) * size
    outline = [(x, y), (x + wide, y), (x + wide, y + tall), (x + wide / 2, y + tall * 1.2)]
    outline += [(x, y + tall), (x, y)]
    if rng.random() < 0.5:
        inside = np.array(outline, np.int32)
        cv2.fillPoly(image, [inside], float(image.mean() + rng.normal(0, 0.05)), cv2.LINE_AA)
    for start, end in itertools.pairwise(outline):
        _stitches(rng, image, start=start, end=end, level=float(rng.uniform(0.02, 0.8)))
    if rng.random() < 0.6:
        curve = ((int(x), int(y)), (int(wide), int(tall)), 0.0, 0.0, 90.0)
        cv2.ellipse(image, *curve, float(rng.uniform(0.02, 0.7)), 2, cv2.LINE_AA)


def _seam(rng: np.random.Generator, image: Floats) -> None:
    size = len(image)
    start, end = rng.uniform(-0.1, 1.1, 2) * size, rng.uniform(-0.1, 1.1, 2) * size
    level = float(image.mean() * rng.uniform(0.3, 0.8))
    first, last = tuple(start.astype(int).tolist()), tuple(end.astype(int).tolist())
    cv2.line(image, first, last, level, int(rng.integers(1, 4)), cv2.LINE_AA)
    aside = rng.uniform(2, 5)
    _stitches(rng, image, start=start + aside, end=end + aside, level=float(rng.uniform(0.2, 0.8)))


def _stitches(
    rng: np.random.Generator, image: Floats, /, *, start: object, end: object, level: float
) -> None:
    """Draws a dashed line between two places, px."""
    first, last = np.asarray(start, np.float64), np.asarray(end, np.float64)
    length = max(float(np.hypot(*(last - first))), 1.0)
    dash = rng.uniform(3, 7)
    for at in np.arange(0, length, 1.6 * dash):
        near = first + (last - first) * (at / length)
        far = first + (last - first) * (min(at + dash, length) / length)
        ends = (tuple(near.astype(int).tolist()), tuple(far.astype(int).tolist()))
        cv2.line(image, ends[0], ends[1], level, 1, cv2.LINE_AA)


def _buttons(rng: np.random.Generator, image: Floats) -> None:
    size = len(image)
    x, step = rng.uniform(0.2, 0.8) * size, rng.uniform(0.1, 0.3) * size
    level, radius = float(rng.uniform(0.05, 0.95)), int(max(2, rng.uniform(0.008, 0.03) * size))
    for y in np.arange(rng.uniform(0, step), size, step):
        cv2.circle(image, (int(x), int(y)), radius, level, -1, cv2.LINE_AA)
        cv2.circle(image, (int(x), int(y)), radius, level * 0.6, 1, cv2.LINE_AA)


def _collar(rng: np.random.Generator, image: Floats) -> None:
    size = len(image)
    x, y = rng.uniform(0.3, 0.7) * size, rng.uniform(0.1, 0.6) * size
    wide, tall = rng.uniform(0.1, 0.4) * size, rng.uniform(0.1, 0.4) * size
    for side in (-1, 1):
        flap = np.array([(x, y + tall), (x + side * wide, y), (x + side * wide * 0.8, y + tall)])
        level = float(np.clip(image.mean() + rng.normal(0, 0.15), 0, 1))
        cv2.fillPoly(image, [flap.astype(np.int32)], level, cv2.LINE_AA)
        cv2.polylines(image, [flap.astype(np.int32)], True, level * 0.6, 1, cv2.LINE_AA)


def _line(rng: np.random.Generator, image: Floats, /, *, width: float) -> None:
    x, y = places(len(image))
    angle = rng.uniform(0, math.pi)
    distance = x * math.cos(angle) + y * math.sin(angle) - rng.uniform(-0.4, 0.4)
    image[np.abs(distance) < width] = rng.uniform(0.05, 0.95)


def _turned(rng: np.random.Generator, image: Floats) -> Floats:
    """Returns the picture turned by any angle, most often by little; its border is repeated."""
    size = len(image)
    angle = rng.normal(0, 12) if rng.random() < 0.6 else rng.uniform(-180, 180)
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), float(angle), float(rng.uniform(1, 1.6)))
    done = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(done, np.float32)
