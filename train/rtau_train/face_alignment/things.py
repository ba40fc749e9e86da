"""Draws things that are taken for faces: shoes, hands, hair, ears, lamps, plants, round things.

Each function draws one thing in place into a picture float32 (S, S) at a size and place it draws by
lot. `scenes.py` strews them over its surfaces.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.face_alignment.noise import Floats

# OpenCV draws at sixteenths of a pixel.
_BITS = 4
_SIXTEENTHS = 1 << _BITS


def shoe(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws a shoe from the side or above: upper, sole, tongue, laces."""
    put = _Placer(rng, image)
    upper, sole, lace = (float(level) for level in rng.uniform(0.03, 0.95, 3))
    side = [(-0.5, 0.2), (-0.48, -0.25), (-0.2, -0.3), (0.0, -0.05), (0.35, 0.05), (0.5, 0.2)]
    cv2.fillPoly(image, [put(side)], upper, cv2.LINE_AA, _BITS)
    cv2.polylines(image, [put(side)], True, upper * 0.5, 1, cv2.LINE_AA, _BITS)
    base = [(-0.52, 0.18), (0.52, 0.18), (0.5, 0.28), (-0.5, 0.28)]
    cv2.fillPoly(image, [put(base)], sole, cv2.LINE_AA, _BITS)
    mouth = [(-0.45, -0.25), (-0.2, -0.3), (-0.18, -0.18), (-0.42, -0.16)]
    cv2.fillPoly(image, [put(mouth)], 0.05, cv2.LINE_AA, _BITS)
    for k in range(int(rng.integers(2, 6))):
        x = -0.2 + 0.07 * k
        ends = put([(x, -0.25 + 0.06 * k), (x + 0.12, -0.1 + 0.04 * k)])
        cv2.polylines(image, [ends], False, lace, int(rng.integers(1, 4)), cv2.LINE_AA, _BITS)
    if rng.random() < 0.5:
        patch = put([(0.3, 0.02), (0.5, 0.18), (0.25, 0.18)])
        cv2.fillPoly(image, [patch], float(rng.uniform(0.05, 0.95)), cv2.LINE_AA, _BITS)


