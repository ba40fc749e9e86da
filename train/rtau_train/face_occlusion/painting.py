"""Paints things in front of a face: where a face lies, rounded shapes in a light, soft shadows.

Pictures are float32 (S, S), grey levels 0 to 255. Pure functions of a generator; the files that
draw one kind of cover each call them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

# OpenCV draws at sixteenths of a pixel.
_BITS: Final = 4
_SIXTEENTHS: Final = 1 << _BITS


@dataclasses.dataclass(frozen=True)
class Cover:
    """Something before a picture."""

    values: Floats
    """float32 (S, S): its grey levels; what they are where `alpha` is 0 does not matter."""
    alpha: Floats
    """float32 (S, S): 1 where the picture is hidden."""


@dataclasses.dataclass(frozen=True)
class FaceFrame:
    """Where a face lies in a picture: an origin between the eyes, a unit from there to the chin."""

    points_xy: Floats
    """float32 (68, 2), iBUG's order, px."""
    skin: float
    """Median grey level of the cheeks and the nose."""
    origin_xy: Floats
    """float32 (2,): the middle between the eyes, px."""
    axes: Floats
    """float32 (2, 2): a unit to the picture's right and one to the chin, as columns, px."""
    unit_px: float
    """Length of both; a small one is taken for four."""

    def place(self, across: float, down: float) -> Floats:
        """Returns a place in units from the origin, to the picture's right and to the chin: px."""
        units = np.array([[across, down]], np.float32)
        return np.asarray(self.places(units)[0], np.float32)

    def places(self, units: Floats) -> Floats:
        """Returns several such places: float32 (N, 2), px."""
        return np.asarray(self.origin_xy + units @ self.axes.T, np.float32)


def face_frame(image: Floats, points_xy: Floats, /) -> FaceFrame:
    """Returns the frame of the face whose points these are."""
    spots = np.concatenate([points_xy[27:31], points_xy[[31, 35]], points_xy[[2, 14]]])
    inner = spots * 0.8 + points_xy[30] * 0.2
    columns, rows = np.clip(inner.T.astype(int), 0, len(image) - 1)
    origin = points_xy[36:48].mean(axis=0)
    unit = max(4.0, float(np.hypot(*(points_xy[8] - origin))))
    down = points_xy[8] - origin
    axes = np.array([[down[1], down[0]], [-down[0], down[1]]], np.float32)
    return FaceFrame(points_xy, float(np.median(image[rows, columns])), origin, axes, unit)


def polygon(size: int, places_xy: npt.NDArray[Any], /) -> Mask:
    """Returns a filled polygon: uint8 (size, size), 255 inside."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [_fixed(places_xy)], 255, cv2.LINE_AA, _BITS)
    return mask


def stroke(size: int, places_xy: npt.NDArray[Any], /, *, width_px: float) -> Mask:
    """Returns a line with round ends: uint8 (size, size), 255 inside."""
    mask = np.zeros((size, size), np.uint8)
    width = max(1, round(width_px))
    cv2.polylines(mask, [_fixed(places_xy)], False, 255, width, cv2.LINE_AA, _BITS)
    return mask


def line(
    image: Floats, places_xy: npt.NDArray[Any], /, *, level: float, width_px: float = 1
) -> None:
    """Draws a line into a picture."""
    width = max(1, round(width_px))
    cv2.polylines(image, [_fixed(places_xy)], False, level, width, cv2.LINE_AA, _BITS)


def ellipse(centre_xy: npt.NDArray[Any], axes_px: tuple[float, float], /, *, turn: float) -> Floats:
    """Returns the outline of an ellipse, float32 (32, 2), px; `turn` in radians."""
    angles = np.linspace(0, 2 * math.pi, 33)[:-1]
    flat = np.stack([axes_px[0] * np.cos(angles), axes_px[1] * np.sin(angles)], axis=1)
    return np.asarray(flat @ rotation(turn).T + centre_xy, np.float32)


def rotation(angle: float, /) -> Floats:
    """Returns the matrix that turns places clockwise as seen by so many radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)


def curve(places_xy: Sequence[npt.NDArray[Any]], /, *, steps: int = 12) -> Floats:
    """Returns a quadratic curve from the first of three places to the last, bent to the second."""
    first, middle, last = (np.asarray(place, np.float32) for place in places_xy)
    at = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    path = (1 - at) ** 2 * first + 2 * at * (1 - at) * middle + at**2 * last
    return np.asarray(path, np.float32)


def sampled_light(rng: np.random.Generator, /) -> Floats:
    """Returns the direction of a light: float32 (3,), x right, y down, z to the camera."""
    sideways, height, front = rng.normal(0, 0.6), rng.uniform(-1.0, 0.2), rng.uniform(0.4, 1.4)
    light = np.array([sideways, height, front], np.float32)
    return np.asarray(light / np.linalg.norm(light), np.float32)


def rounded(mask: Mask, /, *, radius_px: float, light: Floats) -> Floats:
    """Returns how brightly a shape is lit that rises from its edge as a ball does: around 1."""
    inside = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
    left = 1 - np.clip(inside / max(radius_px, 1.0), 0, 1)
    height = radius_px * np.sqrt(1 - left**2)
    smooth = cv2.GaussianBlur(height, (0, 0), max(0.6, radius_px / 8))
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    toward = light[2] - slope_x * light[0] - slope_y * light[1]
    shade = toward / np.sqrt(1 + slope_x**2 + slope_y**2)
    return np.asarray(0.45 + 0.75 * np.clip(shade, 0, 1), np.float32)


def over(below: Cover, mask: Mask, values: Floats | float, /) -> Cover:
    """Returns a cover with a further part before it."""
    part = mask.astype(np.float32) / 255
    mixed = below.values * (1 - part) + np.float32(1) * values * part
    return Cover(np.asarray(mixed, np.float32), np.maximum(below.alpha, part))


def nothing(size: int, /) -> Cover:
    """Returns a cover that hides nothing yet."""
    return Cover(np.zeros((size, size), np.float32), np.zeros((size, size), np.float32))


def laid(rng: np.random.Generator, image: Floats, cover: Cover, /, *, unit_px: float) -> Floats:
    """Returns a picture behind a cover, whose edge is soft and which throws a shadow on it."""
    soft = float(rng.uniform(0.3, 1.0)) * max(1.0, unit_px / 60)
    alpha = np.asarray(cv2.GaussianBlur(cover.alpha, (0, 0), soft), np.float32)[..., None]
    shadow = cv2.GaussianBlur(cover.alpha, (0, 0), float(rng.uniform(0.03, 0.1)) * unit_px)
    shift = np.round(rng.normal(0, 0.05 * unit_px, 2)).astype(int)
    shadow = np.roll(shadow, (int(shift[0]), int(shift[1])), (0, 1))
    shaded = image * (1 - np.float32(rng.uniform(0, 0.5)) * shadow)
    mixed = shaded * (1 - alpha[..., 0]) + np.clip(cover.values, 0, 255) * alpha[..., 0]
    return np.asarray(np.clip(mixed, 0, 255), np.float32)


def _fixed(places_xy: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.asarray(np.round(np.asarray(places_xy) * _SIXTEENTHS), np.int32)
