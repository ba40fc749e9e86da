"""What happens to a crop before the network sees it: light, size, blur, noise, JPEG, covers.

Pure functions of a generator and a picture uint8 (S, S). The same flaws fall on faces and on what
is none, so that none of them tells the two apart. Called by `examples.py`.
"""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

# Pixels a crop has in its frame at least before it is enlarged: a face of 12 px and its margin.
_LEAST_PX: Final = 18.0


def exposed(rng: np.random.Generator, image: Grey, /) -> Grey:
    """Returns the picture darker or brighter, harder or softer, clipped as a camera clips."""
    table = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.7:
        table = table ** np.float32(math.exp(rng.normal(0, 0.35)))
        middle = np.float32(rng.uniform(0.2, 0.7))
        table = middle + (table - middle) * np.float32(math.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.25:
        table = table * np.float32(math.exp(rng.uniform(math.log(0.1), 0)))
    if rng.random() < 0.1:
        table = table * np.float32(rng.uniform(1, 2.2))
    if rng.random() < 0.02:
        table = 1 - table
    table = table + np.float32(rng.normal(0, 0.04))
    return np.asarray(cv2.LUT(image, (np.clip(table, 0, 1) * 255).astype(np.uint8)), np.uint8)


def cut_by_frame(rng: np.random.Generator, image: Grey, /, *, most: float) -> Grey:
    """Returns the picture as if it reached out of its frame at one side: border repeated, or black.

    `most` is the largest share of the picture that is outside.
    """
    size, quarters = len(image), int(rng.integers(4))
    turned = np.rot90(image, quarters).copy()
    outside = int(size * rng.uniform(0.02, most))
    if outside:
        turned[:, :outside] = turned[:, outside : outside + 1] if rng.random() < 0.7 else 0
    return np.ascontiguousarray(np.rot90(turned, -quarters))


def photographed(rng: np.random.Generator, image: Grey, /, *, size: int) -> Grey:
    """Returns the picture at the network's size, after the flaws of cameras and of video."""
    shown = size
    if rng.random() < 0.45:
        shown = round(math.exp(rng.uniform(math.log(_LEAST_PX), math.log(size))))
    small = np.asarray(cv2.resize(image, (shown, shown), interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.2:
        small = np.asarray(cv2.GaussianBlur(small, (0, 0), rng.uniform(0.4, 1.8) * shown / size))
    if rng.random() < 0.12:
        small = _moved(rng, small)
    if rng.random() < 0.35:
        grain = rng.standard_normal(small.shape, dtype=np.float32) * np.float32(rng.uniform(1, 14))
        small = np.clip(small + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        small = _compressed(rng, small)
    if shown != size:
        way = cv2.INTER_LINEAR if rng.random() < 0.8 else cv2.INTER_CUBIC
        small = np.asarray(cv2.resize(small, (size, size), interpolation=way), np.uint8)
    return small


def covered(rng: np.random.Generator, image: Grey, /, *, landmarks_xy: Floats) -> Grey:
    """Returns a face behind a hand, a bar, a thing, a mask or dark glasses."""
    covers = (_fingers, _bar, _thing, _thing, _mask, _glasses)
    done: Grey = image.copy()
    covers[int(rng.integers(len(covers)))](rng, done, landmarks_xy)
    return done


def _moved(rng: np.random.Generator, image: Grey) -> Grey:
    length = max(2.0, rng.uniform(0.03, 0.14) * len(image))
    size = 2 * math.ceil(length / 2) + 1
    kernel = np.zeros((size, size), np.float32)
    angle, middle = rng.uniform(0, math.pi), size // 2
    across, down = length / 2 * math.cos(angle), length / 2 * math.sin(angle)
    ends = [(round(middle + k * across), round(middle + k * down)) for k in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _compressed(rng: np.random.Generator, image: Grey) -> Grey:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(12, 80))]
    done, coded = cv2.imencode(".jpg", image, quality)
    assert done, "a grey picture can always be coded"
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _ints(points: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.asarray(np.round(points), np.int32)


def _fingers(rng: np.random.Generator, image: Grey, landmarks_xy: Floats) -> None:
    face = float(np.ptp(landmarks_xy[:, 1]))
    tip = landmarks_xy[int(rng.choice([2, 4, 6, 8, 10, 12, 14, 33, 51, 57]))]
    angle, spread = rng.uniform(0, math.pi), rng.uniform(0.1, 0.17) * face
    away = np.array([math.cos(angle), math.sin(angle)])
    aside = np.array([-away[1], away[0]])
    skin = float(np.median(image)) * rng.uniform(0.6, 1.5) + 20
    for k in range(int(rng.integers(1, 5))):
        root = tip + (k - 1.5) * spread * aside + rng.normal(0, 0.04 * face, 2)
        ends = _ints(np.stack([root, root + away * 2 * face]))
        for width, level in ((1.0, 0.7), (0.75, 0.9), (0.4, 1.0)):
            stroke = max(1, int(width * spread))
            cv2.polylines(image, [ends], False, min(skin * level, 255), stroke, cv2.LINE_AA)


def _bar(rng: np.random.Generator, image: Grey, landmarks_xy: Floats) -> None:
    face = float(np.ptp(landmarks_xy[:, 1]))
    through = landmarks_xy[int(rng.integers(68))] + rng.normal(0, 0.1 * face, 2)
    angle = rng.uniform(0, math.pi)
    away = np.array([math.cos(angle), math.sin(angle)]) * 4 * face
    ends = _ints(np.stack([through - away, through + away]))
    width = max(1, int(rng.uniform(0.03, 0.25) * face))
    cv2.polylines(image, [ends], False, float(rng.uniform(0, 255)), width, cv2.LINE_AA)


def _thing(rng: np.random.Generator, image: Grey, landmarks_xy: Floats) -> None:
    face = float(np.ptp(landmarks_xy[:, 1]))
    centre = landmarks_xy[int(rng.integers(68))] + rng.normal(0, 0.15 * face, 2)
    half = rng.uniform(0.08, 0.32, 2) * face
    level = float(rng.uniform(0, 255))
    if rng.random() < 0.5:
        box = (tuple(centre.tolist()), tuple((2 * half).tolist()), float(rng.uniform(0, 180)))
        cv2.fillPoly(image, [_ints(cv2.boxPoints(box))], level, cv2.LINE_AA)
    else:
        middle, axes = _ints(centre).tolist(), _ints(half).tolist()
        cv2.ellipse(image, middle, axes, rng.uniform(0, 180), 0, 360, level, -1, cv2.LINE_AA)


def _mask(rng: np.random.Generator, image: Grey, landmarks_xy: Floats) -> None:
    """Draws a cloth over mouth and nose."""
    outline = np.concatenate([landmarks_xy[2:15], landmarks_xy[28:30].mean(axis=0)[None]])
    level = float(rng.uniform(20, 250))
    cv2.fillPoly(image, [_ints(outline)], level, cv2.LINE_AA)
    for share in (0.3, 0.6):
        fold = _ints(np.stack([landmarks_xy[3], landmarks_xy[51], landmarks_xy[13]]))
        fold[:, 1] += int(share * 0.2 * np.ptp(landmarks_xy[:, 1]))
        cv2.polylines(image, [fold], False, level * 0.8, 1, cv2.LINE_AA)


def _glasses(rng: np.random.Generator, image: Grey, landmarks_xy: Floats) -> None:
    """Draws dark glasses."""
    eyes = [landmarks_xy[36:42].mean(axis=0), landmarks_xy[42:48].mean(axis=0)]
    apart = max(float(np.hypot(*(eyes[1] - eyes[0]))), 4.0)
    turn = math.degrees(math.atan2(*(eyes[1] - eyes[0])[::-1].tolist()))
    axes = (int(apart * rng.uniform(0.28, 0.42)) + 1, int(apart * rng.uniform(0.2, 0.38)) + 1)
    level = float(rng.uniform(0, 70))
    for eye in eyes:
        cv2.ellipse(image, _ints(eye).tolist(), axes, turn, 0, 360, level, -1, cv2.LINE_AA)
    ends = _ints(np.stack(eyes))
    cv2.polylines(image, [ends], False, level, max(1, int(apart / 12)), cv2.LINE_AA)
