"""Which form the readings of each face take, large to small, and where each stands.

Tries panels with words, plain panels, smaller ones and at last chips, until all faces of the frame
have room; remembers choices, so that nothing jumps from frame to frame. Called by compose.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtau.overlay._placement import Area, Placement, Rects, Wish, follow, is_free, place

Form = Literal["words", "codes", "chips"]
Size = tuple[int, int]

# A larger form is taken up again only after it had room for this long, seconds.
_PATIENCE_S = 1.0
# Looking for room costs more than drawing: larger forms are tried this seldom, seconds.
_LOOK_EVERY_S = 0.5
# A panel may be this many times as high as its face's box; smaller faces get chips. The second
# number holds for a face that has a panel already.
_TALLEST, _TALLEST_KEPT = 2.0, 2.4
# Row of a panel: share of the frame's height, and the least that can be read, px.
_ROW_SHARE, _ROW_MIN_PX = 0.0255, 13
# Capitals of a chip: the same two numbers.
_CAP_SHARE, _CAP_MIN_PX = 0.0133, 7


@dataclasses.dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder from the largest form to the smallest."""

    form: Form
    scale: float

    def row_px(self, frame_height: int) -> int:
        """Returns the height of a panel's row, px, even: colour is coded for two by two pixels."""
        least = math.ceil(_ROW_MIN_PX * min(self.scale, 1.0) / 2)
        return 2 * max(least, round(frame_height * _ROW_SHARE * self.scale / 2))

    def cap_px(self, frame_height: int) -> int:
        """Returns the height of a chip's capitals, px."""
        return max(_CAP_MIN_PX, round(frame_height * _CAP_SHARE * self.scale))


LADDER = (
    Rung("words", 1.25),
    Rung("words", 1.0),
    Rung("words", 0.85),
    Rung("codes", 1.0),
    Rung("codes", 0.85),
    Rung("chips", 1.0),
    Rung("chips", 0.8),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """The form and the place of one face's readings."""

    form: Form
    rung: Rung
    spot: int
    rect: npt.NDArray[np.int32]
    """int32 (4,): x0, y0, x1, y1, px."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The faces of a frame and how large their readings would be."""

    blocks: Rects
    """int32 (N, 4): the faces with their tags."""
    track_ids: Sequence[int]
    """Their tracks."""
    panel_size: Callable[[Rung], Size]
    """Width and height of a panel on a rung, px."""
    chips_size: Callable[[int, Rung], Size]
    """Width and height of the chips of a row of `blocks` on a rung, px; may be 0, 0."""
    area: Area
    """Where in the frame they may stand."""
    time_s: float
    """The frame's time, seconds."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A rung tried: the forms of the faces on it and where they would stand."""

    forms: tuple[Form, ...]
    placement: Placement


class Arranger:
    """Chooses a rung for the frame and a place per face, and keeps to both while it can."""

    def __init__(self) -> None:
        self._at: int | None = None
        self._looked_s = -math.inf
        self._room_since_s: float | None = None
        self._stands: dict[int, Stand] = {}

    def arrange(self, scene: Scene) -> list[Stand]:
        """Returns a stand per face."""
        trials: dict[int, _Trial] = {}

        def tried(at: int) -> _Trial:
            if at not in trials:
                trials[at] = self._try(LADDER[at], scene)
            return trials[at]

        tallest = int((scene.blocks[:, 3] - scene.blocks[:, 1]).max(initial=0))

        def is_worth(at: int) -> bool:
            return _is_worth_trying(LADDER[at], scene, tallest=tallest)

        self._at = self._settled(tried, is_worth, scene.time_s)
        stands = self._steadied(LADDER[self._at], tried(self._at), scene)
        self._stands = dict(zip(scene.track_ids, stands, strict=True))
        return stands

    def _settled(
        self, tried: Callable[[int], _Trial], is_worth: Callable[[int], bool], time_s: float
    ) -> int:
        """Returns the rung to use: a smaller one at once, a larger one after some patience."""

        def first_with_room(rungs: range) -> int | None:
            return next((at for at in rungs if is_worth(at) and tried(at).placement.fits), None)

        now = self._at
        if now is None or not is_worth(now) or not tried(now).placement.fits:
            self._room_since_s = None
            found = first_with_room(range(len(LADDER)))
            return len(LADDER) - 1 if found is None else found
        if abs(time_s - self._looked_s) < _LOOK_EVERY_S:
            return now
        self._looked_s = time_s
        larger = first_with_room(range(now))
        if larger is None:
            self._room_since_s = None
            return now
        if self._room_since_s is None or time_s < self._room_since_s:
            self._room_since_s = time_s
        if time_s - self._room_since_s < _PATIENCE_S:
            return now
        self._room_since_s = None
        return larger

    def _try(self, rung: Rung, scene: Scene) -> _Trial:
        forms: list[Form] = []
        wishes = []
        for row, track_id in enumerate(scene.track_ids):
            before = self._stands.get(track_id)
            form = _form(rung, row, scene, before=before)
            is_low = form == "chips"
            size = scene.chips_size(row, rung) if is_low else scene.panel_size(rung)
            keeps = before is not None and (before.form == "chips") == is_low
            prefer = before.spot if before is not None and keeps else None
            forms.append(form)
            wishes.append(Wish(size, is_low, prefer))
        return _Trial(tuple(forms), place(scene.blocks, wishes, area=scene.area))

    def _steadied(self, rung: Rung, trial: _Trial, scene: Scene) -> list[Stand]:
        """Returns the stands, each held still as long as its face moves only a little."""
        rects, spots = trial.placement.rects.copy(), trial.placement.spots
        for row, track_id in enumerate(scene.track_ids):
            before = self._stands.get(track_id)
            if before is None or before.spot != spots[row] or not rects[row].any():
                continue
            held = follow(before.rect, rects[row], slack=scene.area.margin // 2)
            others = np.concatenate([scene.blocks, rects[:row], rects[row + 1 :]])
            if is_free(held, others, area=scene.area):
                rects[row] = held
        return [
            Stand(form, rung, spot, rect)
            for form, spot, rect in zip(trial.forms, spots, rects, strict=True)
        ]


def _is_worth_trying(rung: Rung, scene: Scene, *, tallest: int) -> bool:
    """Returns True where the face with the tallest block, px, is large enough for the form."""
    return rung.form == "chips" or scene.panel_size(rung)[1] <= _limit(rung) * tallest


def _form(rung: Rung, row: int, scene: Scene, *, before: Stand | None) -> Form:
    if rung.form == "chips":
        return "chips"
    kept = before is not None and before.form != "chips"
    block_height = int(scene.blocks[row, 3] - scene.blocks[row, 1])
    limit = (_TALLEST_KEPT if kept else _TALLEST) * block_height
    return rung.form if scene.panel_size(rung)[1] <= limit else "chips"


def _limit(rung: Rung) -> float:
    """Returns how many times as high as the face a panel may be; enlarged ones stay modest."""
    return 1.3 if rung.scale > 1 else _TALLEST_KEPT
