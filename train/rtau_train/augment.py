"""Cuts training crops: the canonical square, shaken, with the colours and flaws of real cameras.

The warp is `rtau.crops.warp`, the runtime's own, so the geometry and the interpolation are one.
Every crop has its own random generator, so a result does not depend on the order of work. Called
by the loop (`training_crop`) and, without chance, by the evaluation (`plain_crop`).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rtau import crops, geometry
from rtau.data import Image
from rtau_train.recipe import Augment, Crop

Points = npt.NDArray[np.float32]

# Place of each iBUG point in a mirrored face: jaw, brows, nose, eyes, outer lips, inner lips.
_PAIRS = (
    *((i, 16 - i) for i in range(8)),
    *((17 + i, 26 - i) for i in range(5)),
    (31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),
    (48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67),
)  # fmt: skip


def mirrored_order() -> npt.NDArray[np.int64]:
    """Returns int64 (68,): which point takes each place when left and right are swapped."""
    order = np.arange(68, dtype=np.int64)
    for left, right in _PAIRS:
        order[left], order[right] = right, left
    return order


_MIRRORED = mirrored_order()


def canonical_square(landmarks: Points, rule: Crop, /) -> geometry.Boxes:
    """Returns the square of one face: float32 (4,) xyxy, px in the picture of the landmarks.

    Centred on the box of the 68 points, moved up by `rule.lift` of its side.
    """
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    box = np.concatenate([low, high])[None].astype(np.float32)
    scale = rule.side_over_landmark_box
    square = geometry.square(box, expand=scale, offset_y=-rule.lift * scale)
    return np.asarray(square[0])


def plain_crop(image: Image, landmarks: Points, rule: Crop, /, *, size: int) -> Image:
    """Returns the canonical crop of one face: uint8 (size, size, 3), RGB."""
    return crops.warp_square(image, canonical_square(landmarks, rule), size=size)


def training_crop(
    image: Image,
    landmarks: Points,
    rule: Crop,
    /,
    *,
    augment: Augment,
    size: int,
    rng: np.random.Generator,
) -> tuple[Image, Points]:
    """Returns a shaken crop, uint8 (size, size, 3), and its landmarks (68, 2) in [-1, 1]."""
    image_from_crop = _shaken_map(canonical_square(landmarks, rule), augment, size=size, rng=rng)
    crop = crops.warp(image, image_from_crop, size=size)
    points = geometry.apply(geometry.invert(image_from_crop[None]), landmarks[None])[0]
    points = points * np.float32(2 / size) - 1
    if rng.random() < augment.mirror:
        crop = np.ascontiguousarray(crop[:, ::-1])
        points = points[_MIRRORED] * np.array([-1, 1], np.float32)
    return _weathered(crop, augment, rng), points


def _shaken_map(
    square: geometry.Boxes, augment: Augment, /, *, size: int, rng: np.random.Generator
) -> geometry.Maps:
    side = float(square[2] - square[0])
    centre = (square[:2] + square[2:]) / 2 + rng.normal(0, augment.shift_std, 2) * side
    scale = side / size * float(np.exp(rng.normal(0, augment.scale_std)))
    angle = np.deg2rad(rng.normal(0, augment.turn_std_deg))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = centre - turn @ np.array([size / 2, size / 2])
    return np.concatenate([turn, shift[:, None]], axis=1).astype(np.float32)


def _weathered(crop: Image, augment: Augment, rng: np.random.Generator) -> Image:
    """Returns the crop after the flaws that chance picks, in the order a camera adds them."""
    steps = (
        (augment.grey, _grey),
        (augment.tone, _tone),
        (augment.blur, _blur),
        (augment.small, _small),
        (augment.noise, _noise),
        (augment.jpeg, _jpeg),
    )
    for chance, step in steps:
        if rng.random() < chance:
            crop = step(crop, rng)
    return crop


def _grey(crop: Image, _: np.random.Generator) -> Image:
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _tone(crop: Image, rng: np.random.Generator) -> Image:
    levels = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.35))
    balance = np.exp(rng.normal(0, 0.06, 3))
    contrast, brightness = np.exp(rng.normal(0, 0.25)), rng.normal(0, 0.10)
    curve = ((levels - 0.5) * contrast + 0.5 + brightness) * balance
    table = np.clip(curve * 255, 0, 255).astype(np.uint8)[None]  # (1, 256, 3)
    return np.asarray(cv2.LUT(crop, table), dtype=np.uint8)


def _blur(crop: Image, rng: np.random.Generator) -> Image:
    sigma = float(rng.uniform(0.4, 1.6)) * len(crop) / 112
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), dtype=np.uint8)


def _small(crop: Image, rng: np.random.Generator) -> Image:
    size = len(crop)
    side = int(size * rng.uniform(0.35, 0.9))
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noise(crop: Image, rng: np.random.Generator) -> Image:
    sigma = float(rng.uniform(2, 12))
    noise = rng.standard_normal(crop.shape, dtype=np.float32) * sigma
    return np.clip(crop + noise, 0, 255).astype(np.uint8)


def _jpeg(crop: Image, rng: np.random.Generator) -> Image:
    quality = int(rng.integers(25, 80))
    done, coded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "an RGB crop can always be coded"
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
