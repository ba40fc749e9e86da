"""Makes the skin's folds: height maps of the face for every action that creases it, and for age.

A map covers the neutral face seen from the front, 20 x 24 cm, and holds heights in cm: a fold is a
narrow valley between raised shoulders, as skin that is pushed together makes it. Which fold belongs
to which action follows the appearance changes in Ekman, Friesen & Hager (2002). Every fold exists
in several drawn variants and the sum is bent anew for every picture, so that a network cannot learn
one drawing. Called by `render.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import make_interp_spline

Floats = npt.NDArray[np.float32]
Points = tuple[tuple[float, float], ...]

MAP_SIZE: Final = (320, 384)
"""Width and height, px."""
X_CM: Final = (-10.0, 10.0)
Y_CM: Final = (-12.0, 12.0)
PX_PER_CM: Final = 16.0
VARIANTS: Final = 6
_BENDS: Final = 12
_BEND_CM: Final = 0.16
_BANK_SEED: Final = 20_261_122
# The bends carry both coordinates in one array; cv2.remap still wants a second.
_NO_MAP: Final = np.zeros(0, np.float32)


class Fold(NamedTuple):
    """One crease, written for the left side when it is a pair."""

    path_cm: Points
    width_cm: float = 0.12
    depth_cm: float = 0.10
    shoulder: float = 0.8
    """Height of the raised sides beside the depth."""
    lean_cm: tuple[float, float] = (0.0, 0.0)
    """Where the shoulder is heavier: a cheek overhangs its fold."""
    paired: bool = True


def _forehead(*, wide: float, sag: float) -> tuple[Fold, ...]:
    heights = (7.3, 8.1, 8.9, 9.7, 10.4)
    paths = (
        ((-wide, y - sag), (-wide / 2, y + 0.2), (0, y), (wide / 2, y + 0.2), (wide, y - sag))
        for y in heights
    )
    return tuple(Fold(path, 0.13, 0.11, 0.9, paired=False) for path in paths)


_NASOLABIAL: Final[Points] = ((1.5, -0.5), (2.15, -1.3), (2.8, -2.4), (3.2, -3.5))
_CROW: Final = (
    Fold(((4.75, 3.6), (5.4, 3.95), (6.1, 4.5)), 0.09, 0.07),
    Fold(((4.75, 3.35), (5.5, 3.4), (6.3, 3.55)), 0.09, 0.08),
    Fold(((4.7, 3.1), (5.5, 2.85), (6.2, 2.5)), 0.09, 0.08),
    Fold(((4.6, 2.85), (5.2, 2.4), (5.8, 1.8)), 0.09, 0.06),
)
FOLDS: Final[Mapping[str, tuple[Fold, ...]]] = {
    "au1": _forehead(wide=2.7, sag=0.1),
    "au2": tuple(
        Fold(((1.7, y - 0.2), (3.1, y + 0.3), (4.6, y - 0.05), (5.7, y - 0.9)), 0.13, 0.11)
        for y in (7.5, 8.4, 9.3)
    ),
    "au4": (
        Fold(((0.62, 4.9), (0.72, 5.8), (0.6, 7.1)), 0.15, 0.17, 1.0),
        Fold(((1.15, 5.6), (1.25, 6.2), (1.05, 6.9)), 0.12, 0.07, 0.9),
        Fold(((-0.75, 4.55), (0, 4.35), (0.75, 4.55)), 0.15, 0.11, paired=False),
        # The dimple above the middle of the brow, where corrugator enters the skin.
        Fold(((2.5, 7.2), (3.1, 7.0), (3.6, 7.1)), 0.30, 0.035, 0.6),
    ),
    "au6": (
        *_CROW,
        Fold(((1.75, 2.35), (2.6, 1.8), (3.6, 1.75), (4.5, 2.15)), 0.16, 0.13, 1.0, (0, -0.15)),
        Fold(((2.2, 2.75), (3.1, 2.5), (4.1, 2.65)), 0.10, 0.07),
        Fold(((1.5, -0.5), (2.1, -1.2), (2.6, -2.0)), 0.18, 0.08, 0.9, (0.15, 0.1)),
    ),
    "au7": (Fold(((2.0, 2.75), (3.1, 2.45), (4.3, 2.7)), 0.10, 0.08),),
    "au9": (
        Fold(((-0.7, 3.75), (0, 3.6), (0.7, 3.75)), 0.11, 0.11, paired=False),
        Fold(((-0.75, 3.15), (0, 3.0), (0.75, 3.15)), 0.11, 0.11, paired=False),
        Fold(((-0.6, 4.35), (0, 4.2), (0.6, 4.35)), 0.12, 0.10, paired=False),
        Fold(((0.45, 3.5), (0.95, 2.9), (1.25, 2.1)), 0.12, 0.11),
        Fold(((0.35, 2.7), (0.8, 2.2), (1.05, 1.5)), 0.11, 0.08),
        Fold(((0.9, 3.9), (1.5, 3.1), (1.8, 2.3)), 0.13, 0.09),
        Fold(((1.15, 0.9), (1.65, 0.2), (1.8, -0.7), (2.3, -1.5)), 0.17, 0.15, 1.0, (0.18, 0.1)),
    ),
    "au10": (Fold(((1.4, 0.4), (1.9, -0.6), (2.7, -1.8)), 0.18, 0.12, 1.0, (0.18, 0.1)),),
    "au12": (
        Fold(_NASOLABIAL, 0.20, 0.17, 1.1, (0.2, 0.12)),
        Fold(((3.15, -2.5), (3.6, -3.3), (3.45, -4.2)), 0.15, 0.07),
    ),
    "au14": (Fold(((2.85, -3.0), (3.05, -3.5), (2.9, -4.0)), 0.13, 0.14, 0.9),),
    "au15": (
        Fold(((2.6, -3.75), (2.95, -4.5), (3.0, -5.4)), 0.16, 0.14, 1.0, (0.2, -0.05)),
        Fold(((-1.4, -5.05), (0, -4.8), (1.4, -5.05)), 0.17, 0.06, paired=False),
    ),
    "au17": (
        Fold(((-1.6, -5.1), (0, -4.75), (1.6, -5.1)), 0.18, 0.14, 0.9, paired=False),
        Fold(((1.5, -4.9), (2.1, -5.5), (2.3, -6.2)), 0.17, 0.07),
    ),
    "au20": (
        Fold(((3.0, -2.5), (3.4, -3.5), (3.05, -4.6)), 0.14, 0.12),
        Fold(((3.75, -2.6), (4.2, -3.6), (3.7, -4.9)), 0.15, 0.08),
        Fold(((-1.7, -4.95), (0, -4.85), (1.7, -4.95)), 0.15, 0.06, paired=False),
    ),
    "age_forehead": _forehead(wide=4.4, sag=0.25),
    "age_eyes": (
        *_CROW,
        Fold(((1.9, 2.5), (2.8, 1.85), (3.9, 1.8), (4.6, 2.3)), 0.20, 0.08, 0.8),
    ),
    "age_frown": (Fold(((0.6, 5.0), (0.68, 5.8), (0.55, 6.8)), 0.11, 0.08),),
    "age_mouth": (
        Fold(_NASOLABIAL, 0.18, 0.10, 0.9, (0.2, 0.12)),
        Fold(((2.6, -3.8), (2.9, -4.6), (2.8, -5.6)), 0.16, 0.08),
    ),
    "age_neck": (
        Fold(((-4, -10), (0, -10.6), (4, -10)), 0.22, 0.08, paired=False),
        Fold(((-4, -11.2), (0, -11.8), (4, -11.2)), 0.22, 0.07, paired=False),
    ),
}


def to_map(x_cm: npt.ArrayLike, y_cm: npt.ArrayLike, /) -> tuple[Floats, Floats]:
    """Returns map pixels of places on the neutral face, seen from the front."""
    columns = (np.asarray(x_cm, np.float32) - X_CM[0]) * PX_PER_CM
    rows = (Y_CM[1] - np.asarray(y_cm, np.float32)) * PX_PER_CM
    return columns, rows


def height_map(gains: Mapping[str, float], rng: np.random.Generator, /) -> Floats:
    """Returns heights of the skin in cm, float32 (384, 320), for a gain per name of `FOLDS`."""
    total = np.zeros(MAP_SIZE[::-1], np.float32)
    for name in FOLDS:
        variant = int(rng.integers(VARIANTS))
        if gains.get(name, 0.0) > 0.01:
            total += np.float32(gains[name]) * drawn_folds(name, variant)
    bend = _bends()[int(rng.integers(_BENDS))]
    bent = cv2.remap(total, bend, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.float32)


def relief(height_cm: Floats, /) -> tuple[Floats, Floats, Floats]:
    """Returns the slopes of a height map along x and y (cm per cm), and how deep its valleys lie.

    The last is in cm and never negative: valleys see less light.
    """
    slope_x = cv2.Sobel(height_cm, cv2.CV_32F, 1, 0, scale=PX_PER_CM / 8)
    slope_y = cv2.Sobel(height_cm, cv2.CV_32F, 0, 1, scale=-PX_PER_CM / 8)
    return (
        np.asarray(slope_x, np.float32),
        np.asarray(slope_y, np.float32),
        np.asarray(np.maximum(-height_cm, 0), np.float32),
    )


@functools.cache
def drawn_folds(name: str, variant: int, /) -> Floats:
    """Returns one drawing of a set of folds: heights in cm, float32 (384, 320)."""
    rng = np.random.default_rng([_BANK_SEED, sorted(FOLDS).index(name), variant])
    height = np.zeros(MAP_SIZE[::-1], np.float32)
    for fold in FOLDS[name]:
        for side in (1, -1) if fold.paired else (1,):
            if rng.random() < 0.12:
                continue
            height += _drawn(fold, side, rng)
    if name == "au17":
        height += _pebbled_chin(rng)
    return height


def _drawn(fold: Fold, side: int, rng: np.random.Generator) -> Floats:
    points = np.array(fold.path_cm, np.float64) + rng.normal(0, 0.10, (len(fold.path_cm), 2))
    points[:, 0] *= side
    line = np.zeros(MAP_SIZE[::-1], np.float32)
    _stroke(line, points, rng)
    width = fold.width_cm * rng.uniform(0.8, 1.3) * PX_PER_CM
    valley = np.asarray(cv2.GaussianBlur(line, (0, 0), width), np.float32)
    peak = float(valley.max())
    if peak <= 0:
        return line
    valley /= peak
    shoulders = np.asarray(cv2.GaussianBlur(line, (0, 0), 2.4 * width), np.float32)
    shoulders *= 1.15 / peak
    lean_x, lean_y = fold.lean_cm
    if (lean_x, lean_y) != (0.0, 0.0):
        move = np.array([[1, 0, side * lean_x * PX_PER_CM], [0, 1, -lean_y * PX_PER_CM]])
        shoulders = np.asarray(cv2.warpAffine(shoulders, move, MAP_SIZE), np.float32)
    depth = fold.depth_cm * rng.uniform(0.6, 1.3)
    return np.asarray(depth * (fold.shoulder * shoulders - valley), np.float32)


def _stroke(line: Floats, points: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
    """Draws a smooth line that fades at its ends and wavers in strength."""
    knots = np.linspace(0, 1, len(points))
    along = np.linspace(0, 1, 33)
    curve = make_interp_spline(knots, points, k=min(3, len(points) - 1))(along)
    columns, rows = to_map(curve[:, 0], curve[:, 1])
    waver = np.interp(along, np.linspace(0, 1, 6), rng.uniform(0.45, 1.0, 6))
    levels = waver * np.sin(np.pi * np.clip(along + 0.02, 0, 1)) ** 0.6
    pixels = np.round(np.stack([columns, rows], 1) * 16).astype(int)
    for start, end, level in zip(pixels[:-1], pixels[1:], levels, strict=False):
        ends = (start.tolist(), end.tolist())
        cv2.line(line, *ends, float(level), 1, cv2.LINE_AA, 4)


def _pebbled_chin(rng: np.random.Generator) -> Floats:
    """Returns mentalis's dimples: small pits all over the chin boss."""
    noise = rng.standard_normal(MAP_SIZE[::-1]).astype(np.float32)
    fine, coarse = (np.asarray(cv2.GaussianBlur(noise, (0, 0), s)) for s in (2.6, 6.0))
    pits = fine - coarse
    pits /= float(pits.std())
    y, x = np.mgrid[0 : MAP_SIZE[1], 0 : MAP_SIZE[0]].astype(np.float32)
    x, y = x / PX_PER_CM + X_CM[0], Y_CM[1] - y / PX_PER_CM
    boss = np.exp(-((x / 1.5) ** 4) - ((y + 6.0) / 0.95) ** 4)
    return np.asarray(0.035 * pits * boss, np.float32)


@functools.cache
def _bends() -> tuple[Floats, ...]:
    """Returns smooth distortions of the map, as coordinates for `cv2.remap`."""
    rng = np.random.default_rng([_BANK_SEED, 7])
    y, x = np.mgrid[0 : MAP_SIZE[1], 0 : MAP_SIZE[0]].astype(np.float32)
    bends = []
    for _ in range(_BENDS):
        coarse = rng.standard_normal((10, 8, 2)).astype(np.float32) * _BEND_CM * PX_PER_CM
        bend = cv2.resize(coarse, MAP_SIZE, interpolation=cv2.INTER_CUBIC)
        bends.append(np.dstack([x + bend[..., 0], y + bend[..., 1]]))
    return tuple(bends)
