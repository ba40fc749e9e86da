"""Spoils a picture as cheap cameras, networks and phones do.

White balance, contrast, vignette, glare, defocus, motion, low resolution, sensor noise, mains
flicker, over-sharpening, video and JPEG compression, and no colour at all. Each is sampled and
many pictures get none of a kind, so clean pictures stay among them. Called by `picture.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image

Floats = npt.NDArray[np.float32]
Flaw = Callable[[Floats, np.random.Generator], Floats]

GREY_SHARE: Final = 0.12
# The face is about half of the picture; sizes in px are written for this width of picture.
_WRITTEN_FOR_PX: Final = 176


def through_camera(image: Floats, rng: np.random.Generator, /, *, dark: bool) -> tuple[Image, bool]:
    """Returns the picture, uint8 (S, S, 3) RGB, as a camera hands it over, and whether it is grey.

    `image` holds display values 0-1; `dark` rooms make noisier pictures.
    """
    for chance, flaw in _OPTICS:
        if rng.random() < chance:
            image = np.clip(flaw(image, rng), 0, 1)
    image = _sensor_noise(image, rng, dark=dark)
    for chance, flaw in _PROCESSING:
        if rng.random() < chance:
            image = np.clip(flaw(image, rng), 0, 1)
    grey = bool(rng.random() < GREY_SHARE)
    if grey:
        image = _grey(image, rng)
    done = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return _compressed(done, rng), grey


def _white_balance(image: Floats, rng: np.random.Generator) -> Floats:
    gains = np.clip(1 + rng.normal(0, 0.06, 3), 0.8, 1.2).astype(np.float32)
    return np.asarray(image * gains, np.float32)


def _contrast(image: Floats, rng: np.random.Generator) -> Floats:
    turned = (image - 0.5) * rng.uniform(0.7, 1.3) + 0.5 + rng.normal(0, 0.04)
    return np.asarray(np.clip(turned, 0, 1) ** rng.uniform(0.75, 1.3), np.float32)


def _vignette(image: Floats, rng: np.random.Generator) -> Floats:
    size = len(image)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - np.float32(0.5)
    x0, y0 = rng.normal(0, 0.4, 2)
    fall = 1 - rng.uniform(0.2, 0.7) * ((x - x0) ** 2 + (y - y0) ** 2)
    return np.asarray(image * np.clip(fall, 0.2, 1)[..., None], np.float32)


def _glare(image: Floats, rng: np.random.Generator) -> Floats:
    """Returns the picture under a veil: a lamp shines into the lens."""
    size = len(image)
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    veil = np.outer(ramp if rng.random() < 0.5 else ramp[::-1], np.ones(size, np.float32))
    if rng.random() < 0.5:
        veil = veil.T
    veiled = image + np.float32(rng.uniform(0.05, 0.4)) * (1 - image) * veil[..., None]
    return np.asarray(veiled, np.float32)


def _defocus(image: Floats, rng: np.random.Generator) -> Floats:
    sigma = float(rng.uniform(0.3, 1.5)) * len(image) / _WRITTEN_FOR_PX
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _motion(image: Floats, rng: np.random.Generator) -> Floats:
    length = max(3, round(float(rng.uniform(3, 8)) * len(image) / _WRITTEN_FOR_PX))
    angle, middle = rng.uniform(0, math.pi), (length - 1) / 2
    across, down = middle * math.cos(angle), middle * math.sin(angle)
    kernel = np.zeros((length, length), np.float32)
    start = (round(middle - across), round(middle - down))
    cv2.line(kernel, start, (round(middle + across), round(middle + down)), 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)


def _flicker(image: Floats, rng: np.random.Generator) -> Floats:
    """Returns bands of brightness: lamps pulse while a rolling shutter reads row after row."""
    rows = np.linspace(0, 1, len(image), dtype=np.float32)
    bands = 1 + rng.uniform(0.03, 0.14) * np.sin(
        2 * math.pi * (rows * rng.uniform(0.7, 4) + rng.random())
    )
    return np.asarray(image * bands[:, None, None], np.float32)


def _few_pixels(image: Floats, rng: np.random.Generator) -> Floats:
    size = len(image)
    small = max(24, int(size * rng.uniform(0.35, 0.9)))
    shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    way = cv2.INTER_CUBIC if rng.random() < 0.4 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(shrunk, (size, size), interpolation=way), np.float32)


def _sharpened(image: Floats, rng: np.random.Generator) -> Floats:
    sigma = float(rng.uniform(0.6, 1.6)) * len(image) / _WRITTEN_FOR_PX
    amount = np.float32(rng.uniform(0.4, 1.6))
    return np.asarray(image + amount * (image - cv2.GaussianBlur(image, (0, 0), sigma)), np.float32)


def _sensor_noise(image: Floats, rng: np.random.Generator, *, dark: bool) -> Floats:
    """Returns the picture with read noise and shot noise; chroma noise is blotchy."""
    if rng.random() > (0.95 if dark else 0.5):
        return image
    scale = rng.uniform(1.5, 3.5) if dark else 1.0
    read, shot = rng.uniform(0.002, 0.018) * scale, rng.uniform(0.0, 0.03) * scale
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.5:
        cells = max(2, len(image) // 2)
        coarse = rng.standard_normal((cells, cells, 3), dtype=np.float32)
        noise = 0.6 * noise + 0.6 * cv2.resize(coarse, image.shape[1::-1])
    if rng.random() < 0.3:
        noise[:] = noise.mean(axis=2, keepdims=True) * 1.5
    return np.asarray(image + noise * (read + shot * np.sqrt(np.clip(image, 0, 1))), np.float32)


def _grey(image: Floats, rng: np.random.Generator) -> Floats:
    """Returns a picture without colour; filters and infrared weigh the channels differently."""
    weights = np.array([0.299, 0.587, 0.114])
    if rng.random() < 0.4:
        weights = rng.dirichlet([2.5, 4, 1.5])
    level = image @ weights.astype(np.float32)
    return np.repeat(level[..., None], 3, axis=2)


def _compressed(image: Image, rng: np.random.Generator) -> Image:
    """Returns the picture after none, one or two rounds of JPEG, hard ones like video's blocks."""
    for chance, low, high in ((0.6, 40, 95), (0.10, 15, 45)):
        if rng.random() < chance:
            image = _jpeg(image, int(rng.integers(low, high)))
    return image


def _jpeg(image: Image, quality: int) -> Image:
    done, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "an RGB picture can always be coded"
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


_OPTICS: Final[tuple[tuple[float, Flaw], ...]] = (
    (0.5, _white_balance),
    (0.6, _contrast),
    (0.2, _vignette),
    (0.06, _glare),
    (0.35, _defocus),
    (0.07, _motion),
    (0.05, _flicker),
)
_PROCESSING: Final[tuple[tuple[float, Flaw], ...]] = ((0.12, _few_pixels), (0.20, _sharpened))
