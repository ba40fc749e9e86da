"""Frames in, results out: face detection, crops, inference and decisions, deterministic.

Has no threads and reads no clock to decide anything: time comes with the frames. A step has two
halves that share no state: `preprocess` finds faces and cuts crops, `infer` runs the network and
decides. n frames in one step give the results of n steps of one frame, with one batch through the
network. `rtau.execution` calls it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtau.baseline import Baseline, Calibrated, Observation
from rtau.contract import ModelContract
from rtau.data import Crops, Faces, Frame, FrameResult, Scores
from rtau.decisions import Decider
from rtau.faces.crops import cut
from rtau.faces.quality import quality_reasons
from rtau.intensity import Intensities, intensities, left_right
from rtau.protocols import Engine, Tracker
from rtau.sides import columns_of_sides, differences
from rtau.timing import StageClock


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PreparedFrame:
    """One frame with its faces and crops, ready for the network."""

    frame: Frame
    """The frame itself."""
    faces: Faces
    """Faces that gave a crop; row k belongs to crop k."""
    crops: Crops
    """Input of the network, a row per face."""
    tentative_xyxy: npt.NDArray[np.float32]
    """float32 (M, 4), frame space: boxes seen but not confirmed."""
    wants_cams: bool
    """Whether this frame refreshes the heatmaps."""
    stage_s: Mapping[str, float]
    """Seconds of preprocessing, per stage."""


class HeatmapSchedule:
    """Selects the frames that compute CAMs: at most `refresh_hz` per second of video."""

    def __init__(self, refresh_hz: float, *, wanted: Callable[[], bool]) -> None:
        """Calls `wanted` at each frame: a window's user may turn the heatmap on and off."""
        self._interval_s = 1 / refresh_hz
        self._wanted = wanted
        self._next_s = -math.inf

    @property
    def is_on(self) -> bool:
        """True while somebody wants heatmaps."""
        return self._wanted()

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
    """Scores every face of every frame; the state is in the face tracker and the decider."""

    def __init__(
        self,
        *,
        tracker: Tracker,
        engine: Engine,
        decider: Decider,
        heatmaps: HeatmapSchedule | None = None,
        baseline: Baseline | None = None,
        sides: bool = False,
    ) -> None:
        """Takes the parts; the caller closes the engine.

        Args:
            tracker: finds and tracks faces.
            engine: runs the network on their crops.
            decider: turns scores into decisions.
            heatmaps: when CAMs are computed; None for never.
            baseline: the neutrals of the faces; None in a run that takes none.
            sides: whether both sides of every face are scored too; the contract has sides.
        """
        self._tracker = tracker
        self._engine = engine
        self._decider = decider
        self._heatmaps = heatmaps
        self._baseline = baseline
        self._sides = sides

    @property
    def contract(self) -> ModelContract:
        """The contract of the engine."""
        return self._engine.contract

    def step(self, frames: Sequence[Frame], /) -> list[FrameResult]:
        """Returns one result per frame, in order.

        Raises:
            EngineError: as `infer`.
        """
        return self.infer([self.preprocess(frame) for frame in frames])

    def preprocess(self, frame: Frame, /) -> PreparedFrame:
        """Returns the next frame's faces and crops; `time_s` must not decrease between calls."""
        clock = StageClock()
        with clock.stage("find"):
            found = self._tracker.track(frame)
        with clock.stage("crop"):
            contract = self._engine.contract
            crops = cut(frame, found.faces, rule=contract.crop, size=contract.input_size)
        return PreparedFrame(
            frame=frame,
            faces=found.faces.select(crops.face_rows),
            crops=crops,
            tentative_xyxy=found.tentative_xyxy,
            wants_cams=self._heatmaps is not None and self._heatmaps.due(frame.time_s),
            stage_s=clock.lap(1),
        )

    def infer(self, prepared: Sequence[PreparedFrame], /) -> list[FrameResult]:
        """Returns one result per prepared frame, in order, from one batch of all crops.

        Raises:
            EngineError: the network failed or returned values that are not finite.
        """
        clock = StageClock()
        with clock.stage("infer"):
            scores = self._scores(prepared)
            strengths = self._intensities(prepared, scores)
        reasons = [
            quality_reasons(one.frame, one.faces, one.crops, landmarks_xy=found.landmarks_xy)
            for one, found in zip(prepared, scores, strict=True)
        ]
        with clock.stage("decide"):
            decided = [self._decide(*row) for row in zip(prepared, scores, reasons, strict=True)]
        stage_s = clock.lap(len(prepared))
        return [
            FrameResult(
                frame=one.frame,
                faces=one.faces,
                frame_from_crop=one.crops.frame_from_crop,
                scores=frame_scores,
                active=active,
                tentative_xyxy=one.tentative_xyxy,
                stage_s=_summed(one.stage_s, stage_s),
                has_heatmaps=self._heatmaps is not None and self._heatmaps.is_on,
                quality_reasons=why,
                intensities=strength,
                calibrated=calibrated,
            )
            for one, frame_scores, strength, why, (active, calibrated) in zip(
                prepared, scores, strengths, reasons, decided, strict=True
            )
        ]

    def _scores(self, prepared: Sequence[PreparedFrame]) -> list[Scores]:
        """Returns scores per frame; frames with and without CAMs go as two batches.

        A batch computes CAMs for all of its rows or for none, and most frames want none.
        """
        scores: dict[int, Scores] = {}
        for wants_cams in (False, True):
            chosen = [k for k, one in enumerate(prepared) if one.wants_cams == wants_cams]
            if chosen:
                batch = [prepared[k].crops for k in chosen]
                outputs = self._engine.infer(_stacked(batch), cams=wants_cams)
                ends = np.cumsum([len(crops) for crops in batch])
                rows = np.split(np.arange(len(outputs)), ends[:-1])
                scores.update(zip(chosen, map(outputs.select, rows), strict=True))
        return [scores[k] for k in range(len(prepared))]

    def _intensities(
        self, prepared: Sequence[PreparedFrame], scores: Sequence[Scores]
    ) -> list[Intensities | None]:
        """Returns the intensities of every frame's faces; None for a model without the scale."""
        contract = self._engine.contract
        if contract.intensity_scale is None:
            return [None] * len(scores)
        values = [intensities(one.probabilities, contract.intensity_scale) for one in scores]
        if not self._sides or not values:
            return [Intensities(of_frame) for of_frame in values]
        told = differences(_stacked([one.crops for one in prepared]), self._engine)
        parts = np.split(told, np.cumsum([len(of_frame) for of_frame in values])[:-1])
        columns, sides = columns_of_sides(contract), contract.sides or ()
        return [
            Intensities(of_frame, sides, left_right(of_frame[:, columns], part))
            for of_frame, part in zip(values, parts, strict=True)
        ]

    def _decide(
        self, prepared: PreparedFrame, scores: Scores, reasons: Sequence[tuple[str, ...]]
    ) -> tuple[npt.NDArray[np.bool_], Calibrated | None]:
        """Returns the decisions of one frame, and its probabilities relative to the neutrals."""
        faces, time_s, raw = prepared.faces, prepared.frame.time_s, scores.probabilities
        if faces.track_ids is None:
            raise AssertionError("a tracker must return tracked faces")
        calibrated = None
        if self._baseline is not None:
            poses = [None] * len(raw) if scores.pose_rad is None else scores.pose_rad.tolist()
            keys = [
                faces.seat_of(row) or str(track_id)
                for row, track_id in enumerate(faces.track_ids.tolist())
            ]
            rows = zip(keys, raw, poses, reasons, strict=True)
            observations = {key: Observation(values, pose, why) for key, values, pose, why in rows}
            calibrated = self._baseline.see(observations, time_s=time_s)
        deciding = raw if calibrated is None else calibrated.deciding(raw)
        return self._decider.decide(deciding, track_ids=faces.track_ids, time_s=time_s), calibrated


def _summed(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """Returns the seconds of both per stage, in the order of the stages."""
    return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in {**first, **second}}


def _stacked(parts: Sequence[Crops]) -> Crops:
    """Returns one batch of all crops, in order; a single part is returned without a copy."""
    if len(parts) == 1:
        return parts[0]
    return Crops(
        images_rgb=np.concatenate([crops.images_rgb for crops in parts]),
        frame_from_crop=np.concatenate([crops.frame_from_crop for crops in parts]),
        face_rows=np.concatenate([crops.face_rows for crops in parts]),
    )
