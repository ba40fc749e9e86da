"""Puts the renderer's own hands, strands and objects before a face, to measure on.

They are drawn by other code than what is learnt from (`rtau_train.synth.occlusion`). Called by
`assess.py`.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Final

import numpy as np

from rtau_train.face_occlusion.covers import Hidden, hidden
from rtau_train.face_occlusion.painting import Floats, face_frame
from rtau_train.synth import occlusion

KINDS: Final = ("hand", "strands", "object")
# Where a picture is hidden: its shadow beside the thing darkens by a third at most.
_HIDDEN: Final = 0.6


def covered(
    rng: np.random.Generator, image: Floats, points_xy: Floats, /, *, kind: str
) -> tuple[Floats, Hidden]:
    """Returns a face with an occluder of the renderer before it, and how much that hides.

    Args:
        rng: draws it.
        image: float32 (S, S), grey levels.
        points_xy: float32 (68, 2), iBUG's order, px.
        kind: one of `KINDS`.
    """
    skin = np.full(3, face_frame(image, points_xy).skin / 255)
    hair = np.full(3, rng.uniform(0.03, 0.5))

    def drawn(level: Floats) -> Floats:
        colours = np.repeat(level[..., None], 3, axis=2)
        shown = occlusion.occluded(
            colours, points_xy, copy.deepcopy(rng), kind=kind, skin=skin, hair=hair
        )
        return np.asarray(shown.mean(axis=2), np.float32)

    # What differs between a black and a white picture behind the same thing is what is seen.
    seen = drawn(np.ones_like(image)) - drawn(np.zeros_like(image))
    shown = drawn(np.asarray(image / 255, np.float32)) * 255
    rng.random()
    found = hidden(1 - seen > _HIDDEN, points_xy)
    return np.clip(shown, 0, 255), dataclasses.replace(found, is_hair=kind == "strands")
