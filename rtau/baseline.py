"""The person's own neutral: what a model says of a face at rest, and probabilities relative to it.

People differ at rest by more than some Action Units add. A share of what a person's neutral face
has is subtracted, in log-odds, so the raw probabilities of a table are enough to do it afterwards:
a run and `rtau rebaseline` call the same functions. Reads no file.
"""

from __future__ import annotations

import dataclasses
import math
import re
import threading
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtau._records import check_array, freeze, shapes
from rtau.errors import UsageError
from rtau.intensity import log_odds

Values = npt.NDArray[np.float32]

# The key of a neutral that holds for every face.
EVERYONE = "*"
SMILE, BLINK = "AU12", "AU45"
# Seconds of a neutral that is asked for while a run goes on.
TAKEN_S = 2.0
# Seconds for which views say what came of it.
SAID_S = 8.0
# Digits of a neutral's log-odds: a thousandth of what tells two people apart.
DIGITS = 3
# Least share of the frames that must show the face, unflagged.
MIN_USABLE = 0.5
# A head turned by more, or that turns by more meanwhile, radians: 20 and 15 degrees.
MAX_TURN_RAD, MAX_TURNING_RAD = 0.35, 0.26
# Distance between the 10th and the 90th percentile of any label's log-odds, from `LEAST_LOGIT` on:
# changes among what is improbable are noise. Two seconds of a man who sits still before a webcam
# have .6 to 1.7, with the least raised brow 2.3, with words 3.9 and more.
MAX_SPREAD, LEAST_LOGIT = 2.0, -3.0
_TIME_DIGITS = 6  # times in tables have microseconds
_SPAN = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


class NeutralRefusedError(ValueError):
    """What was to be a neutral face is none; its text says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """Seconds of a video in which faces are neutral: from `start_s` on and before `end_s`."""

    start_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str, /) -> Span | None:
        """Returns the span a text such as `0-5` means; None for another text.

        Raises:
            UsageError: it ends before it begins.
        """
        found = _SPAN.fullmatch(text)
        if found is None:
            return None
        start_s, end_s = float(found[1]), float(found[2])
        if end_s <= start_s:
            raise UsageError(f"--neutral must end after it begins, got {text}")
        return cls(start_s, end_s)

    def __str__(self) -> str:
        return f"{self.start_s:g}-{self.end_s:g}"

    def holds(self, time_s: float) -> bool:
        """Returns whether a time lies in the span, as tables round times."""
        return self.start_s <= round(time_s, _TIME_DIGITS) < self.end_s


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One frame's face that may be neutral."""

    probabilities: Values
    """float32 (A,): raw."""
    pose_rad: tuple[float, float] | None = None
    """Pitch and yaw; None where the model has none."""
    reasons: tuple[str, ...] = ()
    """Why its scores may be unreliable."""


@dataclasses.dataclass(frozen=True, slots=True)
class Neutrals:
    """The neutrals of a run's faces."""

    labels: tuple[str, ...]
    """The labels, in the model's order."""
    weights_sha256: str
    """Of the model that has seen them."""
    share: float
    """The share of a neutral's log-odds that is subtracted."""
    origin: str
    """What they were taken from, for people."""
    logits: dict[str, tuple[float, ...]]
    """Seat or track number, or `*` for every face -> log-odds per label."""

    def of(self, key: str, /) -> tuple[float, ...] | None:
        """Returns the neutral of a face; None where it has none."""
        return self.logits.get(key, self.logits.get(EVERYONE))


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibrated:
    """Probabilities of the faces of one frame relative to each person's neutral."""

    values: Values
    """float32 (N, A) in [0, 1]; NaN in the rows of faces without a neutral."""
    decides: bool = False
    """Whether decisions are made by them, where a face has a neutral."""

    def __post_init__(self) -> None:
        check_array("values", self.values, dtype=np.float32, shape=("N", "A"))
        freeze(self, "values")

    def knows(self, row: int, /) -> bool:
        """Returns whether a face has a neutral."""
        return not np.isnan(self.values[row]).any()

    def of(self, row: int, labels: Sequence[str], /) -> dict[str, float] | None:
        """Returns the probability of each label of one face; None for one without a neutral."""
        if not self.knows(row):
            return None
        return dict(zip(labels, self.values[row].tolist(), strict=True))

    def deciding(self, raw: Values, /) -> Values:
        """Returns the probabilities that decisions are made by, (N, A)."""
        return np.where(np.isnan(self.values), raw, self.values) if self.decides else raw

    __repr__ = shapes


