"""Chooses for each face a panel or chips, their size and their position in the frame.

Tries size steps from the largest to the smallest until everything fits beside the faces, and keeps
the choice while it fits, so that nothing jumps from frame to frame.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtau.overlay._placement import (
    Area,
    Candidate,
    Positions,
    Rects,
    core,
    follow,
    is_free,
    place,
)

Form = Literal["panel", "chips"]
Size = tuple[int, int]

# A larger step is taken after it has fitted for this long, seconds.
_PATIENCE_S = 1.0
# Larger steps are tried this seldom, seconds: placing costs more than drawing.
_RETRY_EVERY_S = 0.5
# The place of a panel is kept for as long as its track may be found again, seconds.
_KEEP_S = 5.0
# Greatest height of a panel relative to its face's box; smaller faces get chips. The second number
# is for a face that has a panel already, the third for enlarged panels.
_TALLEST, _TALLEST_KEPT, _TALLEST_ENLARGED = 2.0, 2.4, 1.3
# A panel's row relative to the frame's height, and the smallest that is readable, px.
_ROW_SHARE, _ROW_MIN_PX = 0.0255, 13
# A chip's capitals: the same two numbers.
_CAP_SHARE, _CAP_MIN_PX = 0.0133, 7


@dataclasses.dataclass(frozen=True, slots=True)
class SizeStep:
    """A form and its scale."""

    form: Form
    scale: float
    has_names: bool = True
    """Chips with FACS names beside the codes."""

    def row_px(self, frame_height: int) -> int:
        """Returns the height of a panel's row, px, even: a chroma sample covers 2 x 2 pixels."""
        least = math.ceil(_ROW_MIN_PX * min(self.scale, 1.0) / 2)
        return 2 * max(least, round(frame_height * _ROW_SHARE * self.scale / 2))

    def cap_px(self, frame_height: int) -> int:
        """Returns the height of a chip's capitals, px."""
        return max(_CAP_MIN_PX, round(frame_height * _CAP_SHARE * self.scale))


SIZE_STEPS = (
    SizeStep("panel", 1.25),
    SizeStep("panel", 1.0),
    SizeStep("panel", 0.85),
    SizeStep("chips", 1.0),
    SizeStep("chips", 0.8),
    SizeStep("chips", 1.0, has_names=False),
    SizeStep("chips", 0.8, has_names=False),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """The form and position of one face's panel or chips."""

    form: Form
    step: SizeStep
    spot: int
    rect: npt.NDArray[np.int32]
    """int32 (4,): x0, y0, x1, y1, px."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The faces of a frame and the sizes of their panels."""

    blocks: Rects
    """int32 (N, 4): the faces with their tags, px."""
    track_ids: Sequence[int]
    panel_size: Callable[[SizeStep], Size]
    """Width and height of a panel, px."""
    chips_size: Callable[[int, SizeStep], Size]
    """Width and height of the chips of a row of `blocks`, px; 0, 0 without any."""
    area: Area
    time_s: float
    """The frame's time, seconds."""

    def is_worth_trying(self, step: SizeStep) -> bool:
        """True where the face with the tallest block is large enough for a step's panel."""
        if step.form == "chips":
            return True
        limit = _TALLEST_ENLARGED if step.scale > 1 else _TALLEST_KEPT
        tallest = int((self.blocks[:, 3] - self.blocks[:, 1]).max(initial=0))
        return self.panel_size(step)[1] <= limit * tallest


class PanelLayout:
    """Chooses a size step for the frame and a position per face, and keeps both while they fit."""

    def __init__(self) -> None:
        self._step: int | None = None
        self._tried_larger_s = -math.inf
        self._room_since_s: float | None = None
        self._placements: dict[int, Placement] = {}
        self._seen_s: dict[int, float] = {}

    def arrange(self, scene: Scene) -> list[Placement]:
        """Returns a placement per face."""

        @functools.cache
        def positions(index: int) -> Positions:
            return self._positions(SIZE_STEPS[index], scene)

        def fits(index: int) -> bool:
            return scene.is_worth_trying(SIZE_STEPS[index]) and positions(index).fits

        self._step = self._chosen_step(fits, scene.time_s)
        placements = self._stabilised(SIZE_STEPS[self._step], positions(self._step), scene)
        # A face that is lost for a moment finds its panel where it was.
        self._seen_s |= dict.fromkeys(scene.track_ids, scene.time_s)
        self._seen_s = {
            one: at_s for one, at_s in self._seen_s.items() if 0 <= scene.time_s - at_s <= _KEEP_S
        }
        self._placements |= dict(zip(scene.track_ids, placements, strict=True))
        self._placements = {
            one: placement for one, placement in self._placements.items() if one in self._seen_s
        }
        return placements

    def _chosen_step(self, fits: Callable[[int], bool], time_s: float) -> int:
        """Returns the step to use: a smaller one at once, a larger one after some patience."""
        now = self._step
        if now is None or not fits(now):
            self._room_since_s = None
            steps = range(len(SIZE_STEPS))
            return next((step for step in steps if fits(step)), steps[-1])
        if abs(time_s - self._tried_larger_s) < _RETRY_EVERY_S:
            return now
        self._tried_larger_s = time_s
        larger = next((step for step in range(now) if fits(step)), None)
        if larger is None:
            self._room_since_s = None
            return now
        if self._room_since_s is None or time_s < self._room_since_s:
            self._room_since_s = time_s
        if time_s - self._room_since_s < _PATIENCE_S:
            return now
        self._room_since_s = None
        return larger

    def _form(self, step: SizeStep, row: int, scene: Scene) -> Form:
        """Returns the step's form, or chips for a face that is too small for its panel."""
        if step.form == "chips":
            return "chips"
        before = self._placements.get(scene.track_ids[row])
        has_panel = before is not None and before.form != "chips"
        block_height = int(scene.blocks[row, 3] - scene.blocks[row, 1])
        limit = (_TALLEST_KEPT if has_panel else _TALLEST) * block_height
        return step.form if scene.panel_size(step)[1] <= limit else "chips"

    def _positions(self, step: SizeStep, scene: Scene) -> Positions:
        candidates = []
        for row, track_id in enumerate(scene.track_ids):
            before = self._placements.get(track_id)
            is_chips = self._form(step, row, scene) == "chips"
            size = scene.chips_size(row, step) if is_chips else scene.panel_size(step)
            is_as_before = before is not None and (before.form == "chips") == is_chips
            spot = before.spot if before is not None and is_as_before else None
            is_in_place = before is not None and is_as_before and before.step == step
            candidates.append(Candidate(size, is_chips, spot, is_in_place))
        return place(scene.blocks, candidates, area=scene.area)

    def _stabilised(self, step: SizeStep, positions: Positions, scene: Scene) -> list[Placement]:
        """Returns the placements; a rectangle does not move if its face moves only a little."""
        rects, spots = positions.rects.copy(), positions.spots
        for row, track_id in enumerate(scene.track_ids):
            before = self._placements.get(track_id)
            if before is None or before.spot != spots[row] or not rects[row].any():
                continue
            rect = follow(before.rect, rects[row], slack=scene.area.margin // 2)
            blocks = scene.blocks.tolist()
            if before.step == step:
                blocks[row] = core(blocks[row])
            others = [*blocks, *rects[:row].tolist(), *rects[row + 1 :].tolist()]
            if is_free(rect.tolist(), others, area=scene.area):
                rects[row] = rect
        return [
            Placement(self._form(step, row, scene), step, spots[row], rects[row])
            for row in range(len(rects))
        ]
