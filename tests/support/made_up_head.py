"""A made-up asset folder: a dome with 68 marked points, for tests that need a head and no download.

Vertex numbers are ICT-FaceKit's, since the renderer knows them; shapes, skins and hair are drawn
here.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from rtau_train.synth.assets import BROW_HEIGHTS, BROW_TEXTURES, HAIR_STYLES, SKINS
from rtau_train.synth.head import LANDMARKS
from rtau_train.synth.shapes import AU_SHAPES, sides

VERTICES, GRID = 26_719, 97
# What ICT-FaceKit has beyond the table: where the eyes look and what sways the mouth.
MORE_SHAPES = (
    *(f"eyeLook{way}_{side}" for way in ("In", "Out", "Up", "Down") for side in "LR"),
    *("jawLeft", "jawRight", "mouthLeft", "mouthRight"),
)
MADE_HERE = ("browPinch", "cheekBulge", "cornerDrop", "cornerPull", "noseWrinkle")
MADE_WHOLE = ("chinBoss", "lipFlatten")
MACRO = tuple(
    f"{shape}_{sex}_{age}"
    for shape in ("african", "asian", "caucasian")
    for sex in ("male", "female")
    for age in ("child", "young", "old")
)


def landmarks_cm() -> np.ndarray:
    """The 68 points of a plain face, float32 (68, 3), x to its left, y up, z forward."""
    turn = np.linspace(-1, 1, 17) * np.pi / 2
    jaw = np.stack([7.3 * np.sin(turn), 3.6 - 11 * np.cos(turn)], 1)
    brow = np.stack([np.linspace(1.2, 5.8, 5), [5.9, 6.2, 6.2, 6.0, 5.2]], 1)
    bridge = np.stack([np.zeros(4), np.linspace(3.7, 0.4, 4)], 1)
    base = np.stack([np.linspace(-1.2, 1.2, 5), np.full(5, -1.1)], 1)
    around = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    eye = np.stack([3.2 - 1.3 * np.cos(around), 3.5 + 0.4 * np.sin(around)], 1)
    outer = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    inner = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    lips = np.stack([-2.5 * np.cos(outer), -3.4 + 0.9 * np.sin(outer)], 1)
    slit = np.stack([-2.2 * np.cos(inner), -3.35 + 0.03 * np.sin(inner)], 1)
    left = np.array([-1, 1])
    parts = (jaw, brow[::-1] * left, brow, bridge, base, eye[::-1] * left, eye, lips, slit)
    flat = np.concatenate(parts)
    return np.hstack([flat, _depth(flat[:, 0], flat[:, 1])[:, None]]).astype(np.float32)


def _depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 3 + 8 * np.sqrt(np.clip(1 - (x / 9.5) ** 2 - (y / 13) ** 2, 0, 1))


def neutral_cm() -> np.ndarray:
    """All vertices: a dome whose grid carries the landmarks; the rest lies inside it."""
    side = np.linspace(-1, 1, GRID)
    x, y = np.meshgrid(9 * side, 12.5 * side)
    points = np.zeros((VERTICES, 3), np.float32)
    points[:, 2] = 2
    points[: GRID * GRID] = np.stack([x.ravel(), y.ravel(), _depth(x.ravel(), y.ravel())], 1)
    points[LANDMARKS] = landmarks_cm()
    return points


def make_assets(folder: Path) -> Path:
    """Writes the folder and returns it."""
    (folder / "tex").mkdir(parents=True)
    neutral = neutral_cm()
    corner = np.arange(GRID * GRID).reshape(GRID, GRID)
    quads = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], -1)
    # A triangle each for the shade under the lids and for the lashes.
    shade, lash = ([start, start + 1, start + 2, -1] for start in (25_047, 25_351))
    faces = np.concatenate([quads.reshape(-1, 4), [shade, lash]])
    materials = np.array(["M_Face"] * (len(faces) - 2) + ["M_EyeOcclusion", "M_EyeLashes"])
    names, shapes = _actions(neutral)
    np.savez(
        folder / "ict_raw.npz",
        V=neutral,
        VT=np.zeros((4, 2), np.float32),
        F=faces,
        FT=np.where(faces < 0, -1, 0),
        M=materials,
        ids=_identity(neutral),
        ex=shapes,
        names=np.array(names),
    )
    np.savez_compressed(
        folder / "macro.npz", **{name: np.zeros((VERTICES, 3), np.float16) for name in MACRO}
    )
    uv = np.clip(neutral[:, :2] / [20, 26] + 0.5, 0, 1)
    np.savez(folder / "skinuv.npz", skin_uv=uv)
    np.savez(folder / "extras.npz", **_extras(neutral))
    _textures(folder / "tex")
    return folder


def _actions(neutral: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Every shape moves a bit of skin up; the jaw takes the lower lip down by 3 cm."""
    own = {name for pairs in AU_SHAPES.values() for shape, _ in pairs for name in sides(shape)}
    own -= {f"{stem}_{side}" for stem in MADE_HERE for side in "LR"} | set(MADE_WHOLE)
    names = sorted(own | set(MORE_SHAPES))
    shapes = np.zeros((len(names), VERTICES, 3), np.float32)
    for row in range(len(names)):
        middle = neutral[LANDMARKS[row % 68]]
        reach = np.exp(-((neutral[:, :2] - middle[:2]) ** 2).sum(1) / 2)
        shapes[row, :, 1] = 0.1 * reach
    jaw = names.index("jawOpen")
    shapes[jaw] = 0
    shapes[jaw, :, 1] = np.where(neutral[:, 1] < -3.35, -3.0, 0)
    return names, shapes


def _identity(neutral: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (neutral * rng.normal(0, 0.01, (3, 1, 3))).astype(np.float32)


def _extras(neutral: np.ndarray) -> dict[str, np.ndarray]:
    extras = {f"ao{state}": np.ones(VERTICES, np.float32) for state in range(3)}
    strips = {
        f"brow{brow + 1}x{height}": (6.0 + 0.3 * height, 0.6)
        for brow in range(BROW_TEXTURES)
        for height in range(BROW_HEIGHTS)
    }
    strips |= {f"hair_{style}": (10.5, 2.5) for style in HAIR_STYLES}
    for name, (y, tall) in strips.items():
        points = np.array([[-5, y, 10], [5, y, 10], [5, y + tall, 10], [-5, y + tall, 10]])
        triangles = np.array([[0, 1, 2], [0, 2, 3]])
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        nearest = [int(((neutral - p) ** 2).sum(1).argmin()) for p in points]
        extras |= {
            f"{name}_P": points.astype(np.float32),
            f"{name}_T": triangles,
            f"{name}_U": corners[triangles],
            f"{name}_i": np.array(nearest)[:, None],
            f"{name}_w": np.ones((4, 1), np.float32),
        }
    return extras


def _textures(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for skin in SKINS:
        colour = (40, 60, 90) if skin.dark else (140, 170, 220)
        image = np.clip(np.array(colour) + rng.normal(0, 4, (64, 64, 3)), 0, 255)
        cv2.imwrite(str(folder / f"{skin.name}.png"), image.astype(np.uint8))
    for name in [
        *(f"eyebrow{brow + 1:03d}" for brow in range(BROW_TEXTURES)),
        *(f"{style}_diffuse" for style in HAIR_STYLES),
    ]:
        image = np.full((32, 32, 4), 90, np.uint8)
        image[..., 3] = 255 * (rng.random((32, 32)) < 0.8)
        cv2.imwrite(str(folder / f"{name}.png"), image)
