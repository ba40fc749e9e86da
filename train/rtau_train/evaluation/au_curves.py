"""The AU curves of a clip beside their known truth: correlation, lag, ranking, steadiness.

Runs rtau's own pipeline over NAME.mp4 and reads NAME.csv beside it: `frame` from 0, `face`,
`x0 y0 x1 y1` (box of the 68 landmarks, px) and `AU01` ... with intensities 0-5. Called by the card
and by `benchmarks/au_curves.py`.
"""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.config import RunConfig
from rtau.data import FrameResult
from rtau.decisions import Decider
from rtau.errors import SourceOpenError
from rtau.facs import DISFA_PLUS_AUS
from rtau.pipeline import Pipeline
from rtau.protocols import Engine
from rtau.runs.build import build_tracker
from rtau.sources.video_file import VideoFileSource
from rtau_train.datasets.labelled_crops import OCCURS_FROM
from rtau_train.datasets.prepare.tables import Row, read_table
from rtau_train.evaluation import binary_metrics
from rtau_train.evaluation.correlations import pearson

# Lags are looked for up to this far.
MAX_LAG_S: Final = 0.4
BOX: Final = ("x0", "y0", "x1", "y1")

Values = npt.NDArray[np.float64]
Truth = dict[int, dict[int, Row]]


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """One AU of one face over a clip: what the model said and what was true, frame by frame."""

    label: str
    probabilities: Values
    """float64 (F,): NaN in frames where the face was not found."""
    intensities: Values
    """float64 (F,), 0-5: NaN in frames of which the truth does not have the face."""
    fps: float

    @property
    def found(self) -> int:
        """Frames where the face was found."""
        return int(np.isfinite(self.probabilities).sum())

    def auc(self) -> float:
        """Returns the chance that a frame with the AU scores above one without it."""
        known = np.isfinite(self.probabilities) & np.isfinite(self.intensities)
        return binary_metrics.auc(self.probabilities[known], self.intensities[known] >= OCCURS_FROM)

    def correlation(self) -> float:
        """Returns Pearson's r of probability and true intensity."""
        return pearson(self.probabilities, self.intensities)

    def lag_frames(self) -> float:
        """Returns by how many frames the curve runs behind the truth where they correlate best.

        NaN where they correlate nowhere: an AU that never moves.
        """
        most = min(int(MAX_LAG_S * self.fps), len(self.probabilities) - 1)
        lags = range(-most, most + 1)
        found = [pearson(*_shifted(self.probabilities, self.intensities, lag)) for lag in lags]
        return float(lags[int(np.nanargmax(found))]) if np.isfinite(found).any() else float("nan")

    def lag_ms(self) -> float:
        """Returns the lag in milliseconds of the clip."""
        return 1000 * self.lag_frames() / self.fps

    def jitter(self) -> float:
        """Returns the standard deviation from frame to frame while the truth stands still."""
        steps = np.diff(self.probabilities)[np.diff(self.intensities) == 0]
        known = steps[np.isfinite(steps)]
        return float(known.std()) if len(known) else float("nan")


def curves_of(clip: Path, engine: Engine, /) -> dict[int, list[Curve]]:
    """Returns the curves of a clip by face of its truth, one per label of model and truth.

    Raises:
        SourceOpenError: the clip or its truth is missing, cannot be read, or lacks a column.
    """
    truth, labels = _truth(clip.with_suffix(".csv"), engine.contract.labels)
    faces = sorted({face for lines in truth.values() for face in lines})
    pipeline = Pipeline(
        tracker=build_tracker(RunConfig(), is_sequence=True),
        engine=engine,
        decider=Decider(engine.contract),
    )
    said: dict[int, list[Values]] = {face: [] for face in faces}
    true: dict[int, list[Values]] = {face: [] for face in faces}
    times_s = []
    with closing(VideoFileSource(clip)) as source:
        for frame in source:
            result = pipeline.step([frame])[0]
            times_s.append(frame.time_s)
            for face in faces:
                line = truth.get(frame.index, {}).get(face)
                said[face].append(_said(result, line, labels))
                true[face].append(_intensities(line, labels))
    fps = _rate(clip, times_s)
    return {
        face: [
            Curve(label, np.stack(said[face])[:, k], np.stack(true[face])[:, k], fps)
            for k, label in enumerate(labels)
        ]
        for face in faces
    }


def _rate(clip: Path, times_s: list[float]) -> float:
    span_s = times_s[-1] - times_s[0] if times_s else 0.0
    if span_s <= 0:
        raise SourceOpenError(f"{clip}: a clip must have two frames or more, got {len(times_s)}")
    return (len(times_s) - 1) / span_s


def _said(result: FrameResult, line: Row | None, labels: tuple[str, ...]) -> Values:
    """Returns the probabilities of the first face whose centre lies in the true box, or NaN."""
    if line is None:
        return np.full(len(labels), np.nan)
    box = np.array([float(line[name]) for name in BOX])
    centres = (result.faces.boxes_xyxy[:, :2] + result.faces.boxes_xyxy[:, 2:]) / 2
    inside = ((centres > box[:2]) & (centres < box[2:])).all(axis=1)
    if not inside.any():
        return np.full(len(labels), np.nan)
    columns = [result.scores.labels.index(label) for label in labels]
    return np.asarray(result.scores.probabilities[inside][0, columns], np.float64)


def _intensities(line: Row | None, labels: tuple[str, ...]) -> Values:
    if line is None:
        return np.full(len(labels), np.nan)
    return np.array([float(line[label]) for label in labels])


def _truth(path: Path, labels: tuple[str, ...]) -> tuple[Truth, tuple[str, ...]]:
    """Returns the lines of a truth by frame and face, every number in them checked, and its labels.

    The study's AUs must be there; of others a truth may know nothing.
    """
    table = read_table(path)
    study = {au.label for au in DISFA_PLUS_AUS}
    labels = tuple(label for label in labels if label in study or label in table.columns)
    needed = ("frame", "face", *BOX, *labels)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise SourceOpenError(
            f"{path}: column {missing[0]} is missing; the truth of a clip has {', '.join(needed)}"
        )
    found: Truth = {}
    for row in table.rows:
        try:
            for name in needed[2:]:
                float(row[name])
            found.setdefault(int(row["frame"]), {})[int(row["face"])] = row
        except ValueError as error:
            raise SourceOpenError(f"{path}: data row {row.number} is wrong ({error})") from None
    return found, labels


def _shifted(said: Values, true: Values, lag: int) -> tuple[Values, Values]:
    """Returns the overlapping parts when the curve runs `lag` frames behind the truth."""
    if lag >= 0:
        return said[lag:], true[: len(true) - lag]
    return said[:lag], true[-lag:]
