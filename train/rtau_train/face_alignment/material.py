"""Everything a fit and its evaluation see, read or drawn once: cut-outs, scenes and their places.

What is held out is kept apart from the first. Called by `command.py`.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from typing import Final

import numpy as np

from rtau.errors import SourceOpenError
from rtau.squares import Floats, PointRule
from rtau_train.face_alignment import backgrounds, faces, heads, portraits
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_alignment.point_rule import fitted_rule
from rtau_train.face_alignment.portraits import PointedPicture
from rtau_train.face_alignment.recipe import Data

Say = Callable[[str], None]

# Kept out of every fit: the false hits on pictures are counted on these.
HELD_OUT_PICTURES: Final = ("coffee.png", "gravel.png", "rocket.jpg", "text.png")
_HELD_OUT_SEED: Final = 1
"""Added to the recipe's seed."""
# Rows of the portraits' table that a generator made whose weights may be used.
_SHEET_SOURCE: Final = "SFHQ-T2I"


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where the data are."""

    synth_assets: Path
    """Of the renderer (docs/synth.md)."""
    synth_facs: Path
    """Rendered crops with labels."""
    portraits: Path
    """With `ai/` and `people/`."""
    sfhq: Path
    """With `crops/` and `blendshapes.csv`."""
    cache: Path
    """Where rendered heads are kept."""
    model: str
    """Name or file of a network with landmarks: the points of portraits are its."""


@dataclasses.dataclass(frozen=True)
class Part:
    """What one side of the split may see."""

    cutouts: Sequence[Cutout]
    """Heads, faces and backs."""
    scenes: Sequence[Scene]
    """With and without a face."""

    @property
    def faces(self) -> list[Cutout]:
        """The cut-outs that show a face."""
        return [cutout for cutout in self.cutouts if not cutout.is_back]


@dataclasses.dataclass(frozen=True)
class Material:
    """Both sides, and the rule that goes with them."""

    rule: PointRule
    train: Part
    held_out: Part
    turned_portraits: Sequence[PointedPicture]
    """Generated portraits, every second one, none of which is trained on."""


def gather(folders: Folders, data: Data, /, *, say: Say) -> Material:
    """Returns the material of a recipe, rendering the heads that are not there yet.

    Raises:
        SourceOpenError: a folder or a file is missing.
        BackendUnavailable: heads are missing and cannot be rendered here.
    """
    say(f"{data.heads} heads")
    folder = folders.cache / "heads"
    heads.write_heads(
        folders.synth_assets, folder, count=data.heads, seed=data.seed, progress=lambda _: None
    )
    rendered = heads.read_heads(folder, count=data.heads, seed=data.seed)
    say("points of portraits")
    pictures = _portraits(folders, data)
    rule = _rule([*pictures["ai"], *pictures["people"], *pictures["sfhq"]])
    cutouts = {
        name: faces.from_pictures(some, rule=rule, source=name) for name, some in pictures.items()
    }
    first = data.heads - data.held_out_heads
    crops = folders.synth_facs
    say("rendered crops")
    train = [
        *faces.from_heads(rendered[:first], rule=rule),
        *(cutouts["ai"] + cutouts["people"]) * _PORTRAIT_COPIES,
        *cutouts["sfhq"],
        *faces.from_crops(crops, slice(0, data.rendered_crops), rule=rule, source="renders"),
    ]
    held_out = [
        *faces.from_heads(rendered[first:], rule=rule),
        *cutouts["held-out sfhq"],
        *faces.from_crops(crops, slice(-data.held_out_crops, None), rule=rule, source="renders"),
    ]
    say(f"{data.scenes} scenes")
    rooms = cutouts["ai"] + cutouts["people"]
    kept = [name for name in backgrounds.FREE_PICTURES if name not in HELD_OUT_PICTURES]
    return Material(
        rule=rule,
        train=Part(train, _scenes(data, train, rooms, names=kept, seed=data.seed)),
        held_out=Part(held_out, _held_out_scenes(data, held_out)),
        turned_portraits=pictures["held-out ai"],
    )


# There are few portraits, and they are the likest to photographs: each is there so often.
_PORTRAIT_COPIES: Final = 6
# Sets whose faces fill their pictures.
_TIGHT: Final = ("sfhq", "held-out sfhq")


def portrait_paths(folders: Folders, /, *, every_sheet: int) -> dict[str, list[Path]]:
    """Returns the files of portraits and photographs, by set.

    Raises:
        SourceOpenError: a folder or the table of portraits is missing.
    """
    generated = sorted((folders.portraits / "ai").glob("*.jpg"))
    people = sorted((folders.portraits / "people").glob("*.jpg"))
    if not generated or not people:
        raise SourceOpenError(f"{folders.portraits}: expected ai/*.jpg and people/*.jpg")
    try:
        with (folders.sfhq / "blendshapes.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["source"] == _SHEET_SOURCE]
    except OSError as error:
        raise SourceOpenError(f"{error.filename}: {error.strerror}") from None
    sheets = sorted({row["sheet"] for row in rows})
    kept_out = set(sheets[::every_sheet])
    return {
        "ai": generated[::2],
        "held-out ai": generated[1::2],
        "people": people,
        "sfhq": [
            folders.sfhq / "crops" / row["file"] for row in rows if row["sheet"] not in kept_out
        ],
        "held-out sfhq": [
            folders.sfhq / "crops" / row["file"] for row in rows if row["sheet"] in kept_out
        ],
    }


def _portraits(folders: Folders, data: Data) -> dict[str, list[PointedPicture]]:
    """Returns the portraits whose points were found, by set."""
    paths = portrait_paths(folders, every_sheet=data.every_sheet)
    return {
        name: portraits.pointed(some, model=folders.model, fills=name in _TIGHT)
        for name, some in paths.items()
    }


def _rule(pictures: Sequence[PointedPicture]) -> PointRule:
    boxed: list[tuple[Floats, Floats]] = [
        (picture.landmarks_xy, picture.haar_box_xyxy)
        for picture in pictures
        if picture.haar_box_xyxy is not None
    ]
    points, boxes = zip(*boxed, strict=True)
    return fitted_rule(np.stack(points), np.stack(boxes))


def _scenes(
    data: Data, cutouts: Sequence[Cutout], rooms: Sequence[Cutout], *, names: list[str], seed: int
) -> list[Scene]:
    rng = np.random.default_rng([seed, 7])
    plain = list(backgrounds.drawn(count=data.scenes, seed=seed))
    plain += backgrounds.free_pictures(pictures_folder(), names=names, seed=seed)
    drawn_on = [cutout for cutout in cutouts if cutout.source == "heads"]
    pasted = [
        backgrounds.pasted(
            rng, drawn_on[int(rng.integers(len(drawn_on)))], plain[int(rng.integers(len(plain)))]
        )
        for _ in range(data.pasted)
    ]
    return [*plain, *pasted, *(backgrounds.portrait(room) for room in rooms)]


def _held_out_scenes(data: Data, cutouts: Sequence[Cutout]) -> list[Scene]:
    small = dataclasses.replace(data, scenes=data.held_out_scenes, pasted=data.held_out_heads)
    seed = data.seed + _HELD_OUT_SEED
    return _scenes(small, cutouts, [], names=list(HELD_OUT_PICTURES), seed=seed)


def pictures_folder() -> Path:
    """Returns the folder of the pictures that scikit-image ships.

    Raises:
        SourceOpenError: scikit-image is not installed.
    """
    spec = util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SourceOpenError(
            "pictures without people come with scikit-image: pip install scikit-image"
        )
    return Path(spec.origin).parent / "data"
