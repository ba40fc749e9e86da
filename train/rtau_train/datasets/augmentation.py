"""Cuts training crops: the canonical square, shaken, with the colours and flaws of real cameras.

The square lies on the landmarks, or is the whole picture where a recipe has no crop rule. The warp
is the runtime's own (`rtau.faces.crops.warp`), so geometry and interpolation are one. Every crop
has its own random generator, so a result does not depend on the order of work. Called by the loop
(`training_crop`), by the data (`artificial`) and, without chance, by the evaluation (`plain_crop`).
"""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.backends import FACE_ALIGNMENT
from rtau.data import Image
from rtau.errors import UsageError
from rtau.faces import crops
from rtau.faces.alignment_contract import AlignmentContract
from rtau.squares import PointRule, frame_from_crop, squares_from_points
from rtau_train.datasets.canonical_square import canonical_squares
from rtau_train.recipe import Aligned, Augment, Crop, Inner

Points = npt.NDArray[np.float32]
# Where a row's crop lies: on its landmarks, aligned as in the runtime, inside its picture, or all.
Rule = Crop | Inner | Aligned | None

_NO_LANDMARKS = (
    "the recipe's [crop] lies on landmarks, and the data have no landmarks68.npz; use a recipe "
    "without [crop], which takes the pictures whole"
)

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
# What tells an artificial image from its original: enough to be another picture, too little to
# change which actions it shows.
ARTIFICIAL = Augment(
    shift_std=0.03,
    scale_std=0.06,
    turn_std_deg=8.0,
    mirror=0.5,
    grey=0.0,
    tone=0.8,
    blur=0.2,
    small=0.0,
    noise=0.3,
    jpeg=0.0,
)


def canonical_square(landmarks: Points, rule: Crop, /) -> geometry.Boxes:
    """Returns the square of one face: float32 (4,) xyxy, px in the picture of the landmarks.

    Centred on the box of the 68 points, moved up by `rule.lift` of its side.
    """
    squares = canonical_squares(
        landmarks[None], side_over_landmark_box=rule.side_over_landmark_box, lift=rule.lift
    )
    return np.asarray(squares[0])


def square_of(
    image: Image, landmarks: Points | None, rule: Crop | Inner | None, /
) -> geometry.Boxes:
    """Returns the upright square a crop is cut from: float32 (4,) xyxy.

    Raises:
        UsageError: the rule needs landmarks and there are none.
    """
    if rule is None:
        height, width = image.shape[:2]
        return np.array([0, 0, width, height], np.float32)
    if isinstance(rule, Inner):
        centre = np.array([rule.centre_x, rule.centre_y], np.float32) * len(image)
        half = rule.side * len(image) / 2
        return np.concatenate([centre - half, centre + half]).astype(np.float32)
    if landmarks is None:
        raise UsageError(_NO_LANDMARKS)
    return canonical_square(landmarks, rule)


def image_from_crop(
    image: Image, landmarks: Points | None, rule: Rule, /, *, size: int
) -> geometry.Maps:
    """Returns the map that carries the canonical crop of a face onto its picture, float32 (2, 3).

    Raises:
        UsageError: the rule needs landmarks and there are none.
    """
    if not isinstance(rule, Aligned):
        return np.asarray(
            geometry.frame_from_crop(square_of(image, landmarks, rule)[None], size=size)[0]
        )
    if landmarks is None:
        raise UsageError(_NO_LANDMARKS)
    squares = squares_from_points(landmarks[None], rule=alignment_points())
    cut = rule.rule
    return np.asarray(
        frame_from_crop(
            squares, size=size, expand=cut.expand, offset_x=cut.offset_x, offset_y=cut.offset_y
        )[0]
    )


@functools.cache
def alignment_points() -> PointRule:
    """Returns how the 68 points lie on a face square, by the shipped alignment network."""
    file = resources.files("rtau_engines") / f"{Path(FACE_ALIGNMENT).stem}.json"
    return AlignmentContract.from_json(file.read_text("utf-8"), origin=FACE_ALIGNMENT).points


def plain_crop(image: Image, landmarks: Points | None, rule: Rule, /, *, size: int) -> Image:
    """Returns the canonical crop of one face: uint8 (size, size, 3), RGB."""
    to_image = image_from_crop(image, landmarks, rule, size=size)
    return crops.warp_crop(image, to_image, size=size)


def plain_points(landmarks: Points, image: Image, rule: Rule, /, *, size: int) -> Points:
    """Returns landmarks (68, 2) in the canonical crop of a picture, px."""
    to_image = image_from_crop(image, landmarks, rule, size=size)
    return np.asarray(geometry.apply(geometry.invert(to_image[None]), landmarks[None])[0])


def training_crop(
    image: Image,
    landmarks: Points | None,
    rule: Rule,
    /,
    *,
    augment: Augment,
    size: int,
    rng: np.random.Generator,
) -> tuple[Image, Points | None]:
    """Returns a shaken crop, uint8 (size, size, 3), and its landmarks (68, 2) in [-1, 1]."""
    plain = image_from_crop(image, landmarks, rule, size=size)
    shaken = _shaken_map(plain, augment, size=size, rng=rng)
    crop = crops.warp_crop(image, shaken, size=size)
    points = None
    if landmarks is not None:
        points = geometry.apply(geometry.invert(shaken[None]), landmarks[None])[0]
        points = points * np.float32(2 / size) - 1
    if rng.random() < augment.mirror:
        crop = np.ascontiguousarray(crop[:, ::-1])
        if points is not None:
            points = points[_MIRRORED] * np.array([-1, 1], np.float32)
    return _weathered(crop, augment, rng), points


def artificial(
    image: Image, landmarks: Points | None, /, *, rng: np.random.Generator
) -> tuple[Image, Points | None]:
    """Returns an artificial image of a picture, of its size, and its landmarks in px.

    Shifted, turned, scaled, perhaps mirrored and toned: the first paper does not say which changes
    made its artificial images, so these are ours.
    """
    size = len(image)
    made, points = training_crop(image, landmarks, None, augment=ARTIFICIAL, size=size, rng=rng)
    return made, None if points is None else (points + 1) * np.float32(size / 2)


def resized(
    image: Image, landmarks: Points | None, /, *, side_px: int
) -> tuple[Image, Points | None]:
    """Returns a picture, and its landmarks, brought to another side."""
    points = None if landmarks is None else plain_points(landmarks, image, None, size=side_px)
    return plain_crop(image, landmarks, None, size=side_px), points


def _shaken_map(
    plain: geometry.Maps, augment: Augment, /, *, size: int, rng: np.random.Generator
) -> geometry.Maps:
    """Returns a crop's map moved, scaled and turned by chance about the crop's centre."""
    moved = rng.normal(0, augment.shift_std, 2) * size
    scale = float(np.exp(rng.normal(0, augment.scale_std)))
    angle = np.deg2rad(rng.normal(0, augment.turn_std_deg))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([size / 2, size / 2])
    linear = plain[:, :2].astype(np.float64)
    shift = plain[:, 2] + linear @ (middle + moved - turn @ middle)
    return np.concatenate([linear @ turn, shift[:, None]], axis=1).astype(np.float32)


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
