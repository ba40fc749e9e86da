"""The teacher: a linear score per AU of a face's lengths, fitted on renders; soft labels by it.

Nothing of a photograph enters the fit. People's neutral faces only say where each score's zero and
unit are. Kept as JSON, so that labels can be made again. Called by `labels.py` and `assess.py`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau_train.geometry_teacher import ibug68, logistic, shape
from rtau_train.records import from_plain, read_json, write_json

Floats = npt.NDArray[np.float64]

# Inverse strength of the penalty: 75 lengths of one face are much alike.
C: Final = 0.05
FRONTAL_RENDERS: Final = 500
# A score this many standard deviations above people's neutral faces is as likely as not an action.
HALF_AT: Final = 2.0
STEEPNESS: Final = 1.5


@dataclasses.dataclass(frozen=True)
class GeometryTeacher:
    """What the fit found; A AUs, L lengths."""

    labels: tuple[str, ...]
    """The AUs, A of them."""
    template: tuple[tuple[float, float, float], ...]
    """Mean place of the rigid points of frontal renders, px of the renders."""
    length_means: tuple[float, ...]
    """L means over the renders, in distances of the eyes."""
    length_stds: tuple[float, ...]
    """L standard deviations over the renders."""
    weights: tuple[tuple[float, ...], ...]
    """A rows of L."""
    intercepts: tuple[float, ...]
    """A of them."""
    neutral_means: tuple[float, ...]
    """A means of the score of people's neutral faces."""
    neutral_stds: tuple[float, ...]
    """A standard deviations of it."""
    landmark_vertices: tuple[tuple[int, int, int, int], ...]
    """The mesh points that each of the 68 landmarks is mixed of."""
    landmark_shares: tuple[tuple[float, float, float, float], ...]
    """Their shares, sum 1."""
    renders: int
    """How many renders it was fitted on."""
    neutrals: int
    """How many neutral faces gave zero and unit."""
    mediapipe: str
    """Version that found the points."""
    model_sha256: str
    """Of its model file."""

    def __post_init__(self) -> None:
        shapes = (
            (self.template, (len(shape.RIGID), 3)),
            (self.length_means, (shape.LENGTHS,)),
            (self.length_stds, (shape.LENGTHS,)),
            (self.weights, (len(self.labels), shape.LENGTHS)),
            (self.intercepts, (len(self.labels),)),
            (self.neutral_means, (len(self.labels),)),
            (self.neutral_stds, (len(self.labels),)),
            (self.landmark_vertices, (68, ibug68.MIXED)),
            (self.landmark_shares, (68, ibug68.MIXED)),
        )
        for values, wanted in shapes:
            if np.shape(values) != wanted:
                raise ValueError(f"expected an array {wanted}, got {np.shape(values)}")
        for name in ("length_stds", "neutral_stds"):
            if min(getattr(self, name)) <= 0:
                raise ValueError(f"{name} must be above 0, got {min(getattr(self, name))}")

    def upright(self, points: Floats, /) -> shape.Upright:
        """Returns faces (N, 478, 3), px, turned to the front."""
        return shape.upright(points, np.array(self.template))

    def landmarks(self, points: Floats, /) -> ibug68.Points:
        """Returns iBUG's 68 points of faces (N, 478, 3): float32 (N, 68, 2), px."""
        vertices = np.array(self.landmark_vertices)
        return ibug68.landmarks68(points, vertices, np.array(self.landmark_shares))

    def scores(self, points: Floats, /) -> Floats:
        """Returns float64 (N, A): standard deviations above people's neutral faces.

        Args:
            points: float64 (N, 478, 3), px; z on the scale of x.
        """
        raw = _raw_scores(self, shape.lengths(self.upright(points).points))
        return np.asarray((raw - self.neutral_means) / np.array(self.neutral_stds))


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledRenders:
    """N renders whose points MediaPipe found."""

    points: Floats
    """float64 (N, 478, 3), px."""
    intensities: Floats
    """float64 (N, A), 0-5; 2 and more counts as occurrence."""
    turns_deg: Floats
    """float64 (N,), the angle between each head and the camera."""
    landmarks_xy: Floats
    """float64 (N, 68, 2), px."""

    def take(self, rows: slice, /) -> LabelledRenders:
        """Returns some of them."""
        return LabelledRenders(
            points=self.points[rows],
            intensities=self.intensities[rows],
            turns_deg=self.turns_deg[rows],
            landmarks_xy=self.landmarks_xy[rows],
        )


def fit(
    renders: LabelledRenders,
    neutral_points: Floats,
    /,
    *,
    labels: tuple[str, ...],
    mediapipe: str,
    model_sha256: str,
) -> GeometryTeacher:
    """Returns the teacher of some renders.

    Args:
        renders: with A labels.
        neutral_points: float64 (M, 478, 3), px, of people who were asked to show nothing.
        labels: the AUs, A of them.
        mediapipe: its version.
        model_sha256: of its model file.
    """
    frontal = np.argsort(renders.turns_deg, kind="stable")[:FRONTAL_RENDERS]
    template = shape.frontal_template(renders.points[frontal])
    values = shape.lengths(shape.upright(renders.points, template).points)
    means, stds = values.mean(axis=0), values.std(axis=0)
    standardised = (values - means) / stds
    occurs = renders.intensities >= 2
    lines = [logistic.fitted(standardised, column, c=C) for column in occurs.T]
    vertices, shares = ibug68.fitted(renders.points, renders.landmarks_xy)
    begun = GeometryTeacher(
        labels=labels,
        template=_rows(template),
        length_means=tuple(means.tolist()),
        length_stds=tuple(stds.tolist()),
        weights=_rows(np.array([weights for weights, _ in lines])),
        intercepts=tuple(intercept for _, intercept in lines),
        neutral_means=(0.0,) * len(labels),
        neutral_stds=(1.0,) * len(labels),
        landmark_vertices=_rows(vertices),
        landmark_shares=_rows(shares),
        renders=len(renders.points),
        neutrals=len(neutral_points),
        mediapipe=mediapipe,
        model_sha256=model_sha256,
    )
    neutral = begun.scores(neutral_points)
    return dataclasses.replace(
        begun,
        neutral_means=tuple(neutral.mean(axis=0).tolist()),
        neutral_stds=tuple(neutral.std(axis=0).tolist()),
    )


def probabilities(scores: Floats, /) -> Floats:
    """Returns soft labels in [0, 1] of scores in standard deviations above neutral faces."""
    return np.asarray(1 / (1 + np.exp(-STEEPNESS * (scores - HALF_AT))))


def read(path: Path, /) -> GeometryTeacher:
    """Returns the teacher in a JSON file.

    Raises:
        SourceOpenError: the file is missing or holds something else.
    """
    payload = read_json(path, hint="`rtau-train label-geometry` writes it")
    return from_plain(GeometryTeacher, payload, origin=str(path))


def write(path: Path, teacher: GeometryTeacher, /) -> None:
    """Writes a teacher as JSON."""
    write_json(path, teacher)


def _raw_scores(teacher: GeometryTeacher, lengths: Floats) -> Floats:
    standardised = (lengths - teacher.length_means) / np.array(teacher.length_stds)
    return np.asarray(standardised @ np.array(teacher.weights).T + teacher.intercepts)


def _rows(values: npt.NDArray[Any]) -> Any:
    """Returns an array's rows as tuples of plain numbers."""
    return tuple(tuple(row) for row in values.tolist())
