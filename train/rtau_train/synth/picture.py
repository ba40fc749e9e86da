"""Makes picture k of a set: a new person, a drawn expression, a scene, a camera, and its labels.

Everything is drawn from one generator seeded by (seed, k), so a picture is the same whoever makes
it and whenever. Called by `writer.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau_train.synth import camera_flaws, occlusion, sampling, scene, spectacles
from rtau_train.synth.drawing import RenderedHead
from rtau_train.synth.head_family import HeadFamily, Person
from rtau_train.synth.sampling import Expression
from rtau_train.synth.scene import Scene
from rtau_train.synth.shapes import SIDED, side_intensities
from rtau_train.synth.window import mirrored

Floats = npt.NDArray[np.float32]

SPECTACLES_SHARE: Final = 0.16
_MIRRORED_SHARE: Final = 0.5
_SHIFT_STD: Final = 0.015
_AU_COLUMNS: Final = tuple(f"AU{au:02d}" for au in sampling.LABELLED)
_DISTRACTOR_COLUMNS: Final = tuple(f"AU{au:02d}" for au in sampling.DISTRACTORS)
_SIDE_COLUMNS: Final = tuple(f"AU{au:02d}_{side}" for au in SIDED for side in "LR")
COLUMNS: Final = (
    *("file", *_AU_COLUMNS),
    *("preset", "yaw_deg", "pitch_deg", "roll_deg", "sex", "ethnicity", "age_group", "child"),
    *("skin_tone", "hair", "beard", "glasses", "sunglasses", "occluded", "lighting", "grey"),
    *("brightness", "lip_gap", *_DISTRACTOR_COLUMNS, "skin", "brow", "distance_cm"),
    *_SIDE_COLUMNS,
    "subject",
)


@dataclasses.dataclass(frozen=True)
class Picture:
    """One labelled picture."""

    image: Image
    """uint8 (S, S, 3), RGB."""
    landmarks: Floats
    """(68, 2) px, iBUG's order."""
    row: Mapping[str, str]
    """A value for each of `COLUMNS` but `file`."""


def make_picture(family: HeadFamily, /, *, seed: int, index: int) -> Picture:
    """Returns picture `index` of the set `seed`, of a person of a family."""
    rng = np.random.default_rng([seed, index])
    person = family.sampled_person(rng)
    expression = sampling.restricted(sampling.sampled_expression(rng), family.actions)
    place = scene.sampled_scene(rng, skin_level=person.skin_level)
    worn = None
    if rng.random() < SPECTACLES_SHARE:
        worn = spectacles.worn(spectacles.sampled_frame(rng), person.resting_landmarks())
    shift = (float(rng.normal(0, _SHIFT_STD)), float(rng.normal(0, _SHIFT_STD)))
    rendered = person.rendered(expression, place, spectacles=worn, shift=shift, rng=rng)
    occluder = occlusion.sampled_occluder(rng)
    image, grey = _photographed(
        rng, rendered=rendered, person=person, place=place, occluder=occluder
    )
    landmarks, pose = rendered.landmarks, place.pose
    is_mirrored = rng.random() < _MIRRORED_SHARE
    if is_mirrored:
        image, landmarks = mirrored(image, landmarks)
        pose = scene.Pose(-pose.yaw_deg, pose.pitch_deg, -pose.roll_deg)
    row = _row(person, expression, place=dataclasses.replace(place, pose=pose), rendered=rendered)
    row |= {
        "subject": person.subject or f"{seed}-{index}",
        "glasses": str(int(worn is not None)),
        "sunglasses": str(int(worn is not None and worn.style.tint > 0.3)),
        "occluded": occluder,
        "grey": str(int(grey)),
        "brightness": f"{_brightness(image, landmarks):.0f}",
        **_sides(expression, is_mirrored=is_mirrored),
    }
    return Picture(image, landmarks, row)


def _sides(expression: Expression, *, is_mirrored: bool) -> dict[str, str]:
    """Returns the intensity on each side, of the person who is seen: a mirror swaps them."""
    cells: dict[str, str] = {}
    for au in SIDED:
        intensity = expression.intensities.get(au, 0.0)
        tilt = expression.tilts.get(au, 0.0)
        left, right = side_intensities(au, intensity, -tilt if is_mirrored else tilt)
        cells |= {f"AU{au:02d}_L": f"{left:.2f}", f"AU{au:02d}_R": f"{right:.2f}"}
    return cells


def _photographed(
    rng: np.random.Generator,
    *,
    rendered: RenderedHead,
    person: Person,
    place: Scene,
    occluder: str,
) -> tuple[Image, bool]:
    """Returns the head before a background, behind an occluder, through a camera."""
    size = len(rendered.image)
    background = scene.sampled_background(rng, size, kind=place.lighting.kind)
    cover = rendered.image[..., 3:]
    image = rendered.image[..., :3] + (1 - cover) * background
    if occluder != "none":
        image = occlusion.occluded(
            image,
            rendered.landmarks,
            rng,
            kind=occluder,
            skin=_seen_colour(rendered),
            hair=np.clip(np.array(person.hair_colour) * place.exposure * place.lighting.level, 0, 1)
            ** (1 / 2.2),
        )
    return camera_flaws.through_camera(image, rng, dark=place.lighting.kind == "dim")


def _seen_colour(rendered: RenderedHead) -> npt.NDArray[np.float64]:
    """Returns the face's colour in this light, from the middle of the nose and both cheeks."""
    size = len(rendered.image)
    places = rendered.landmarks[[29, 30, 2, 14]]
    middle = np.stack([places[0], places[1], places[[1, 2]].mean(0), places[[1, 3]].mean(0)])
    columns, rows = np.clip(middle.T.astype(int), 0, size - 1)
    return np.asarray(np.median(rendered.image[rows, columns, :3], axis=0), np.float64)


def _brightness(image: Image, landmarks: Floats) -> float:
    """Returns the mean grey level inside the box of the landmarks."""
    low = np.clip(landmarks.min(axis=0).astype(int), 0, len(image) - 1)
    high = np.clip(landmarks.max(axis=0).astype(int) + 1, 1, len(image))
    return float(image[low[1] : high[1], low[0] : high[0]].mean())


def _row(
    person: Person, expression: Expression, *, place: Scene, rendered: RenderedHead
) -> dict[str, str]:
    intensities = sampling.parted_lips(expression.intensities, rendered.lip_gap_cm)
    actions = (*sampling.LABELLED, *sampling.DISTRACTORS)
    return {
        **{f"AU{au:02d}": f"{intensities.get(au, 0.0):.2f}" for au in actions},
        "preset": expression.name,
        "yaw_deg": f"{place.pose.yaw_deg:.1f}",
        "pitch_deg": f"{place.pose.pitch_deg:.1f}",
        "roll_deg": f"{place.pose.roll_deg:.1f}",
        **person.columns,
        "lighting": place.lighting.kind,
        "lip_gap": f"{rendered.lip_gap_cm:.3f}",
        "distance_cm": f"{place.distance_cm:.0f}",
    }
