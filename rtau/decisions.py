"""Decides which labels are active: thresholds, smoothing and hysteresis per track.

With the defaults (`smooth_s=0`, `hysteresis=0`) a decision is `p >= threshold`.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract

Probabilities = npt.NDArray[np.float32]
Decisions = npt.NDArray[np.bool_]

# What views and annotated videos decide by where nothing else is asked for, measured
# (docs/steady.md): nearly no activation is shorter than a tenth of a second.
VIEW_SMOOTH_S, VIEW_HYSTERESIS = 0.1, 0.4
# The state of a track that is not seen for this long is reset.
RESET_AFTER_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _TrackState:
    """State of one track between frames."""

    time_s: float
    smoothed: Probabilities
    active: Decisions


def threshold_decisions(probabilities: Probabilities, thresholds: Probabilities) -> Decisions:
    """Returns bool (..., A): active where the probability reaches the label's threshold."""
    return np.asarray(probabilities >= thresholds, dtype=np.bool_)


def most_probable(probabilities: Probabilities) -> Decisions:
    """Returns bool (N, A) with exactly one label active per row: the first most probable."""
    decisions = np.zeros(probabilities.shape, np.bool_)
    if probabilities.size:
        decisions[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return decisions


def smooth(
    previous: Probabilities, current: Probabilities, *, elapsed_s: float, time_constant_s: float
) -> Probabilities:
    """Returns the exponential moving average with a time constant tau, seconds.

    The weight of the past is exp(-elapsed / tau), which does not depend on the frame rate. A step
    is followed to 63 % after tau.
    """
    past = np.float32(math.exp(-elapsed_s / time_constant_s)) if time_constant_s > 0 else 0.0
    return np.asarray(past * previous + (1 - past) * current, dtype=np.float32)


def with_hysteresis(
    was_active: Decisions, probabilities: Probabilities, thresholds: Probabilities, *, share: float
) -> Decisions:
    """Returns bool (A,): active from the threshold on, inactive below (1 - share) of it.

    A share, since thresholds differ: of 0.12, most of which a fixed step of 0.1 would take, an
    active label would hardly ever fall.
    """
    stays = was_active & (probabilities >= thresholds * np.float32(1 - share))
    return np.asarray(stays | (probabilities >= thresholds), dtype=np.bool_)


def _only_row(decisions: Decisions) -> Decisions:
    return np.asarray(decisions[0], dtype=np.bool_)


class Decider:
    """Makes decisions from the probabilities of tracked faces, with a state per track."""

    def __init__(
        self, contract: ModelContract, *, smooth_s: float = 0.0, hysteresis: float = 0.0
    ) -> None:
        """Starts without tracks.

        Args:
            contract: of the model: thresholds and task.
            smooth_s: time constant of the moving average of probabilities, seconds; 0 for none.
            hysteresis: share of its threshold by which an active label may fall below it, in
                [0, 1); of emotions, share by which the active one may be less probable than
                another.
        """
        self._task = contract.task
        self._thresholds = np.array(contract.thresholds, np.float32)
        self._smooth_s = smooth_s
        self._hysteresis = hysteresis
        self._tracks: dict[int, _TrackState] = {}

    def decide(
        self, probabilities: Probabilities, *, track_ids: npt.NDArray[np.int64], time_s: float
    ) -> Decisions:
        """Returns bool (N, A) for the rows of one frame; `time_s` never decreases."""
        if self._smooth_s == 0 and self._hysteresis == 0:
            return self._instant(probabilities)
        active = np.zeros(probabilities.shape, np.bool_)
        for row, track_id in enumerate(track_ids.tolist()):
            active[row] = self._smoothed(track_id, probabilities[row], time_s)
        self._drop_old(time_s)
        return active

    def _instant(self, probabilities: Probabilities) -> Decisions:
        if self._task == "multi_class":
            return most_probable(probabilities)
        return threshold_decisions(probabilities, self._thresholds)

    def _smoothed(self, track_id: int, current: Probabilities, time_s: float) -> Decisions:
        past = self._tracks.get(track_id)
        if past is None or time_s - past.time_s > RESET_AFTER_S:
            smoothed, active = current, _only_row(self._instant(current[None]))
        else:
            smoothed = smooth(
                past.smoothed,
                current,
                elapsed_s=time_s - past.time_s,
                time_constant_s=self._smooth_s,
            )
            active = self._with_hysteresis(past.active, smoothed)
        self._tracks[track_id] = _TrackState(time_s=time_s, smoothed=smoothed, active=active)
        return active

    def _with_hysteresis(self, was_active: Decisions, smoothed: Probabilities) -> Decisions:
        if self._task == "multi_label":
            return with_hysteresis(was_active, smoothed, self._thresholds, share=self._hysteresis)
        lifted = smoothed / np.where(was_active, np.float32(1 - self._hysteresis), np.float32(1))
        return _only_row(most_probable(lifted[None]))

    def _drop_old(self, time_s: float) -> None:
        self._tracks = {
            track_id: state
            for track_id, state in self._tracks.items()
            if time_s - state.time_s <= RESET_AFTER_S
        }
