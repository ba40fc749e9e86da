"""Runs every measurement of the card on a file and gathers the figures.

Called by `command.py`; `card.py` writes what this returns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import cv2
import numpy as np

from rtau.faces.detectors.haar import HaarDetector
from rtau.squares import FaceSquares, PointRule, squares_from_boxes
from rtau_train.face_alignment import faces, measures, portraits
from rtau_train.face_alignment.exported import OnnxAlignment
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_alignment.flaws import covered
from rtau_train.face_alignment.material import Material
from rtau_train.face_alignment.measures import Errors, FalseHits, Seen

Say = Callable[[str], None]
_Key = TypeVar("_Key")

ROLLS_DEG: Final = (0, 10, 15, 20, 25, 30, 45)
THROWS: Final = ((0.05, 5.0), (0.10, 10.0), (0.15, 15.0))
SIZES_PX: Final = (100, 64, 48, 32, 24, 16, 12)
"""Sides of faces in their frames."""
BATCHES: Final = (1, 8)
_SEED: Final = 9
_LEAST_GROUP: Final = 10
_PER_SCENE: Final = 4
# Faces of each set at most: the card is measured in minutes.
_MOST: Final = 200


@dataclasses.dataclass(frozen=True)
class Figures:
    """Everything the card reports."""

    portraits: Mapping[int, Errors]
    """Held-out generated portraits by how far they are turned, degrees."""
    groups: Mapping[tuple[str, str], Errors]
    """Held-out rendered heads by group and value."""
    occluded: Mapping[str, Errors]
    """Held-out rendered crops by what is before the face."""
    sizes: Mapping[int, Errors]
    """Held-out rendered heads by side in the frame, px."""
    throws: Mapping[tuple[str, float], Errors]
    """By set and standard deviation of the shift."""
    hits: Mapping[tuple[str, str], FalseHits]
    """By kind of scene and who proposed."""
    photographs: tuple[int, int] | None
    """Photographs of people with presence .5 or more, and how many there are."""
    milliseconds: Mapping[int, float]
    """Of a face, by batch."""


def assessed(
    model: OnnxAlignment, material: Material, photographs: Path | None, /, *, say: Say
) -> Figures:
    """Returns the figures of a file on what was held out."""
    rule, plain = material.rule, [s for s in material.held_out.scenes if s.face is None]
    shown = {
        name: measures.seen_faces(some[:_MOST], plain, seed=_SEED)
        for name, some in _by_source(material.held_out.faces).items()
    }
    heads, crops = shown["heads"], shown["renders"]
    pictures = [_seen(picture, rule) for picture in material.turned_portraits]
    say("turned portraits")
    turned = {roll: _upright(model, pictures, roll_deg=roll) for roll in ROLLS_DEG}
    say("groups and sizes")
    sizes = {size: _upright(model, heads, face_px=size) for size in SIZES_PX}
    say("boxes thrown off")
    throws = {
        (name, shift): _align(
            model, some, measures.thrown_off(some, shift=shift, turn_deg=turn, seed=_SEED)
        )
        for name, some in (("portraits", pictures), ("rendered heads", heads))
        for shift, turn in THROWS
    }
    say("false hits")
    return Figures(
        portraits=turned,
        groups=_grouped(model, heads),
        occluded=_occluded(model, crops),
        sizes=sizes,
        throws=throws,
        hits=measures.false_hits(
            model,
            material.held_out.scenes,
            rule=rule,
            expand=model.contract.expand,
            per_scene=_PER_SCENE,
            seed=_SEED,
        ),
        photographs=None if photographs is None else _photographs(model, photographs),
        milliseconds={batch: measures.milliseconds(model, batch=batch) for batch in BATCHES},
    )


def _by_source(cutouts: Sequence[Cutout]) -> dict[str, list[Cutout]]:
    table: dict[str, list[Cutout]] = {}
    for cutout in cutouts:
        table.setdefault(cutout.source, []).append(cutout)
    return table


def _seen(picture: portraits.PointedPicture, rule: PointRule) -> Seen:
    cutout = faces.whole(picture, rule=rule)
    return Seen(cutout.grey, cutout.square, cutout.landmarks_xy, cutout.row)


def _upright(
    model: OnnxAlignment,
    some: Sequence[Seen],
    *,
    roll_deg: float = 0.0,
    face_px: int | None = None,
) -> Errors:
    starts = measures.upright_starts(some, roll_deg=roll_deg, seed=_SEED)
    crop_px = None if face_px is None else round(face_px * model.contract.expand)
    return _align(model, some, starts, crop_px=crop_px)


def _align(
    model: OnnxAlignment,
    some: Sequence[Seen],
    starts: Sequence[FaceSquares],
    *,
    crop_px: int | None = None,
) -> Errors:
    contract = model.contract
    return measures.aligned(
        model, some, starts, rule=contract.points, expand=contract.expand, crop_px=crop_px
    )


def _grouped(model: OnnxAlignment, heads: Sequence[Seen]) -> dict[tuple[str, str], Errors]:
    table: dict[tuple[str, str], Errors] = {}
    for name in ("skin_tone", "age_group", "sex", "glasses", "sunglasses", "beard", "lighting"):
        for value in sorted({head.row[name] for head in heads}):
            some = [head for head in heads if head.row[name] == value]
            _add(table, (name, value), model=model, some=some)
    for low, high in ((0, 10), (10, 20), (20, 30), (30, 45), (45, 60)):
        some = [head for head in heads if low <= abs(float(head.row["yaw_deg"])) < high]
        _add(table, ("turned to a side by, degrees", f"{low}-{high}"), model=model, some=some)
    for low, high in ((-35, -15), (-15, 15), (15, 35)):
        some = [head for head in heads if low <= float(head.row["pitch_deg"]) < high]
        _add(table, ("turned down by, degrees", f"{low} to {high}"), model=model, some=some)
    return table


def _occluded(model: OnnxAlignment, crops: Sequence[Seen]) -> dict[str, Errors]:
    table: dict[str, Errors] = {}
    for value, words in (("0", "nothing"), ("1", "hand or thing, rendered")):
        some = [crop for crop in crops if crop.row["occluded"] == value]
        _add(table, words, model=model, some=some)
    rng = np.random.default_rng(_SEED)
    drawn = [
        dataclasses.replace(crop, image=covered(rng, crop.image, landmarks_xy=crop.landmarks_xy))
        for crop in crops
        if crop.row["occluded"] == "0"
    ]
    _add(table, "hand, bar, thing, mask or dark glasses, drawn", model=model, some=drawn)
    return table


def _add(
    table: dict[_Key, Errors], key: _Key, /, *, model: OnnxAlignment, some: Sequence[Seen]
) -> None:
    """Adds the figures of a group that is large enough."""
    if len(some) >= _LEAST_GROUP:
        table[key] = _upright(model, some)


def _photographs(model: OnnxAlignment, folder: Path) -> tuple[int, int]:
    """Returns how many photographs of a folder show a face where Haar or the middle says."""
    contract, detector = model.contract, HaarDetector(min_face_share=1 / 4)
    crops = []
    for path in sorted(folder.rglob("*.jpg")):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            continue
        picture = np.asarray(image, np.uint8)
        box = portraits.haar_box(picture, detector)
        if box is None:
            box = portraits.middle_box(picture)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
        square = squares_from_boxes(box[None])
        crops.append(measures.sized_cut(grey, square, expand=contract.expand))
    logits, _ = model(np.stack(crops))
    return int((logits >= 0).sum()), len(crops)
