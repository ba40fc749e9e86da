"""Reads heads of the Validated Avatar Library for Inclusion and Diversity (VALID) as meshes.

A folder holds `NAME.npz` and its pictures `NAME.material0.jpg` (skin, eyes, teeth) and, for hair,
`NAME.material1.jpg`; docs/synth.md says how they are made. Points are moved into the space of the
other head model: cm, the middle of the eyes where ICT-FaceKit has it. Called by
`avatar_renderer.py`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.errors import SourceOpenError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Parts of a mesh, as the fragment shader numbers them.
SKIN, EYES, TEETH, HAIR = range(4)
_PARTS: Final = {
    "head": SKIN, "L_eye": EYES, "R_eye": EYES, "L_gland": SKIN, "R_gland": SKIN,
    "TeethUp": TEETH, "TeethDown": TEETH, "wig": HAIR,
}  # fmt: skip
_MIDDLE_OF_EYES_CM: Final = np.array([0.0, 3.614, 7.995], np.float32)
_EYE_DEPTH: Final = 0.5
"""Where an eyeball's centre lies, from its front, in widths of the ball."""
_LOWEST_CM: Final = -20.0
"""Of the body no more is drawn."""
_NAME: Final = re.compile(r"([A-Za-z]+)_([FM])_\d+")


@dataclasses.dataclass(frozen=True)
class Target:
    """What one shape does at weight 1."""

    rows: Ints
    """Vertices that move."""
    by_cm: Floats
    """(len(rows), 3)."""


@dataclasses.dataclass(frozen=True)
class Avatar:
    """One head at rest, all of its parts as one mesh."""

    name: str
    origin: str
    """Of the person it shows: `Asian`, `Black`, ..."""
    sex: str
    """`f` or `m`."""
    points: Floats
    """(V, 3) cm."""
    uvs: Floats
    """(V, 2)."""
    parts: Floats
    """(V,): SKIN, EYES, TEETH or HAIR."""
    triangles: Ints
    """(T, 3): vertices."""
    welded: Ints
    """(V,): the vertex that stands for all at its place; seams split vertices."""
    targets: Mapping[str, Target]
    eyes: Mapping[str, Ints]
    """`L` and `R` -> vertices of the eyeball."""
    skin: Image
    """uint8 (H, W, 3), RGB."""
    hair: Image | None
    """The same, of the hair; None without any."""

    def eye_centre(self, side: str, /) -> Floats:
        """Returns the centre of the left (`L`) or right (`R`) eyeball: (3,) cm."""
        ball = self.points[self.eyes[side]]
        low, high = ball.min(axis=0), ball.max(axis=0)
        centre = (low + high) / 2
        centre[2] = high[2] - _EYE_DEPTH * (high[0] - low[0])
        return np.asarray(centre, np.float32)


def avatar_names(folder: Path, /) -> tuple[str, ...]:
    """Returns the names of a folder's avatars, sorted.

    Raises:
        SourceOpenError: there is no such folder, or none in it.
    """
    names = tuple(sorted(path.stem for path in folder.glob("*.npz") if _NAME.fullmatch(path.stem)))
    if not names:
        raise SourceOpenError(
            f"{folder}: must hold avatars ORIGIN_SEX_NUMBER.npz, such as Asian_F_1.npz, and has "
            "none; docs/synth.md says where they are from"
        )
    return names


def read_avatar(folder: Path, name: str, /) -> Avatar:
    """Returns one avatar of a folder.

    Raises:
        SourceOpenError: a file is missing or holds something else; the text names it.
    """
    path = folder / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        return _avatar(folder, name, arrays)
    except KeyError as error:
        raise SourceOpenError(f"{path}: array {error} is missing; make the file again") from None
    except (OSError, ValueError) as error:
        raise SourceOpenError(f"{path}: not a readable .npz archive ({error})") from None


def _avatar(folder: Path, name: str, arrays: Mapping[str, Any]) -> Avatar:
    matched = _NAME.fullmatch(name)
    assert matched is not None  # a name of `avatar_names`
    present = [part for part in _PARTS if f"{part}.xyz" in arrays]
    counts = [len(arrays[f"{part}.xyz"]) for part in present]
    starts = dict(zip(present, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))
    points = np.concatenate([arrays[f"{part}.xyz"] for part in present]).astype(np.float32) * 100
    eyes = {
        side: np.arange(len(arrays[f"{side}_eye.xyz"])) + starts[f"{side}_eye"] for side in "LR"
    }
    points += _MIDDLE_OF_EYES_CM - _middle(points, eyes)
    triangles = np.concatenate(
        [arrays[f"{part}.triangles"].astype(np.int64) + starts[part] for part in present]
    )
    hair = folder / f"{name}.material1.jpg"
    return Avatar(
        name=name,
        origin=matched[1],
        sex=matched[2].lower(),
        points=points,
        uvs=np.concatenate([arrays[f"{part}.uv"] for part in present]).astype(np.float32),
        parts=np.repeat([_PARTS[part] for part in present], counts).astype(np.float32),
        triangles=triangles[(points[triangles, 1] > _LOWEST_CM).all(axis=1)],
        welded=_welded(points),
        targets=_targets(arrays, starts),
        eyes=eyes,
        skin=_picture(folder / f"{name}.material0.jpg"),
        hair=_picture(hair) if "wig" in starts else None,
    )


def _middle(points: Floats, eyes: Mapping[str, Ints]) -> Floats:
    return np.asarray(np.mean([points[rows].mean(axis=0) for rows in eyes.values()], axis=0))


def _welded(points: Floats) -> Ints:
    """Returns for each vertex the first one at its place."""
    steps = np.round(points * 1e4).astype(np.int64)
    _, first, inverse = np.unique(steps, axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[inverse.reshape(-1)], np.int64)


def _targets(arrays: Mapping[str, Any], starts: Mapping[str, int]) -> dict[str, Target]:
    """Returns all shapes; teeth have theirs under the name of the skin's with `t_` before it."""
    found: dict[str, list[Target]] = {}
    for key in arrays:
        part, _, rest = key.partition(".target.")
        shape = rest.removesuffix(".rows")
        if shape == rest or part not in starts:
            continue
        rows = arrays[key].astype(np.int64) + starts[part]
        by_cm = arrays[f"{part}.target.{shape}.delta_mm"].astype(np.float32) / 10
        found.setdefault(shape.removeprefix("t_"), []).append(Target(rows, by_cm))
    return {
        name: Target(
            np.concatenate([one.rows for one in some]), np.concatenate([one.by_cm for one in some])
        )
        for name, some in found.items()
    }


def _picture(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceOpenError(f"{path}: the picture of an avatar is missing or cannot be read")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