def hand(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws a hand or a fist: a palm, fingers with shaded rims, nails."""
    put = _Placer(rng, image)
    skin = float(rng.uniform(0.15, 0.85))
    unit = float(np.hypot(*(put([(0.1, 0)])[0] - put([(0, 0)])[0]))) / _SIXTEENTHS
    palm = [(-0.25, -0.05), (0.25, -0.05), (0.22, 0.4), (-0.18, 0.4)]
    cv2.fillPoly(image, [put(palm)], skin, cv2.LINE_AA, _BITS)
    reach = rng.uniform(0.1, 0.5)
    for k in range(4):
        root = (-0.19 + 0.125 * k, 0.0)
        tip = (root[0] * rng.uniform(1, 1.5), -reach * rng.uniform(0.7, 1.1))
        for width, level in ((1.25, 0.65), (1.0, 0.9), (0.6, 1.0)):
            stroke = max(1, int(width * unit))
            path = put([root, tip])
            cv2.polylines(image, [path], False, skin * level, stroke, cv2.LINE_AA, _BITS)
        x, y = (put([tip])[0] // _SIXTEENTHS).tolist()
        cv2.circle(image, (x, y), max(1, int(unit * 0.3)), min(skin * 1.25, 1), -1, cv2.LINE_AA)
    thumb = put([(0.2, 0.25), (0.42, 0.02)])
    cv2.polylines(image, [thumb], False, skin * 0.95, max(1, int(1.2 * unit)), cv2.LINE_AA, _BITS)


def hair(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws the back of a head: an ellipse of strands, a neck, perhaps ears and a parting."""
    put = _Placer(rng, image)
    level, skin = float(rng.uniform(0.02, 0.8)), float(rng.uniform(0.2, 0.85))
    neck = [(-0.15, 0.3), (0.15, 0.3), (0.2, 0.6), (-0.2, 0.6)]
    cv2.fillPoly(image, [put(neck)], skin, cv2.LINE_AA, _BITS)
    if rng.random() < 0.6:
        for side in (-1, 1):
            lobe = put(_ellipse(0.36 * side, 0.05, wide=0.06, tall=0.11))
            cv2.fillPoly(image, [lobe], skin * 0.9, cv2.LINE_AA, _BITS)
    cv2.fillPoly(image, [put(_ellipse(0, 0, wide=0.36, tall=0.44))], level, cv2.LINE_AA, _BITS)
    crown = rng.uniform(-0.2, 0.2, 2)
    for angle in rng.uniform(0, 2 * math.pi, int(rng.integers(30, 120))):
        rim = (0.36 * math.cos(angle), 0.44 * math.sin(angle))
        mid = (crown[0] * 0.3 + rim[0] * 0.7 + rng.normal(0, 0.03), (crown[1] + rim[1]) / 2)
        shade = float(np.clip(level * rng.uniform(0.5, 1.7), 0, 1))
        path = put([tuple(crown), mid, rim])
        cv2.polylines(image, [path], False, shade, 1, cv2.LINE_AA, _BITS)


def ear(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws an ear on skin with hair beside it, perhaps with an earring."""
    put = _Placer(rng, image)
    skin, strand = float(rng.uniform(0.2, 0.85)), float(rng.uniform(0.02, 0.5))
    around = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
    cv2.fillPoly(image, [put(around)], skin * 0.95, cv2.LINE_AA, _BITS)
    back = [(0.1, -0.5), (0.5, -0.5), (0.5, 0.4), (0.3, 0.3)]
    cv2.fillPoly(image, [put(back)], strand, cv2.LINE_AA, _BITS)
    cv2.fillPoly(image, [put(_ellipse(0.05, 0, wide=0.16, tall=0.28))], skin, cv2.LINE_AA, _BITS)
    for scale, level in ((1.0, 0.6), (0.72, 0.5), (0.4, 0.35)):
        rim = put(_ellipse(0.05, 0, wide=0.16 * scale, tall=0.28 * scale))
        cv2.polylines(image, [rim], True, skin * level, 2, cv2.LINE_AA, _BITS)
    if rng.random() < 0.6:
        ring = put(_ellipse(0.05, 0.32, wide=rng.uniform(0.02, 0.08), tall=rng.uniform(0.02, 0.1)))
        width = int(rng.integers(1, 4))
        cv2.polylines(image, [ring], True, float(rng.uniform(0.5, 1)), width, cv2.LINE_AA, _BITS)


def lamp(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws a shade on a stand, or a bright bulb with its halo."""
    put = _Placer(rng, image)
    pole = put([(0, 0), (0, 0.6)])
    cv2.polylines(image, [pole], False, float(rng.uniform(0, 0.6)), 3, cv2.LINE_AA, _BITS)
    shade = [(-0.15, -0.35), (0.15, -0.35), (0.35, 0.1), (-0.35, 0.1)]
    cv2.fillPoly(image, [put(shade)], float(rng.uniform(0.4, 1)), cv2.LINE_AA, _BITS)
    for scale, level in ((0.3, 0.7), (0.2, 0.9), (0.1, 1.0)):
        if rng.random() < 0.5:
            halo = put(_ellipse(0, -0.05, wide=scale, tall=scale))
            cv2.fillPoly(image, [halo], level, cv2.LINE_AA, _BITS)


def plant(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws a pot with leaves that hang over."""
    put = _Placer(rng, image)
    pot = [(-0.2, 0.15), (0.2, 0.15), (0.15, 0.5), (-0.15, 0.5)]
    cv2.fillPoly(image, [put(pot)], float(rng.uniform(0.1, 0.95)), cv2.LINE_AA, _BITS)
    level = rng.uniform(0.1, 0.7)
    for angle in rng.uniform(-math.pi, 0, int(rng.integers(5, 25))):
        length, wide = rng.uniform(0.2, 0.5), rng.uniform(0.02, 0.1)
        tip = np.array([math.cos(angle), math.sin(angle)]) * length + np.array([0, 0.1])
        side = np.array([-math.sin(angle), math.cos(angle)]) * wide
        middle = tip * 0.55 + np.array([0, 0.05])
        leaf = [(0.0, 0.15), tuple(middle + side), tuple(tip), tuple(middle - side)]
        shade = float(np.clip(level * rng.uniform(0.5, 1.6), 0, 1))
        cv2.fillPoly(image, [put(leaf)], shade, cv2.LINE_AA, _BITS)


def round_thing(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws a plate, a wheel, a clock, a button or a ball: rings, spokes, marks, a shine."""
    put = _Placer(rng, image)
    tall = rng.uniform(0.7, 1.3)
    for scale in np.sort(rng.uniform(0.05, 0.5, int(rng.integers(1, 6))))[::-1]:
        ring = put(_ellipse(0, 0, wide=scale, tall=scale * tall))
        cv2.fillPoly(image, [ring], float(rng.random()), cv2.LINE_AA, _BITS)
    if rng.random() < 0.5:
        start, count = rng.uniform(0, 6), int(rng.integers(2, 13))
        for angle in start + np.arange(count) * 2 * math.pi / count:
            near, far = rng.uniform(0, 0.3), rng.uniform(0.3, 0.5)
            ray = np.array([math.cos(angle), math.sin(angle) * tall])
            path = put([tuple(ray * near), tuple(ray * far)])
            width = int(rng.integers(1, 4))
            cv2.polylines(image, [path], False, float(rng.random()), width, cv2.LINE_AA, _BITS)


def blobs(rng: np.random.Generator, image: Floats, /) -> None:
    """Draws a panel with two to five dark or light marks: sockets, windows, buckles, headlights.

    Some have two marks side by side, as eyes are, and nothing like a mouth below them.
    """
    put = _Placer(rng, image)
    panel = put(_ellipse(0, 0, wide=0.45, tall=rng.uniform(0.3, 0.55)))
    if rng.random() < 0.5:
        panel = put([(-0.45, -0.5), (0.45, -0.5), (0.45, 0.5), (-0.45, 0.5)])
    ground, mark = float(rng.random()), float(rng.random())
    cv2.fillPoly(image, [panel], ground, cv2.LINE_AA, _BITS)
    centres = [tuple(place) for place in rng.uniform(-0.35, 0.35, (int(rng.integers(1, 5)), 2))]
    if rng.random() < 0.5:
        y, apart = rng.uniform(-0.3, 0.3), rng.uniform(0.1, 0.3)
        centres = [(-apart, y), (apart, y)]
    wide, tall = rng.uniform(0.02, 0.15, 2)
    for x, y in centres:
        cv2.fillPoly(image, [put(_ellipse(x, y, wide=wide, tall=tall))], mark, cv2.LINE_AA, _BITS)


def _ellipse(x: float, y: float, /, *, wide: float, tall: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * math.pi, 25)[:-1]
    return [(x + wide * math.cos(a), y + tall * math.sin(a)) for a in angles]


class _Placer:
    """Carries places in sides of a thing to the picture: turned, scaled and moved by lot."""

    def __init__(self, rng: np.random.Generator, image: Floats) -> None:
        size = len(image)
        angle = rng.normal(0, 0.35) if rng.random() < 0.7 else rng.uniform(-math.pi, math.pi)
        side = math.exp(rng.uniform(math.log(0.12), math.log(0.8))) * size
        flip = float(rng.choice([-1, 1]))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        self._matrix = turn @ np.diag([flip * side, side])
        self._middle = rng.uniform(-0.05, 1.05, 2) * size

    def __call__(self, places: list[tuple[float, float]]) -> npt.NDArray[np.int32]:
        moved = np.asarray(places, np.float64) @ self._matrix.T + self._middle
        return np.asarray(np.round(moved * _SIXTEENTHS), np.int32)
