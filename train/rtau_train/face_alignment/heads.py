"""Renders heads on a transparent ground, with their points: faces and backs of heads.

A cut-out can be laid on any background, so that a background gives no face away. Called by
`command.py` before a fit; what a head looks like is drawn by `rtau_train.synth`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau_train.synth import (
    identity,
    paint,
    parallel_rendering,
    sampling,
    scene,
    spectacles,
    uniforms,
)
from rtau_train.synth.identity import Appearance
from rtau_train.synth.picture import SPECTACLES_SHARE
from rtau_train.synth.render import Deformation, Renderer
from rtau_train.synth.scene import Pose, Scene
from rtau_train.synth.window import SIDE_OVER_LANDMARK_BOX, Window, tangents, window_around
from rtau_train.synth.wrinkles import height_map

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

SIZE_PX: Final = 176
# Side of a picture over the longer side of the box of the landmarks: hair, neck and a margin.
SIDE: Final = 2.8
# Heads in one file.
PART: Final = 500
_BACK_SHARE: Final = 0.1
# Share of the faces that look further away than the renderer's scenes do, and how far.
_TURNED_SHARE: Final = 0.25
_TURNED_YAW_DEG: Final = 60.0
_TURNED_PITCH_DEG: Final = 32.0
# Weights of red, green and blue in grey.
_GREY: Final = np.array([0.299, 0.587, 0.114], np.float32)
COLUMNS: Final = (
    *("is_back", "yaw_deg", "pitch_deg", "roll_deg", "sex", "ethnicity", "age_group", "skin_tone"),
    *("hair", "beard", "glasses", "sunglasses", "lighting"),
)


@dataclasses.dataclass(frozen=True)
class Head:
    """One cut-out."""

    grey: Bytes
    """uint8 (S, S): display values times cover."""
    cover: Bytes
    """uint8 (S, S): 255 where the head hides what is behind."""
    landmarks_xy: Floats
    """float32 (68, 2), iBUG's order, px."""
    row: Mapping[str, str]
    """A value for each of `COLUMNS`."""


def make_head(renderer: Renderer, /, *, seed: int, index: int) -> Head:
    """Returns head `index` of the set `seed`."""
    rng = np.random.default_rng([seed, index])
    appearance = identity.sampled_appearance(rng)
    expression = sampling.sampled_expression(rng)
    place = scene.sampled_scene(rng, skin_level=float(np.mean(appearance.tone)))
    is_back = bool(rng.random() < _BACK_SHARE)
    place = dataclasses.replace(place, pose=_pose(place.pose, rng, is_back=is_back))
    worn = None
    if rng.random() < SPECTACLES_SHARE:
        worn = spectacles.worn(
            spectacles.sampled_frame(rng), renderer.resting_landmarks(appearance)
        )
    gains = sampling.fold_gains(
        expression.intensities, wrinkled=appearance.wrinkled, gain=appearance.fold_gain, rng=rng
    )
    blemishes = paint.blemishes(
        renderer.masks, rng, freckles=appearance.freckles, blush=appearance.blush
    )
    shot = renderer.render(
        appearance,
        Deformation(expression.weights, height_map(gains, rng)),
        place,
        skin_factor=blemishes,
        spectacles=worn,
        window=_wide_window(renderer, appearance, place),
    )
    levels = np.clip(shot.image, 0, 1) * 255
    return Head(
        grey=(levels[..., :3] @ _GREY + 0.5).astype(np.uint8),
        cover=(levels[..., 3] + 0.5).astype(np.uint8),
        landmarks_xy=shot.landmarks,
        row={
            **_row(appearance, place, is_back=is_back),
            "glasses": str(int(worn is not None)),
            "sunglasses": str(int(worn is not None and worn.style.tint > 0.3)),
        },
    )


def write_heads(
    assets: Path, folder: Path, /, *, count: int, seed: int, progress: Callable[[int], None]
) -> None:
    """Writes heads 0 to count - 1 into a folder, a file for every `PART` of them.

    Files that are there already are kept: the command, repeated, goes on where it stopped.

    Raises:
        BackendUnavailable: there is no EGL or no moderngl.
        SourceOpenError: an asset file is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = [range(first, min(first + PART, count)) for first in range(0, count, PART)]
    missing = [part for part in parts if not _path(folder, seed, part).exists()]
    if not missing:
        return
    renderer = parallel_rendering.open_renderer(assets, size=SIZE_PX)
    for part in missing:
        heads = []
        for index in part:
            heads.append(make_head(renderer, seed=seed, index=index))
            progress(1)
        _write_part(_path(folder, seed, part), heads)


def read_heads(folder: Path, /, *, count: int, seed: int) -> list[Head]:
    """Returns heads 0 to count - 1 of a folder that `write_heads` wrote."""
    heads: list[Head] = []
    for first in range(0, count, PART):
        part = range(first, min(first + PART, count))
        with np.load(_path(folder, seed, part)) as file:
            arrays = [file[name] for name in ("grey", "cover", "landmarks_xy", "rows")]
        heads += [
            Head(grey, cover, landmarks_xy, json.loads(str(row)))
            for grey, cover, landmarks_xy, row in zip(*arrays, strict=True)
        ]
    return heads


def _path(folder: Path, seed: int, part: range) -> Path:
    return folder / f"heads-{seed}-{part.start:06d}-{len(part)}.npz"


def _write_part(path: Path, heads: list[Head]) -> None:
    begun = path.with_suffix(".part.npz")
    np.savez(
        begun,
        grey=np.stack([head.grey for head in heads]),
        cover=np.stack([head.cover for head in heads]),
        landmarks_xy=np.stack([head.landmarks_xy for head in heads]),
        rows=np.array([json.dumps(dict(head.row)) for head in heads]),
    )
    begun.replace(path)


def _pose(pose: Pose, rng: np.random.Generator, *, is_back: bool) -> Pose:
    """Returns a pose of the renderer's scenes, one that is turned further, or one from behind."""
    if is_back:
        return dataclasses.replace(pose, yaw_deg=float(rng.uniform(110, 250)))
    if rng.random() < _TURNED_SHARE:
        yaw = float(rng.uniform(-_TURNED_YAW_DEG, _TURNED_YAW_DEG))
        pitch = float(rng.uniform(-_TURNED_PITCH_DEG, _TURNED_PITCH_DEG))
        return dataclasses.replace(pose, yaw_deg=yaw, pitch_deg=pitch)
    return pose


def _wide_window(renderer: Renderer, appearance: Appearance, place: Scene) -> Window:
    """Returns the window around a person's points at rest that holds the whole head."""
    view_from_head = uniforms.view_from_head(place)
    seen = tangents(uniforms.moved(view_from_head, renderer.resting_landmarks(appearance)))
    window = window_around(seen)
    return dataclasses.replace(window, half=window.half * SIDE / SIDE_OVER_LANDMARK_BOX)


def _row(appearance: Appearance, place: Scene, *, is_back: bool) -> dict[str, str]:
    return {
        "is_back": str(int(is_back)),
        "yaw_deg": f"{place.pose.yaw_deg:.1f}",
        "pitch_deg": f"{place.pose.pitch_deg:.1f}",
        "roll_deg": f"{place.pose.roll_deg:.1f}",
        "sex": appearance.sex,
        "ethnicity": appearance.ethnicity,
        "age_group": str(appearance.age_group),
        "skin_tone": str(appearance.skin_tone),
        "hair": appearance.hair,
        "beard": str(int(max(appearance.beard) > 0.5)),
        "lighting": place.lighting.kind,
    }
