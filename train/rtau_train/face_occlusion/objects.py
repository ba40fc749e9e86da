"""Draws things before a face: cups, phones, microphones, books and paper, pieces of anything.

Called by `covers.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rtau_train.face_alignment import surfaces
from rtau_train.face_alignment.noise import clouds
from rtau_train.face_occlusion.hands import holding_fingers
from rtau_train.face_occlusion.painting import (
    Cover,
    FaceFrame,
    Floats,
    Mask,
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


def cup(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a cup, a glass, a can or a bottle somebody drinks from, perhaps in a hand."""
    unit, turn = face.unit_px, rotation(float(rng.normal(0, 0.35)))
    wide, tall = rng.uniform(0.22, 0.5) * unit, rng.uniform(0.5, 1.1) * unit
    narrow = wide * rng.uniform(0.6, 1.05)
    mouth = face.place(rng.normal(0, 0.12), 0.62 + rng.normal(0, 0.12))

    def at(across: float, down: float) -> Floats:
        return np.asarray(mouth + turn @ np.array([across, down], np.float32), np.float32)

    body = np.stack([at(-wide, 0), at(wide, 0), at(narrow, tall), at(-narrow, tall)])
    level, area = float(rng.uniform(15, 245)), polygon(size, body)
    shade = rounded(area, radius_px=wide * rng.uniform(0.6, 1.0), light=sampled_light(rng))
    cover = over(nothing(size), area, np.asarray(level * shade, np.float32))
    if rng.random() < 0.6:
        angle = math.atan2(float(turn[1, 0]), float(turn[0, 0]))
        rim = ellipse(at(0, 0), (wide, wide * rng.uniform(0.1, 0.4)), turn=angle)
        cover = over(cover, polygon(size, rim), float(level * rng.uniform(0.4, 1.2)))
    if rng.random() < 0.4:
        side = float(rng.choice([-1, 1]))
        handle = [at(side * wide, 0.2 * tall), at(side * wide * 1.6, 0.45 * tall)]
        handle.append(at(side * narrow, 0.75 * tall))
        cover = over(cover, stroke(size, np.stack(handle), width_px=0.08 * unit), level * 0.85)
    if rng.random() < 0.4:
        band = np.stack([at(-wide, 0.45 * tall), at(wide, 0.45 * tall)])
        line(cover.values, band, level=float(rng.uniform(0, 255)), width_px=0.1 * unit)
    if rng.random() < 0.6:
        side = float(rng.choice([-1, 1]))
        edge = (at(side * wide, 0.1 * tall), at(side * narrow, tall))
        inward = np.asarray(turn @ np.array([-side, 0], np.float32), np.float32)
        cover = holding_fingers(rng, cover, face, edge_xy=edge, inward_xy=inward)
    return cover