def neutral_of(
    observations: Sequence[Observation], *, labels: Sequence[str], thresholds: Sequence[float]
) -> tuple[float, ...]:
    """Returns the log-odds of one face at rest, per label: medians over the frames.

    Args:
        observations: the face in each frame that shows it.
        labels: of the model.
        thresholds: of the labels.

    Raises:
        NeutralRefusedError: the face turns, moves or smiles, or is not seen well enough.
    """
    if not observations:
        raise NeutralRefusedError("it is not seen")
    usable = [one for one in observations if not one.reasons]
    if len(usable) < MIN_USABLE * len(observations):
        reasons = sorted({reason for one in observations for reason in one.reasons})
        raise NeutralRefusedError(f"it is not seen well ({', '.join(reasons)})")
    _refuse_turned(np.array([one.pose_rad for one in usable if one.pose_rad is not None]))
    logits = log_odds(np.stack([one.probabilities for one in usable]))
    low, middle, high = np.percentile(logits, [10, 50, 90], axis=0)
    if SMILE in labels:
        column = list(labels).index(SMILE)
        threshold = log_odds(np.array(thresholds[column]))
        if middle[column] >= threshold:
            raise NeutralRefusedError(f"it smiles ({SMILE} is active)")
    spread = np.maximum(high, LEAST_LOGIT) - np.maximum(low, LEAST_LOGIT)
    if BLINK in labels:
        spread[list(labels).index(BLINK)] = 0.0  # whoever is at rest blinks
    widest = int(spread.argmax())
    if spread[widest] > MAX_SPREAD:
        raise NeutralRefusedError(f"it moves ({labels[widest]} changes)")
    return tuple(round(value, DIGITS) + 0.0 for value in middle.tolist())


def calibrated(probabilities: Values, neutral: Sequence[float], /, *, share: float) -> Values:
    """Returns probabilities (..., A) relative to a neutral: a share of its log-odds subtracted."""
    logits = log_odds(probabilities) - share * np.array(neutral)
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def _refuse_turned(pose_rad: npt.NDArray[np.float64]) -> None:
    if not len(pose_rad):
        return
    low, middle, high = np.percentile(pose_rad, [10, 50, 90], axis=0)
    if np.abs(middle).max() > MAX_TURN_RAD:
        raise NeutralRefusedError(f"it is turned by {np.degrees(np.abs(middle).max()):.0f} degrees")
    if (high - low).max() > MAX_TURNING_RAD:
        raise NeutralRefusedError(f"the head turns by {np.degrees((high - low).max()):.0f} degrees")


class Baseline:
    """The neutrals of the faces of a run, known before it or taken while it goes on.

    Any thread may call `ask`. The pipeline calls `see` with every frame, in order.
    """

    def __init__(
        self,
        neutrals: Neutrals,
        *,
        thresholds: Sequence[float],
        span: Span | None = None,
        decides: bool = False,
    ) -> None:
        """Starts with what is known.

        Args:
            neutrals: known ones, or none yet.
            thresholds: of the labels.
            span: when faces are neutral; None until somebody asks.
            decides: whether decisions are made by calibrated probabilities.
        """
        self.neutrals = neutrals
        self.refused: dict[str, str] = {}
        """Face -> why it has no neutral, of the last time."""
        self.frames: dict[str, int] = {}
        """Face -> frames that showed it, of the last time."""
        self._thresholds = tuple(thresholds)
        self._span = span
        self._decides = decides
        self._asked = threading.Event()
        self._observations: dict[str, list[Observation]] = {}
        self._now_s, self._finished_s = 0.0, -math.inf

    def ask(self) -> None:
        """Takes the faces of the next `TAKEN_S` seconds for neutral."""
        self._asked.set()

    def see(
        self, observations: Mapping[str, Observation], /, *, time_s: float
    ) -> Calibrated | None:
        """Takes note of the faces of one frame; returns their calibrated probabilities.

        Args:
            observations: each face by its seat or track number.
            time_s: of the frame.
        """
        self._now_s = time_s
        if self._asked.is_set():
            self._asked.clear()
            self._observations = {}
            self._span = Span(round(time_s, _TIME_DIGITS), time_s + TAKEN_S)
        if self._span is not None and self._span.holds(time_s):
            for key, observation in observations.items():
                self._observations.setdefault(key, []).append(observation)
        elif self._span is not None and time_s >= self._span.end_s:
            self.finish()
        if not observations or not self.neutrals.logits:
            return None
        unknown = np.full(len(self.neutrals.labels), np.nan, np.float32)
        rows = []
        for key, observation in observations.items():
            neutral = self.neutrals.of(key)
            rows.append(
                unknown
                if neutral is None
                else calibrated(observation.probabilities, neutral, share=self.neutrals.share)
            )
        return Calibrated(np.stack(rows), decides=self._decides)

    def finish(self) -> None:
        """Makes neutrals of what was seen so far; faces that are refused keep an earlier one."""
        self._span, self._finished_s = None, self._now_s
        taken, self.refused = dict(self.neutrals.logits), {}
        self.frames = {key: len(observations) for key, observations in self._observations.items()}
        for key, observations in self._observations.items():
            try:
                taken[key] = neutral_of(
                    observations, labels=self.neutrals.labels, thresholds=self._thresholds
                )
            except NeutralRefusedError as error:
                self.refused[key] = str(error)
        self._observations = {}
        self.neutrals = dataclasses.replace(self.neutrals, logits=taken)

    @property
    def notices(self) -> tuple[str, ...]:
        """What views say of it: that it is being taken, and for some seconds what came of it."""
        if self._asked.is_set() or (self._span is not None and self._span.holds(self._now_s)):
            return ("taking the neutral face: look straight ahead and keep still",)
        if self._now_s - self._finished_s > SAID_S:
            return ()
        taken = [f"neutral of face {key} taken" for key in self.frames if key not in self.refused]
        return (*taken, *self.refusals) or ("no face to take a neutral of",)

    @property
    def refusals(self) -> list[str]:
        """A sentence for each face that has no neutral, of the last time."""
        return [f"neutral of face {key} refused: {why}" for key, why in self.refused.items()]
