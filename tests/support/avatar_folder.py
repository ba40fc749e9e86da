"""Makes a folder of avatars of a few vertices, in the layout that `synth.avatars` reads."""

from pathlib import Path

import cv2
import numpy as np

SIDE = 24
"""Rows and columns of the face's grid."""


def write_avatar(folder: Path, name: str = "Asian_F_1", *, with_hair: bool = True) -> Path:
    """Writes one avatar and its pictures; returns its archive."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _part("head", _bent_grid(), _grid_uvs())
    xyz = arrays["head.xyz"]
    for shape, by_mm, low in (
        ("MouthOpen", (0, -12, 0), -0.02),
        ("LsmileClose", (6, 6, 0), -0.02),
        ("RsmileClose", (-6, 6, 0), -0.02),
        ("LbrowUp", (0, 5, 0), 0.02),
    ):
        is_moved = xyz[:, 1] - 1.6 < low if low < 0 else xyz[:, 1] - 1.6 > low
        if shape[0] in "LR":
            is_moved &= (xyz[:, 0] > 0) == (shape[0] == "L")
        arrays |= _target("head", shape, np.flatnonzero(is_moved), by_mm)
    for side, sign in (("L", 1), ("R", -1)):
        ball = np.array([[0, 0, 0.0125], [0.0125, 0, 0], [-0.0125, 0, 0], [0, 0.0125, 0]])
        ball = np.add(ball, (sign * 0.031, 1.6, 0.11))
        arrays |= _part(f"{side}_eye", ball, np.full((4, 2), 0.5))
    teeth = np.array([[-0.01, 1.54, 0.1], [0.01, 1.54, 0.1], [0, 1.53, 0.1]])
    arrays |= _part("TeethDown", teeth, np.full((3, 2), 0.9))
    arrays |= _target("TeethDown", "t_MouthOpen", np.arange(3), (0, -12, 0))
    if with_hair:
        arrays |= _part("wig", np.add(teeth, (0, 0.16, 0)), np.zeros((3, 2)))
        cv2.imwrite(str(folder / f"{name}.material1.jpg"), np.full((8, 8, 3), 40, np.uint8))
    path = folder / f"{name}.npz"
    np.savez(path, **arrays)
    skin = np.full((32, 32, 3), (120, 150, 200), np.uint8)
    cv2.imwrite(str(folder / f"{name}.material0.jpg"), skin)
    return path


def _part(name, xyz, uv):
    count = len(xyz)
    if count == SIDE * SIDE:
        corner = np.arange(count).reshape(SIDE, SIDE)[:-1, :-1].ravel()
        first = np.stack([corner, corner + SIDE, corner + 1], axis=1)
        second = np.stack([corner + 1, corner + SIDE, corner + SIDE + 1], axis=1)
        triangles = np.concatenate([first, second])
    else:
        triangles = np.array([[0, 1, 2]])
    return {
        f"{name}.xyz": np.asarray(xyz, np.float32),
        f"{name}.uv": np.asarray(uv, np.float32),
        f"{name}.triangles": triangles.astype(np.uint16),
        f"{name}.material": np.array(0),
    }


def _target(part, shape, rows, by_mm):
    return {
        f"{part}.target.{shape}.rows": rows.astype(np.uint16),
        f"{part}.target.{shape}.delta_mm": np.tile(np.array(by_mm, np.float16), (len(rows), 1)),
    }


def _bent_grid():
    """Returns a face that is a part of a cylinder, metres; rows go down."""
    down, across = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE), indexing="ij")
    angle = (across - 0.5) * 2.4
    x, z = 0.08 * np.sin(angle), 0.03 + 0.08 * np.cos(angle)
    return np.stack([x, 1.66 - 0.16 * down, z], axis=-1).reshape(-1, 3)


def _grid_uvs():
    """Returns coordinates that put the face where the avatars' pictures have it."""
    down, across = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE), indexing="ij")
    return np.stack([0.15 + 0.35 * across, 0.12 + 0.34 * down], axis=-1).reshape(-1, 2)
