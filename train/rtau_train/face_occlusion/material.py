"""Everything a fit and its evaluation see, read or drawn once: faces that are free, and scenes.

What is held out is kept apart from the first, by person or portrait. Called by `command.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from rtau.errors import SourceOpenError
from rtau.squares import PointRule
from rtau_train.face_alignment import backgrounds, faces, heads, portraits
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_alignment.material import Folders, portrait_paths
from rtau_train.face_alignment.portraits import PointedPicture
from rtau_train.face_occlusion.recipe import Data
from rtau_train.records import BROKEN_NPZ

Say = Callable[[str], None]

# Hair of the renderer that hangs over an eye, on every head and on some.
_OVER_AN_EYE: Final = "bob02"
_OVER_SOME_EYES: Final = ("bob02", "braid01", "short03")
HEADS, AVATARS, PORTRAITS, PHOTOGRAPHS = (
    "rendered heads",
    "rendered heads of another family",
    "generated portraits",
    "photographs",
)
"""Names of the held-out sets of free faces."""
_HELD_OUT_SEED: Final = 1
"""Added to the recipe's seed."""
_MOST_AVATARS: Final = 300


@dataclasses.dataclass(frozen=True)
class Material:
    """Both sides."""

    portraits: Sequence[Cutout]
    """Portraits and photographs to learn from; all faces are free."""
    renders: Sequence[Cutout]
    """Rendered heads and crops to learn from; all faces are free."""
    scenes: Sequence[Scene]
    """To learn from: none has a face."""
    held_out: Mapping[str, Sequence[Cutout]]
    """Free faces by set."""
    covered: Mapping[str, Sequence[Cutout]]
    """Held-out faces that are covered in their pictures, by what covers them."""
    held_out_scenes: Sequence[Scene]


def gather(
    folders: Folders, data: Data, /, *, avatars: Path | None, rule: PointRule, say: Say
) -> Material:
    """Returns the material of a recipe, rendering the heads that are not there yet.

    Args:
        folders: where the data are.
        data: how much of everything.
        avatars: folder of `rtau-train synth --avatars`; None does without.
        rule: how points lie on a face square.
        say: takes lines of progress.

    Raises:
        SourceOpenError: a folder or a file is missing.
        BackendUnavailable: heads are missing and cannot be rendered here.
    """
    say(f"{data.heads} heads")
    rendered = _heads(folders, data, rule=rule)
    kept = round(len(rendered) * (1 - data.held_out_heads / data.heads))
    held_out_heads = rendered[kept:]
    say("points of portraits")
    sets = _sets(folders, data, rule=rule)
    say("rendered crops")
    crops = faces.from_crops(
        folders.synth_facs, slice(0, data.rendered_crops), rule=rule, source="renders"
    )
    others = []
    if avatars is not None:
        others = faces.from_crops(avatars, slice(0, _MOST_AVATARS), rule=rule, source="avatars")
    held_out = {
        HEADS: [head for head in held_out_heads if _is_free(head)],
        AVATARS: [head for head in others if _is_free(head)],
        PORTRAITS: sets["held-out portraits"],
        PHOTOGRAPHS: sets["held-out photographs"],
    }
    say(f"{data.scenes} scenes")
    held_out_seed = data.seed + _HELD_OUT_SEED
    return Material(
        portraits=[*sets["portraits"], *sets["photographs"]],
        renders=[cutout for cutout in (*rendered[:kept], *crops) if _is_free(cutout)],
        scenes=list(backgrounds.drawn(count=data.scenes, seed=data.seed)),
        held_out={name: some for name, some in held_out.items() if some},
        covered=_covered(sets, held_out_heads, [*held_out_heads, *others]),
        held_out_scenes=list(backgrounds.drawn(count=data.scenes // 2, seed=held_out_seed)),
    )


def _heads(folders: Folders, data: Data, *, rule: PointRule) -> list[Cutout]:
    """Returns the rendered heads that show a face."""
    folder = folders.cache / "heads"
    heads.write_heads(
        folders.synth_assets, folder, count=data.heads, seed=data.seed, progress=lambda _: None
    )
    found = heads.read_heads(folder, count=data.heads, seed=data.seed)
    return [one for one in faces.from_heads(found, rule=rule) if not one.is_back]


def _covered(
    sets: Mapping[str, Sequence[Cutout]],
    held_out_heads: Sequence[Cutout],
    rendered: Sequence[Cutout],
) -> dict[str, Sequence[Cutout]]:
    """Returns held-out faces that are covered in their pictures, by what covers them."""
    found = {
        "dark glasses, portraits": sets["dark glasses"],
        "mask or hand, portraits": sets["masks and hands"],
        "dark glasses, rendered": [one for one in rendered if one.row["sunglasses"] == "1"],
        "hair over an eye, rendered": [
            one for one in held_out_heads if one.row["hair"] == _OVER_AN_EYE
        ],
    }
    return {name: some for name, some in found.items() if some}


def _is_free(cutout: Cutout) -> bool:
    """False for a render with something before the face, or with what may be before it.

    The older renderer does not tell dark glasses from others.
    """
    row = cutout.row
    return (
        row.get("occluded", "none") in ("0", "none")
        and row["hair"] not in _OVER_SOME_EYES
        and row.get("sunglasses", row["glasses"]) == "0"
    )


def _sets(folders: Folders, data: Data, *, rule: PointRule) -> dict[str, list[Cutout]]:
    """Returns portraits and photographs by what they are for."""
    paths = portrait_paths(folders, every_sheet=data.every_sheet)
    pictures = {name: _pointed(name, some, folders) for name, some in paths.items()}
    covered = {*data.dark_glasses, *data.masks_and_hands, *data.left_out}
    free = {
        name: [picture for picture in some if picture.path.name not in covered]
        for name, some in pictures.items()
    }
    people = free["people"]
    by_use = {
        "portraits": [*free["ai"], *free["sfhq"]],
        "held-out portraits": [*free["held-out ai"], *free["held-out sfhq"]],
        "photographs": [one for number, one in enumerate(people) if number % data.every_photograph],
        "held-out photographs": people[:: data.every_photograph],
        "dark glasses": _named(pictures, data.dark_glasses),
        "masks and hands": _named(pictures, data.masks_and_hands),
    }
    return {
        name: faces.from_pictures(some, rule=rule, source=name) for name, some in by_use.items()
    }


def _named(
    pictures: Mapping[str, Sequence[PointedPicture]], names: Sequence[str]
) -> list[PointedPicture]:
    return [one for some in pictures.values() for one in some if one.path.name in names]


def _pointed(name: str, paths: Sequence[Path], folders: Folders) -> list[PointedPicture]:
    """Returns the pictures of a set whose points are found, from the cache if they are there."""
    path = folders.cache / f"points {name}.npz"
    if not path.exists():
        found = portraits.pointed(paths, model=folders.model, fills="sfhq" in name)
        np.savez(
            path,
            names=np.array([str(one.path) for one in found]),
            landmarks_xy=np.stack([one.landmarks_xy for one in found]),
        )
    try:
        with np.load(path) as file:
            names, landmarks = file["names"], file["landmarks_xy"]
    except BROKEN_NPZ as error:
        raise SourceOpenError(f"{path}: cannot be read ({error}); delete it") from None
    pictures = []
    for picture, points in zip(names, landmarks, strict=True):
        image = cv2.imread(str(picture), cv2.IMREAD_COLOR)
        if image is None:
            raise SourceOpenError(f"{picture}: not a picture that OpenCV reads")
        pictures.append(PointedPicture(np.asarray(image, np.uint8), points, None, Path(picture)))
    return pictures
