"""Draws hands before a face: a palm, jointed fingers with nails, a forearm or a sleeve.

Called by `covers.py` for hands alone, and by `objects.py` for fingers that hold something.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from rtau_train.face_occlusion.painting import (
    Cover,
    FaceFrame,
    Floats,
    ellipse,
    line,
    nothing,
    over,
    polygon,
    rotation,
    rounded,
    sampled_light,
    stroke,
)

# Of an adult's hand, in units from the eyes to the chin (about 11 cm): breadth of the palm, and
# length and breadth of a finger.
_PALM: Final = 0.76
_FINGER: Final = 0.72
_THICK: Final = 0.16
# Of the four fingers, from the index: lengths over the middle finger's, and places of their roots.
_LENGTHS: Final = (0.9, 1.0, 0.93, 0.73)
_ROOTS: Final = (-0.36, -0.12, 0.12, 0.35)
# Where hands rest: mouth, chin, cheeks, nose, an eye, the brow; in units of the face.
_TARGETS: Final = (
    (0.0, 0.62),
    (0.0, 0.62),
    (0.0, 0.95),
    (-0.45, 0.5),
    (0.45, 0.5),
    (0.0, 0.35),
    (-0.3, 0.0),
    (0.3, 0.0),
    (0.0, -0.1),
)


def skin_level(rng: np.random.Generator, face: FaceFrame, /) -> float:
    """Returns the grey level of a hand: most often about that of the face it belongs to."""
    if rng.random() < 0.7:
        return float(np.clip(face.skin * math.exp(rng.normal(0, 0.15)), 12, 245))
    return float(rng.uniform(30, 225))


def hand(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a hand that comes from below or a side and rests on a part of the face."""
    return _Hand(rng, size, face).drawn()