def phone(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a phone in fingers: seen from behind, from the front or from an edge."""
    unit = face.unit_px
    wide, tall = rng.uniform(0.45, 0.75) * unit, rng.uniform(1.1, 1.6) * unit
    wide *= float(rng.choice([1.0, 1.0, 0.35]))
    centre = face.place(rng.normal(0, 0.4), rng.uniform(0.0, 0.9))
    angle = rng.normal(0, 0.35) + float(rng.choice([0.0, 0.0, math.pi / 2]))
    turn = rotation(float(angle))

    def at(across: float, down: float) -> Floats:
        flat = np.array([across * wide / 2, down * tall / 2], np.float32)
        return np.asarray(centre + turn @ flat, np.float32)

    corner = 0.12 * unit
    outline = np.stack([at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)])
    area = _with_round_corners(polygon(size, outline), corner)
    level = float(rng.choice([rng.uniform(8, 50), rng.uniform(60, 240)], p=[0.65, 0.35]))
    values = np.full((size, size), level, np.float32)
    values += np.float32(rng.uniform(0, 25)) * clouds(rng, size, cells=2, octaves=1)
    cover = over(nothing(size), area, values)
    line(
        cover.values,
        np.concatenate([outline, outline[:1]]),
        level=float(rng.uniform(0, 255)),
        width_px=max(1.0, unit / 40),
    )
    if rng.random() < 0.6:
        for down in (-0.8, -0.62)[: int(rng.integers(1, 3))]:
            lens = ellipse(at(-0.55, down), (0.07 * unit, 0.07 * unit), turn=0.0)
            cover = over(cover, polygon(size, lens), float(rng.uniform(0, 255)))
    if rng.random() < 0.7:
        side = float(rng.choice([-1, 1]))
        inward = np.asarray(turn @ np.array([-side, 0], np.float32), np.float32)
        cover = holding_fingers(
            rng, cover, face, edge_xy=(at(side, -0.7), at(side, 1)), inward_xy=inward
        )
    return cover


def microphone(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a microphone's ball, with its mesh or foam, and its grip before the mouth."""
    unit = face.unit_px
    radius = rng.uniform(0.14, 0.34) * unit
    centre = face.place(rng.normal(0, 0.18), 0.68 + rng.normal(0, 0.15))
    away = rng.normal(0, 0.5)
    grip = np.stack([centre, centre + 3 * unit * np.array([math.sin(away), math.cos(away)])])
    level, light = float(rng.uniform(10, 110)), sampled_light(rng)
    handle = stroke(size, grip, width_px=radius * rng.uniform(0.8, 1.4))
    shade = rounded(handle, radius_px=radius * 0.6, light=light)
    cover = over(nothing(size), handle, np.asarray(rng.uniform(8, 160) * shade, np.float32))
    ball = polygon(size, ellipse(centre, (radius, radius * rng.uniform(1, 1.3)), turn=away))
    values = level * rounded(ball, radius_px=radius, light=light)
    if rng.random() < 0.6:
        step = max(2, round(radius / 5))
        values[::step] *= 0.6
        values[:, ::step] *= 0.6
    cover = over(cover, ball, np.asarray(values, np.float32))
    if rng.random() < 0.5:
        hold = centre + (grip[1] - grip[0]) * rng.uniform(0.15, 0.3)
        beside = hold + np.array([radius, 0])
        edge = (beside - np.array([0, 0.2 * unit]), beside + np.array([0, 0.5 * unit]))
        inward = np.array([-1, 0], np.float32)
        cover = holding_fingers(rng, cover, face, edge_xy=edge, inward_xy=inward)
    return cover


def paper(rng: np.random.Generator, size: int, face: FaceFrame, /) -> Cover:
    """Returns a book, a page, a card or a fan that is held before a part of a face."""
    unit = face.unit_px
    wide, tall = rng.uniform(0.5, 2.2) * unit, rng.uniform(0.5, 1.8) * unit
    centre = face.place(rng.normal(0, 0.6), float(rng.choice([0.9, 0.9, 0.3])) + tall / unit / 3)
    turn = rotation(float(rng.normal(0, 0.25)))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32) * [wide / 2, tall / 2]
    corners = corners + rng.normal(0, 0.05 * unit, (4, 2))
    outline = np.asarray(corners @ turn.T + centre, np.float32)
    drawer = (surfaces.page, surfaces.page, surfaces.whiteboard, surfaces.noise)
    surface = drawer[int(rng.integers(len(drawer)))](rng, size) * 255
    flat = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, outline)
    values = cv2.warpPerspective(surface, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    area = polygon(size, outline)
    cover = over(nothing(size), area, np.asarray(values, np.float32))
    if rng.random() < 0.5:
        middle = (np.stack([outline[0], outline[3]]) + np.stack([outline[1], outline[2]])) / 2
        line(cover.values, middle, level=float(rng.uniform(0, 120)), width_px=max(1, unit / 25))
    if rng.random() < 0.5:
        side = int(rng.integers(2))
        edge = (outline[side], outline[3 - side])
        inward = np.asarray(turn @ np.array([1 - 2 * side, 0], np.float32), np.float32)
        cover = holding_fingers(rng, cover, face, edge_xy=edge, inward_xy=inward)
    return cover


def piece(rng: np.random.Generator, size: int, face: FaceFrame, /, *, texture: Mask) -> Cover:
    """Returns a piece of any shape, of a surface: food, a toy, a shoulder, a plant, a post.

    `texture` is uint8 (H, W): the surface.
    """
    unit = face.unit_px
    target = face.points_xy[int(rng.integers(17, 68))] + rng.normal(0, 0.15 * unit, 2)
    if rng.random() < 0.3:
        area = _bar(rng, size, target, unit=unit)
    else:
        angles = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(4, 12))))
        reach = rng.uniform(0.15, 0.6) * unit * rng.uniform(0.6, 1.2, len(angles))
        flat = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
        area = polygon(size, flat * rng.uniform(0.5, 1.4, 2) + target)
        if rng.random() < 0.6:
            soft = cv2.GaussianBlur(area, (0, 0), float(rng.uniform(0.03, 0.12)) * unit)
            area = np.where(soft > 127, 255, 0).astype(np.uint8)
    values = cv2.resize(texture, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    contrast = rng.uniform(0.1, 1.2)
    values = np.float32(rng.uniform(15, 240)) + np.float32(contrast) * (values - values.mean())
    if rng.random() < 0.6:
        depth = float(rng.uniform(0.1, 0.4)) * unit
        values = values * rounded(area, radius_px=depth, light=sampled_light(rng))
    return over(nothing(size), area, np.asarray(values, np.float32))


def _bar(rng: np.random.Generator, size: int, through: Floats, *, unit: float) -> Mask:
    """Returns a post, a rail, a strap or an arm that crosses the face."""
    angle = rng.uniform(0, math.pi)
    away = np.array([math.cos(angle), math.sin(angle)]) * 4 * unit
    start = through - away * float(rng.random() < 0.5)
    path = np.stack([start, through + away])
    return stroke(size, path, width_px=rng.uniform(0.1, 0.5) * unit)


def _with_round_corners(area: Mask, radius_px: float) -> Mask:
    width = max(1, round(radius_px))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.asarray(cv2.morphologyEx(area, cv2.MORPH_OPEN, kernel), np.uint8)
