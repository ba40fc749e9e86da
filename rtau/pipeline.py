"""Frames in, results out: finder, crops, engine and decisions in one deterministic step.

Without threads and without a clock of its own: time comes with the frames. A step has two halves
that share no state: `look` finds and cuts, `judge` asks the network and decides. n frames in one
step give what n steps of one frame give, but with one batch through the network, unless faces
follow their landmarks: then each frame waits for what the network says of the one before. The
`Runner` calls it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Crops, Faces, Frame, FrameResult, Scores
from rtau.decisions import Decider
from rtau.faces.crops import cut
from rtau.faces.face_tracker import FaceFinder
from rtau.faces.landmarks import moved_onto_landmarks
from rtau.protocols import Engine
from rtau.timing import StageClock


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What was found in one frame, before the network has seen it."""

    frame: Frame
    """Where it was found."""
    faces: Faces
    """Only those that gave a crop; row k belongs to crop k."""
    crops: Crops
    """What the network is to see."""
    unconfirmed_xyxy: npt.NDArray[np.float32]
    """float32 (M, 4), frame space: boxes seen but not confirmed."""
    wants_cams: bool
    """Whether this frame refreshes the heatmaps."""
    stage_s: Mapping[str, float]
    """Seconds that looking took, per stage."""


class HeatSchedule:
    """Says on which frames CAMs are computed: at most so many times a second of video."""

    def __init__(self, refresh_hz: float, *, wanted: Callable[[], bool]) -> None:
        """Asks `wanted` at each frame: a window's user may turn the heatmap on and off."""
        self._interval_s = 1 / refresh_hz
        self._wanted = wanted
        self._next_s = -math.inf

    def due(self, time_s: float) -> bool:
        """Returns True when the frame at this time refreshes the heatmaps."""
        if time_s < self._next_s or not self._wanted():
            return False
        # Counted from the last due time where possible, so that 10 Hz at 25 fps does not decay
        # to the 8.3 Hz that waiting a full interval after each refresh would give.
        on_grid_s = self._next_s + self._interval_s
        self._next_s = on_grid_s if on_grid_s > time_s else time_s + self._interval_s
        return True


class Pipeline:
    """Scores every face of every frame it is given; state is the finder's and the decider's."""

    def __init__(
        self,
        *,
        finder: FaceFinder,
        engine: Engine,
        decider: Decider,
        heat: HeatSchedule | None = None,
        follow_landmarks: bool = False,
    ) -> None:
        """Joins the parts.

        Args:
            finder: finds faces.
            engine: judges them.
            decider: decides.
            heat: when CAMs are computed; None for never.
            follow_landmarks: whether a face's landmarks tell the finder where it is in the next
                frame; the engine's model must have them.
        """
        self._finder = finder
        self._engine = engine
        self._decider = decider
        self._heat = heat
        self._follows_landmarks = follow_landmarks

    @property
    def contract(self) -> ModelContract:
        """The contract of the engine."""
        return self._engine.contract

    @property
    def looks_ahead(self) -> bool:
        """Whether a frame may be looked at before the one before it is judged.

        Another thread may then call `look` while this one calls `judge`.
        """
        return not self._follows_landmarks

    def step(self, frames: Sequence[Frame], /) -> list[FrameResult]:
        """Returns one result per frame, in order.

        Raises:
            EngineError: as `judge`.
        """
        if self.looks_ahead:
            return self.judge([self.look(frame) for frame in frames])
        return [result for frame in frames for result in self.judge([self.look(frame)])]

    def look(self, frame: Frame, /) -> Sight:
        """Returns what is found in the next frame; `time_s` never decreases between calls."""
        clock = StageClock()
        with clock.stage("find"):
            found = self._finder.find(frame)
        with clock.stage("crop"):
            contract = self._engine.contract
            crops = cut(frame, found.faces, rule=contract.crop, size=contract.input_size)
        return Sight(
            frame=frame,
            faces=found.faces.select(crops.face_rows),
            crops=crops,
            unconfirmed_xyxy=found.unconfirmed_xyxy,
            wants_cams=self._heat is not None and self._heat.due(frame.time_s),
            stage_s=clock.lap(1),
        )

    def judge(self, sights: Sequence[Sight], /) -> list[FrameResult]:
        """Returns one result per sight, in order; all crops go through the network together.

        Raises:
            EngineError: the network failed or returned values that are not finite.
        """
        clock = StageClock()
        with clock.stage("infer"):
            scores = self._infer(sights)
        with clock.stage("decide"):
            active = [self._decide(*pair) for pair in zip(sights, scores, strict=True)]
        if self._follows_landmarks:
            with clock.stage("find"):
                self._tell_finder(sights[-1], scores[-1])
        stage_s = clock.lap(len(sights))
        return [
            FrameResult(
                frame=sight.frame,
                faces=sight.faces,
                frame_from_crop=sight.crops.frame_from_crop,
                scores=frame_scores,
                active=decisions,
                unconfirmed_xyxy=sight.unconfirmed_xyxy,
                stage_s=_summed(sight.stage_s, stage_s),
            )
            for sight, frame_scores, decisions in zip(sights, scores, active, strict=True)
        ]

    def _infer(self, sights: Sequence[Sight]) -> list[Scores]:
        """Returns scores per frame; frames with and without CAMs go as two batches.

        A batch computes CAMs for all of its rows or for none, and most frames want none.
        """
        scores: dict[int, Scores] = {}
        for wants_cams in (False, True):
            chosen = [k for k, sight in enumerate(sights) if sight.wants_cams == wants_cams]
            if chosen:
                batch = [sights[k].crops for k in chosen]
                answer = self._engine.infer(_stacked(batch), cams=wants_cams)
                ends = np.cumsum([len(crops) for crops in batch])
                rows = np.split(np.arange(len(answer)), ends[:-1])
                scores.update(zip(chosen, map(answer.select, rows), strict=True))
        return [scores[k] for k in range(len(sights))]

    def _tell_finder(self, sight: Sight, scores: Scores) -> None:
        """Lets the finder know where the landmarks put the faces of a frame."""
        self._finder.follow(
            moved_onto_landmarks(
                sight.faces,
                scores,
                frame_from_crop=sight.crops.frame_from_crop,
                contract=self._engine.contract,
            )
        )

    def _decide(self, sight: Sight, scores: Scores) -> npt.NDArray[np.bool_]:
        track_ids = sight.faces.track_ids
        if track_ids is None:  # a result needs ids; a finder without a tracker is our mistake
            raise AssertionError("finder must return tracked faces")
        return self._decider.decide(scores, track_ids=track_ids, time_s=sight.frame.time_s)


def _summed(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """Returns the seconds of both per stage, in the order of the stages."""
    return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in {**first, **second}}


def _stacked(parts: Sequence[Crops]) -> Crops:
    """Returns one batch of all crops, in order; a single part is passed on without a copy."""
    if len(parts) == 1:
        return parts[0]
    return Crops(
        images_rgb=np.concatenate([crops.images_rgb for crops in parts]),
        frame_from_crop=np.concatenate([crops.frame_from_crop for crops in parts]),
        face_rows=np.concatenate([crops.face_rows for crops in parts]),
    )
