"""Fields of chance that drawn scenes are made of: clouds, folds, warps, uneven light.

Pure functions on float32 arrays with display values around 0 to 1. Called by the other files that
draw: `fabrics.py`, `surfaces.py`, `things.py`, `scenes.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def clouds(rng: np.random.Generator, size: int, /, *, cells: float, octaves: int = 3) -> Floats:
    """Returns smooth noise of mean 0 and standard deviation 1: (size, size).

    Args:
        rng: draws it.
        size: side, px.
        cells: blobs of the coarsest octave along a side.
        octaves: each of half the size and half the height of the one before.
    """
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        count = min(max(2, round(cells * 2**octave)), size)
        grid = rng.standard_normal((count, count), dtype=np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    total -= total.mean()
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def places(size: int, /) -> tuple[Floats, Floats]:
    """Returns x and y of every pixel, in sides from the middle: two (size, size)."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    x, y = np.meshgrid(axis, axis)
    return x.astype(np.float32), y.astype(np.float32)


def turned_places(
    rng: np.random.Generator, size: int, /, *, bend: float = 0.02
) -> tuple[Floats, Floats]:
    """Returns places turned by any angle and bent, as cloth on a body is."""
    x, y = places(size)
    angle = rng.uniform(0, 2 * math.pi)
    across = np.float32(math.cos(angle)) * x + np.float32(math.sin(angle)) * y
    along = np.float32(math.cos(angle)) * y - np.float32(math.sin(angle)) * x
    amount = np.float32(bend * rng.random())
    cells = rng.uniform(1, 5)
    across = across + amount * clouds(rng, size, cells=cells)
    along = along + amount * clouds(rng, size, cells=cells)
    return across, along


def folds(rng: np.random.Generator, size: int, /) -> Floats:
    """Returns the light and shade of folds of cloth, 0 on average: (size, size)."""
    light = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        across, along = turned_places(rng, size, bend=0.12)
        width = np.float32(rng.uniform(0.015, 0.09))
        middle = np.float32(rng.uniform(-0.5, 0.5))
        ridge = (across - middle) / width
        reach = np.exp(-((along - np.float32(rng.uniform(-0.5, 0.5))) ** 2) / 0.15)
        light += -ridge * np.exp(-(ridge**2)) * reach * np.float32(rng.uniform(0.1, 0.5))
    return light


def lit(rng: np.random.Generator, image: Floats, /) -> Floats:
    """Returns a picture in uneven light: a ramp, a lamp's spot and soft shadows."""
    x, y = places(len(image))
    slope = rng.normal(0, 0.4, 2)
    light = 1 + np.float32(slope[0]) * x + np.float32(slope[1]) * y
    if rng.random() < 0.3:
        x0, y0 = rng.uniform(-0.6, 0.6, 2)
        reach = np.float32(rng.uniform(0.05, 0.4))
        spot = np.exp(-((x - np.float32(x0)) ** 2 + (y - np.float32(y0)) ** 2) / reach)
        light += np.float32(rng.uniform(-0.6, 0.8)) * spot
    light += np.float32(rng.uniform(0, 0.15)) * clouds(rng, len(image), cells=3, octaves=2)
    return np.asarray(image * np.clip(light, 0.1, 2.5), np.float32)


def levels(rng: np.random.Generator, count: int, /) -> list[float]:
    """Returns grey levels 0-1 that differ by a contrast drawn by lot, in any order."""
    middle, contrast = rng.uniform(0.12, 0.88), rng.uniform(0.08, 0.9)
    spread = np.linspace(-0.5, 0.5, count) * contrast + middle
    return [float(level) for level in rng.permutation(np.clip(spread, 0.02, 0.98))]