def two_hands(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns two hands over a face, as of somebody who hides it, prays or cheers."""
    one, other = hand(rng, size, face), hand(rng, size, face)
    hidden = other.alpha
    values = one.values * (1 - hidden) + other.values * hidden
    return Cover(np.asarray(values, np.float32), np.maximum(one.alpha, hidden))


def holding_fingers(
    rng: np.random.Generator,
    below: Cover,
    face: FaceFrame,
    /,
    *,
    edge_xy: tuple[Floats, Floats],
    inward_xy: Floats,
) -> Cover:
    """Returns a cover with fingers over it that hold it at an edge.

    Args:
        rng: draws them.
        below: what is held.
        face: whose hand it is.
        edge_xy: both ends of the edge, px.
        inward_xy: float32 (2,), of length 1: from the edge to the middle of the thing.
    """
    light, level = _light(rng), skin_level(rng, face)
    thick = _THICK * face.unit_px * rng.uniform(0.85, 1.15)
    start, end = edge_xy
    along = (end - start) / max(float(np.hypot(*(end - start))), 1.0)
    root = start + (end - start) * rng.uniform(0.1, 0.5)
    held = below
    for finger in range(int(rng.integers(1, 5))):
        base = root + along * finger * thick * 1.02 - inward_xy * thick * 2
        tip = base + inward_xy * thick * rng.uniform(3.0, 5.0)
        held = _limb(held, np.stack([base, tip]), width_px=thick, level=level, light=light)
    return held


class _Hand:
    """One hand: drawn in its own directions, fingers towards `up`."""

    def __init__(self, rng: np.random.Generator, size: int, face: FaceFrame) -> None:
        self._rng, self._size = rng, size
        self._unit = face.unit_px * rng.uniform(0.8, 1.2)
        self._light = _light(rng)
        self._level = skin_level(rng, face)
        # Fingers point up from below most often, or in from a side.
        turn = rng.normal(0, 0.5) if rng.random() < 0.6 else rng.uniform(-2.0, 2.0)
        self._turn = rotation(float(turn))
        self._flip = float(rng.choice([-1, 1]))
        target = _TARGETS[int(rng.integers(len(_TARGETS)))]
        on_face = face.place(*target) + rng.normal(0, 0.14 * face.unit_px, 2)
        # It is a finger tip, the roots of the fingers or the palm that rests there.
        resting = (0.0, float(rng.choice([-0.62, -0.35, 0.0, 0.3])))
        self._centre = on_face - self._moved(resting)
        self._sleeve = float(rng.uniform(15, 235)) if rng.random() < 0.5 else None

    def _moved(self, place: tuple[float, float]) -> Floats:
        flat = np.array([place[0] * self._flip, place[1]], np.float32) * np.float32(self._unit)
        return np.asarray(self._turn @ flat, np.float32)

    def _at(self, across: float, down: float) -> Floats:
        return np.asarray(self._centre + self._moved((across, down)), np.float32)

    def drawn(self) -> Cover:
        """Returns the hand."""
        rng, cover = self._rng, nothing(self._size)
        wrist, far = self._at(0, 0.5), self._at(float(rng.normal(0, 0.4)), 3.0)
        arm = np.stack([wrist, far])
        cover = _limb(cover, arm, width_px=0.55 * self._unit, level=self._level, light=self._light)
        if self._sleeve is not None:
            cuff = np.stack([wrist + (far - wrist) * rng.uniform(0.1, 0.5), far])
            width = rng.uniform(0.65, 1.0) * self._unit
            cover = _limb(cover, cuff, width_px=width, level=self._sleeve, light=self._light)
        if rng.random() < 0.85:
            cover = self._palm(cover)
        curl = float(rng.choice([1.0, 1.0, 0.75, 0.45]))
        shown = range(4) if rng.random() < 0.7 else range(int(rng.integers(1, 4)))
        spread = rng.uniform(0.8, 1.6)
        for finger in shown:
            cover = self._finger(cover, finger, curl=curl, spread=spread)
        if rng.random() < 0.6:
            cover = self._thumb(cover)
        return cover

    def _palm(self, cover: Cover) -> Cover:
        wide, tall = _PALM / 2 * self._unit, 0.42 * self._unit
        angle = math.atan2(float(self._turn[1, 0]), float(self._turn[0, 0]))
        outline = ellipse(self._at(0, 0.18), (wide, tall), turn=angle)
        mask = polygon(self._size, outline)
        hard = float(np.linalg.norm(self._light))
        round_shade = rounded(mask, radius_px=0.3 * self._unit, light=self._light / hard)
        shade = 1 + hard * (round_shade - 1)
        return over(cover, mask, np.asarray(self._level * shade, np.float32))

    def _finger(self, cover: Cover, finger: int, *, curl: float, spread: float) -> Cover:
        rng, reach = self._rng, _FINGER * _LENGTHS[finger]
        across = _ROOTS[finger]
        reach *= curl * rng.uniform(0.85, 1.1)
        bend = rng.normal(0, 0.06)
        root = self._at(across, 0.0)
        joint = self._at(across * (1 + 0.3 * (spread - 1)) + bend / 2, -0.5 * reach)
        tip = self._at(across * spread + bend + rng.normal(0, 0.03), -reach)
        width = _THICK * self._unit * (0.88 if finger == 3 else 1.0) * rng.uniform(0.9, 1.1)
        level = self._level * rng.uniform(0.93, 1.07)
        cover = _limb(
            cover, np.stack([root, joint, tip]), width_px=width, level=level, light=self._light
        )
        for place in (joint, joint * 0.5 + tip * 0.5):
            along = (tip - joint) / max(float(np.hypot(*(tip - joint))), 1.0)
            crease = np.array([-along[1], along[0]]) * width * 0.3
            line(cover.values, np.stack([place - crease, place + crease]), level=level * 0.75)
        if rng.random() < 0.5 and width > 5:
            nail = ellipse(tip, (width * 0.24, width * 0.34), turn=0.0)
            tone = np.float32(min(level * rng.uniform(0.6, 1.4), 250))
            cover = over(cover, polygon(self._size, nail), tone)
        return cover

    def _thumb(self, cover: Cover) -> Cover:
        out = self._rng.uniform(0.3, 1.0)
        path = [self._at(-0.3, 0.35), self._at(-0.48, 0.08), self._at(-0.4 - 0.25 * out, -0.25)]
        return _limb(
            cover,
            np.stack(path),
            width_px=1.15 * _THICK * self._unit,
            level=self._level,
            light=self._light,
        )


def _limb(
    cover: Cover, path_xy: Floats, /, *, width_px: float, level: float, light: Floats
) -> Cover:
    """Returns a cover with a round limb before it; a dark line parts it from what is below.

    The length of `light` is how hard it is: a soft one leaves little shade on a limb.
    """
    size, hard = len(cover.alpha), float(np.linalg.norm(light))
    around = stroke(size, path_xy, width_px=width_px * 1.08 + 1)
    mask = stroke(size, path_xy, width_px=width_px)
    shade = 1 + hard * (rounded(mask, radius_px=width_px / 2, light=light / hard) - 1)
    # What is hidden already is darkened around the limb: nothing else parts skin from skin.
    gap = 1 - 0.5 * hard
    rim = np.where(cover.alpha > 0.5, cover.values * gap, level * gap)
    edged = over(cover, around, np.asarray(rim, np.float32))
    return over(edged, mask, np.asarray(level * shade, np.float32))


def _light(rng: np.random.Generator) -> Floats:
    """Returns a direction whose length says how hard the light is: .25 to 1."""
    return np.asarray(sampled_light(rng) * np.float32(rng.uniform(0.25, 1)), np.float32)
