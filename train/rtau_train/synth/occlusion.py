"""Puts things between the face and the camera: hands, strands of hair, objects.

All are painted over the picture in two dimensions, lit roughly like the face. Labels stay: what is
hidden is still done, and the row says that something is in front. Called by `picture.py`.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

# How often each kind occurs; the rest of the faces are free.
KINDS: Final = {"hand": 0.035, "strands": 0.04, "object": 0.04}
_SUBPIXEL: Final = 8
_SHIFT: Final = 3


def sampled_occluder(rng: np.random.Generator, /) -> str:
    """Returns `hand`, `strands`, `object` or, most often, `none`."""
    names = [*KINDS, "none"]
    return str(rng.choice(names, p=[*KINDS.values(), 1 - sum(KINDS.values())]))


def occluded(
    image: Floats,
    landmarks: Floats,
    rng: np.random.Generator,
    /,
    *,
    kind: str,
    skin: Vector,
    hair: Vector,
) -> Floats:
    """Returns the picture (S, S, 3) with a thing of this kind in front of the face.

    `landmarks` (68, 2) px; `skin` and `hair` are display colours as they look in this light.
    """
    side = float((landmarks.max(axis=0) - landmarks.min(axis=0)).max())
    if kind == "hand":
        layer, cover = _hand(image, landmarks, rng, side=side, skin=skin)
    elif kind == "strands":
        layer, cover = _strands(image, landmarks, rng, side=side, hair=hair)
    elif kind == "object":
        layer, cover = _object(image, landmarks, rng, side=side)
    else:
        return image
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), max(0.4, side / 220)), np.float32)
    # The thing's own soft shadow falls beside it.
    shade = cv2.GaussianBlur(cover, (0, 0), side / 30)
    shade = 0.35 * np.roll(shade, (int(side / 40), int(side / 60)), (0, 1))
    free = ((1 - shade) * (1 - cover))[..., None]
    return np.asarray(image * free + layer * cover[..., None], np.float32)


def _points(places: Vector) -> npt.NDArray[np.int32]:
    return np.round(places * _SUBPIXEL).astype(np.int32)


def _hand(
    image: Floats, landmarks: Floats, rng: np.random.Generator, *, side: float, skin: Vector
) -> tuple[Floats, Floats]:
    """Returns fingers that come in from below or the side and rest on the face."""
    targets = (landmarks[8], landmarks[4], landmarks[12], landmarks[57], landmarks[30])
    tip = np.asarray(targets[int(rng.choice(5, p=[0.3, 0.2, 0.2, 0.2, 0.1]))], np.float64)
    tip += rng.normal(0, 0.05 * side, 2)
    away = np.deg2rad(rng.uniform(20, 160))
    along = np.array([np.cos(away), np.sin(away)])
    across = np.array([-along[1], along[0]])
    width = side * rng.uniform(0.085, 0.12)
    layer, cover = image.copy(), np.zeros(image.shape[:2], np.float32)
    fingers = int(rng.integers(1, 5))
    knuckles = tip + along * side * rng.uniform(0.42, 0.6)
    _limb(
        layer,
        cover,
        [knuckles + along * side * 0.2, knuckles + along * side],
        radius=2.1 * width,
        colour=skin,
    )
    for finger in range(fingers):
        offset = finger - (fingers - 1) / 2
        end = tip + across * offset * width * 0.98 + along * abs(offset) * width * 0.5
        bend = (end + knuckles) / 2 + across * offset * width * rng.uniform(0.9, 1.1)
        root = knuckles + across * offset * width * 0.95 + along * width
        _limb(
            layer, cover, [end, bend, root], radius=width / 2, colour=skin * rng.uniform(0.94, 1.04)
        )
    return layer, cover


def _limb(
    layer: Floats, cover: Floats, joints: list[Vector], *, radius: float, colour: Vector
) -> None:
    """Draws a rounded limb: nested strokes, darker at the rim, as a lit cylinder is."""
    path = [_points(np.stack(joints))]
    for inset, level in ((1.0, 0.62), (0.86, 0.78), (0.68, 0.92), (0.45, 1.0), (0.2, 1.06)):
        thickness = max(1, round(2 * radius * inset))
        tone = [float(v) for v in np.clip(colour * level, 0, 1)]
        cv2.polylines(layer, path, False, tone, thickness, cv2.LINE_AA, _SHIFT)
    cv2.polylines(cover, path, False, 1.0, max(1, round(2 * radius)), cv2.LINE_AA, _SHIFT)


def _strands(
    image: Floats, landmarks: Floats, rng: np.random.Generator, *, side: float, hair: Vector
) -> tuple[Floats, Floats]:
    """Returns a fringe or a few locks that hang from above over the brow or a cheek."""
    layer, cover = image.copy(), np.zeros(image.shape[:2], np.float32)
    middle = landmarks[27] + np.array([rng.normal(0, 0.28), 0]) * side
    reach = rng.uniform(0.0, 0.75) * side
    spread, count = rng.uniform(0.05, 0.4) * side, int(rng.integers(6, 60))
    lean = rng.normal(0, 0.25) * side
    for _ in range(count):
        root = middle + np.array([rng.normal(0, spread), -0.75 * side])
        end = root + np.array([lean + rng.normal(0, 0.08 * side), 0.6 * side + reach])
        end[1] += rng.normal(0, 0.06 * side)
        bend = (root + end) / 2 + rng.normal(0, 0.06, 2) * side
        knots = np.linspace(0, 1, 9)[:, None]
        path = (1 - knots) ** 2 * root + 2 * knots * (1 - knots) * bend + knots**2 * end
        tone = [float(v) for v in np.clip(hair * rng.uniform(0.5, 1.7), 0, 1)]
        thickness = max(1, round(side * rng.uniform(0.004, 0.012)))
        for canvas, colour in ((layer, tone), (cover, 0.8)):
            cv2.polylines(canvas, [_points(path)], False, colour, thickness, cv2.LINE_AA, _SHIFT)
    return layer, cover


def _object(
    image: Floats, landmarks: Floats, rng: np.random.Generator, *, side: float
) -> tuple[Floats, Floats]:
    """Returns a cup, a phone, a microphone, a scarf's edge: a shape of one material."""
    cover = np.zeros(image.shape[:2], np.float32)
    centre = landmarks[int(rng.integers(0, 68))] + rng.normal(0, 0.2, 2) * side
    extent = rng.uniform(0.08, 0.36, 2) * side
    angle = float(rng.uniform(0, 180))
    if rng.random() < 0.5:
        axes = [int(v) for v in extent + 1]
        cv2.ellipse(cover, [int(v) for v in centre], axes, angle, 0, 360, 1.0, -1, cv2.LINE_AA)
    else:
        corners = cv2.boxPoints(
            ((float(centre[0]), float(centre[1])), (float(2 * extent[0]), float(extent[1])), angle)
        )
        cv2.fillConvexPoly(cover, corners.astype(np.int32), 1.0, cv2.LINE_AA)
    layer = np.empty_like(image)
    layer[:] = rng.uniform(0.03, 0.85) + rng.normal(0, 0.1, 3)
    coarse = rng.standard_normal((12, 12, 1)).astype(np.float32)
    grain = cv2.resize(coarse, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    layer += 0.06 * grain[..., None]
    layer += np.linspace(0.12, -0.12, len(image), dtype=np.float32)[:, None, None]
    return np.clip(layer, 0, 1), cover
