"""Measures a teacher: held-out renders, people's neutral faces and smiles, MediaPipe's own scores.

Nothing is fitted here. Called by the verb, which writes the record as JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau_train.datasets.prepare.portraits import TEACHERS
from rtau_train.evaluation.binary_metrics import auc, known_mean
from rtau_train.evaluation.correlations import spearman
from rtau_train.geometry_teacher.landmarker import MeshPoints
from rtau_train.geometry_teacher.teacher import HALF_AT, GeometryTeacher

Floats = npt.NDArray[np.float64]

# A picture among the highest this share of MediaPipe's scores counts as showing the action.
_TOP_SHARE: Final = 0.2


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What was measured; NaN where there was nothing to measure."""

    renders: int
    """Held out of the fit."""
    renders_auc: Mapping[str, float]
    """Per AU, intensity 2 or more against less."""
    renders_mean_auc: float
    people: int
    """Each with a neutral face and a smile; none gave the scores their zero and unit."""
    neutral_alarms: Mapping[str, float]
    """Share of neutral faces whose soft label is 0.5 or more, per AU."""
    smile_alarms: Mapping[str, float]
    """The same of the smiles: AU12 is asked for, AU6 and AU25 often come with it."""
    smile_auc: Mapping[str, float]
    """Smile against neutral, per AU."""
    smile_above_neutral: float
    """Share of people whose AU12 is higher in the smile."""
    portraits: int
    blendshape_rank_correlation: Mapping[str, float]
    """With MediaPipe's own scores on portraits, AUs that these follow."""
    blendshape_auc: Mapping[str, float]
    """Of the teacher's score, for the highest fifth of MediaPipe's."""


def assess(
    teacher: GeometryTeacher,
    /,
    *,
    render_points: Floats,
    render_intensities: Floats,
    neutral_points: Floats,
    smile_points: Floats,
    portrait_scores: Floats,
    portraits: MeshPoints,
) -> Assessment:
    """Returns what a teacher is worth.

    Args:
        teacher: of A labels.
        render_points: float64 (N, 478, 3) of renders that it was not fitted on.
        render_intensities: float64 (N, A), 0-5.
        neutral_points: float64 (M, 478, 3), a neutral face of each person.
        smile_points: float64 (M, 478, 3), the same people's smiles.
        portrait_scores: float64 (K, A), the teacher's, of labelled portraits.
        portraits: what MediaPipe says of the same portraits.
    """
    found = teacher.scores(render_points)
    renders = _per_label(teacher, lambda a: auc(found[:, a], render_intensities[:, a] >= 2))
    neutral, smile = teacher.scores(neutral_points), teacher.scores(smile_points)
    both = np.concatenate([neutral, smile])
    is_smile = np.arange(len(both)) >= len(neutral)
    smiles = teacher.labels.index("AU12")
    own = _blendshape_scores(portraits)
    places = {label: teacher.labels.index(label) for label in own}
    return Assessment(
        renders=len(render_points),
        renders_auc=renders,
        renders_mean_auc=known_mean(renders.values()),
        people=len(neutral_points),
        neutral_alarms=_per_label(teacher, lambda a: float((neutral[:, a] >= HALF_AT).mean())),
        smile_alarms=_per_label(teacher, lambda a: float((smile[:, a] >= HALF_AT).mean())),
        smile_auc=_per_label(teacher, lambda a: auc(both[:, a], is_smile)),
        smile_above_neutral=float((smile[:, smiles] > neutral[:, smiles]).mean()),
        portraits=len(portrait_scores),
        blendshape_rank_correlation={
            label: round(spearman(portrait_scores[:, places[label]], own[label]), 4)
            for label in own
        },
        blendshape_auc={
            label: round(auc(portrait_scores[:, places[label]], _highest(own[label])), 4)
            for label in own
        },
    )


def _per_label(teacher: GeometryTeacher, measure: Callable[[int], float]) -> dict[str, float]:
    return {label: round(measure(place), 4) for place, label in enumerate(teacher.labels)}


def _blendshape_scores(portraits: MeshPoints) -> dict[str, Floats]:
    """Returns MediaPipe's mean score per AU that its blendshapes follow: float64 (K,)."""
    names = portraits.blendshape_names
    return {
        label: np.asarray(portraits.blendshapes[:, [names.index(n) for n in of]].mean(axis=1))
        for label, of in TEACHERS.items()
    }


def _highest(values: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(values >= np.quantile(values, 1 - _TOP_SHARE))
