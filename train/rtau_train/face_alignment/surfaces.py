"""Draws surfaces: foliage, wood, brick, pages, whiteboards, books, walls, noise.

Each function returns a picture float32 (size, size), display values around 0 to 1, and depends on
its generator only. `scenes.py` lists them.
"""

from __future__ import annotations

import math
import string

import cv2
import numpy as np

from rtau_train.face_alignment.noise import Floats, clouds, levels, places, turned_places

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
_LETTERS = np.array(list(string.ascii_letters + string.digits + ".,;:-()?!"))


def foliage(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns leaves of one plant over one another, light and shade between them."""
    image = np.full((size, size), rng.uniform(0.02, 0.6), np.float32)
    image += np.float32(0.1) * clouds(rng, size, cells=6)
    length = rng.uniform(0.03, 0.25) * size
    slim = rng.uniform(0.15, 0.6)
    dark, light = sorted(levels(rng, 2))
    for _ in range(int(rng.integers(40, 220))):
        x, y = (int(v) for v in rng.uniform(0, size, 2))
        axes = (max(1, int(length * rng.uniform(0.4, 1))), max(1, int(length * slim)))
        turn, level = float(rng.uniform(0, 360)), float(rng.uniform(dark, light))
        cv2.ellipse(image, (x, y), axes, turn, 0, 360, level, -1, cv2.LINE_AA)
        tip = np.array([math.cos(math.radians(turn)), math.sin(math.radians(turn))]) * axes[0]
        ends = ((int(x - tip[0]), int(y - tip[1])), (int(x + tip[0]), int(y + tip[1])))
        cv2.line(image, ends[0], ends[1], level * 1.25, 1, cv2.LINE_AA)
    return image


def wood(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns grain with knots, in boards or whole."""
    across, along = turned_places(rng, size, bend=0.02)
    bent = across + np.float32(rng.uniform(0.01, 0.08)) * clouds(rng, size, cells=2, octaves=2)
    for _ in range(int(rng.integers(0, 5))):
        x0, y0 = (np.float32(v) for v in rng.uniform(-0.5, 0.5, 2))
        reach = np.float32(rng.uniform(0.002, 0.015))
        knot = np.exp(-((across - x0) ** 2 + 0.4 * (along - y0) ** 2) / reach)
        bent = bent + np.float32(rng.uniform(0.05, 0.2)) * knot
    grain = np.sin(2 * math.pi * np.float32(rng.uniform(6, 40)) * bent)
    low, high = levels(rng, 2)
    image = (low + high) / 2 + np.float32((high - low) / 4) * grain
    if rng.random() < 0.5:
        boards = np.float32(rng.uniform(2, 8))
        image = np.where((boards * across) % 1 < 0.03, np.float32(low * 0.4), image)
    return np.asarray(image + np.float32(0.02) * clouds(rng, size, cells=60, octaves=1), np.float32)


def brick(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns bricks or tiles with joints, each of its own level."""
    across, along = turned_places(rng, size, bend=0.01)
    rows = np.float32(rng.uniform(3, 16))
    ratio = np.float32(rng.uniform(0.3, 1.0))
    v = rows * along
    u = rows * ratio * across + np.float32(rng.choice([0.0, 0.5])) * (np.floor(v) % 2)
    low, high = sorted(levels(rng, 2))
    table = rng.uniform(low, high, size=(64, 64)).astype(np.float32)
    image = table[np.floor(v).astype(int) % 64, np.floor(u).astype(int) % 64]
    joint = np.float32(rng.uniform(0.02, 0.1))
    gap = ((v % 1) < joint) | ((u % 1) < joint * ratio)
    image = np.where(gap, np.float32(rng.uniform(0.05, 0.95)), image)
    return np.asarray(image + np.float32(0.03) * clouds(rng, size, cells=50, octaves=2), np.float32)


def page(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns printed text of one size, perhaps with a heading, a rule and a picture's box."""
    paper, ink = (0.9, 0.1) if rng.random() < 0.7 else (0.1, 0.85)
    image = np.full((size, size), paper * rng.uniform(0.7, 1.1), np.float32)
    font = int(rng.choice(_FONTS))
    scale = rng.uniform(0.25, 1.8)
    thickness = max(1, round(scale * rng.uniform(0.8, 2.2)))
    step = max(8, int(32 * scale * rng.uniform(0.8, 1.4)))
    for row in range(int(rng.integers(0, step)), size + step, step):
        if rng.random() < 0.1:
            continue
        words = "".join(rng.choice(_LETTERS, size=int(rng.integers(6, 60))))
        words = " ".join(words[k : k + 5] for k in range(0, len(words), 5))
        start = (int(rng.uniform(-0.1, 0.2) * size), row)
        cv2.putText(image, words, start, font, scale, ink, thickness, cv2.LINE_AA)
    if rng.random() < 0.3:
        _boxes(rng, image, count=2)
    return _tilted(rng, image)


def whiteboard(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns a board or screen with scribbles, boxes, arrows and round shapes."""
    image = np.full((size, size), rng.uniform(0.6, 0.95), np.float32)
    if rng.random() < 0.3:
        image = np.float32(1) - image
    for _ in range(int(rng.integers(3, 18))):
        places_xy = np.cumsum(rng.normal(0, 0.05, (int(rng.integers(3, 30)), 2)), axis=0)
        path = ((places_xy + rng.uniform(0, 1, 2)) * size).astype(np.int32)
        level = float(rng.uniform(0, 0.9))
        cv2.polylines(image, [path], False, level, int(rng.integers(1, 4)), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 6))):
        x, y = (int(v) for v in rng.uniform(0, size, 2))
        axes = (int(rng.uniform(0.02, 0.2) * size) + 1, int(rng.uniform(0.02, 0.2) * size) + 1)
        width = int(rng.integers(1, 4))
        cv2.ellipse(image, (x, y), axes, 0, 0, 360, float(rng.random()), width, cv2.LINE_AA)
    _boxes(rng, image, count=int(rng.integers(0, 5)))
    return _tilted(rng, image)


def books(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns the backs of books on shelves, with titles."""
    image = np.full((size, size), 0.08, np.float32)
    tall = rng.uniform(0.2, 0.6) * size
    for top in np.arange(rng.uniform(-tall, 0), size, tall * 1.08):
        x = 0.0
        while x < size:
            wide = rng.uniform(0.02, 0.12) * size
            start = top + rng.uniform(0, 0.25) * tall
            corners = ((int(x), int(start)), (int(x + wide), int(top + tall)))
            level = float(rng.uniform(0.05, 0.95))
            cv2.rectangle(image, corners[0], corners[1], level, -1)
            for _ in range(int(rng.integers(0, 4))):
                y = rng.uniform(start, top + tall)
                ends = ((int(x + wide * 0.2), int(y)), (int(x + wide * 0.8), int(y)))
                band = int(rng.integers(1, 8))
                cv2.line(image, ends[0], ends[1], float(rng.random()), band)
            x += wide + rng.uniform(0, 3)
    return _tilted(rng, image)


def wall(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns a wall, a sky or a floor: a ramp with blotches, edges and the frame of a door."""
    x, y = places(size)
    slope = rng.normal(0, 0.3, 2)
    image = np.float32(rng.uniform(0.1, 0.9)) + np.float32(slope[0]) * x + np.float32(slope[1]) * y
    image += np.float32(rng.uniform(0, 0.06)) * clouds(rng, size, cells=rng.uniform(2, 30))
    for _ in range(int(rng.integers(0, 5))):
        angle = float(rng.choice([0, math.pi / 2])) + rng.normal(0, 0.1)
        side = x * math.cos(angle) + y * math.sin(angle) > rng.uniform(-0.4, 0.4)
        image = image + np.where(side, np.float32(rng.normal(0, 0.15)), np.float32(0))
    return np.asarray(image, np.float32)


def noise(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns clouds of chance of any size: fur, gravel, bushes far away, bad film."""
    cells = float(np.exp(rng.uniform(math.log(2), math.log(100))))
    image = clouds(rng, size, cells=cells, octaves=int(rng.integers(1, 6)))
    if rng.random() < 0.3:
        image = np.sign(image) * np.abs(image) ** np.float32(0.4)
    contrast = np.float32(rng.uniform(0.03, 0.35))
    return np.asarray(np.float32(rng.uniform(0.2, 0.8)) + contrast * image, np.float32)


def _boxes(rng: np.random.Generator, image: Floats, /, *, count: int) -> None:
    size = len(image)
    for _ in range(count):
        x, y = rng.uniform(0, 0.9, 2) * size
        wide, tall = rng.uniform(0.05, 0.5, 2) * size
        corners = ((int(x), int(y)), (int(x + wide), int(y + tall)))
        width = -1 if rng.random() < 0.4 else int(rng.integers(1, 4))
        cv2.rectangle(image, corners[0], corners[1], float(rng.random()), width, cv2.LINE_AA)


def _tilted(rng: np.random.Generator, image: Floats) -> Floats:
    """Returns the picture seen from a little aside."""
    size = len(image)
    corners = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    moved = corners + rng.normal(0, 0.08 * size, (4, 2)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    done = cv2.warpPerspective(image, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(done, np.float32)
