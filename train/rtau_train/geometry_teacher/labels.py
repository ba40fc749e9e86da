"""Turns a teacher's scores of portraits into soft labels: who is left out, and what is not coded.

The teacher sees geometry only, so it errs in known ways: a smile lifts its AU9 in a third of people
and its AU26 and AU10 in more, narrow eyes pass for raised cheeks, a turned head bends every length.
Writes nothing. Called by the verb.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau_train.datasets.prepare.listing import Rejection
from rtau_train.datasets.prepare.portraits import FULL_INTENSITY
from rtau_train.geometry_teacher.landmarker import MeshPoints
from rtau_train.geometry_teacher.pictures import Portrait
from rtau_train.geometry_teacher.teacher import GeometryTeacher, probabilities

Floats = npt.NDArray[np.float64]

MOST_YAW_DEG: Final = 25.0
# Faces that look up seem to raise their chins, those that look down to raise their brows.
MOST_PITCH_DEG: Final = 20.0
SMILE: Final = "AU12"
# Not coded where a smile is as likely as not.
CONFUSED_BY_SMILES: Final = ("AU09", "AU10", "AU26")
SMILES_FROM: Final = 0.5
# Eyes that are narrow by build or gaze pass for AU6; it is believed where the mouth smiles.
CHEEK: Final = "AU06"
CHEEK_FROM: Final = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class SoftLabels:
    """Portraits that were labelled, N of them, and those that were not."""

    rows: npt.NDArray[np.int64]
    """int64 (N,): which of the portraits."""
    scores: Floats
    """float64 (N, A): standard deviations above people's neutral faces."""
    intensities: Floats
    """float64 (N, A): three times the probability, 3 being a full target; NaN: not coded."""
    yaw_deg: Floats
    """float64 (N,)."""
    rejections: tuple[Rejection, ...]


def soft_labels(
    teacher: GeometryTeacher, portraits: Sequence[Portrait], mesh: MeshPoints, /
) -> SoftLabels:
    """Returns what the teacher says of each portrait that it can judge."""
    seen = np.flatnonzero(mesh.faces == 1)
    yaw_deg, pitch_deg = np.full((2, len(portraits)), np.nan)
    turned = teacher.upright(mesh.points[seen])
    yaw_deg[seen], pitch_deg[seen] = turned.yaw_deg, turned.pitch_deg
    reasons = {
        row: reason
        for row in range(len(portraits))
        if (reason := _reason(int(mesh.faces[row]), yaw_deg[row], pitch_deg[row]))
    }
    rows = np.array([row for row in range(len(portraits)) if row not in reasons], np.int64)
    scores = teacher.scores(mesh.points[rows])
    return SoftLabels(
        rows=rows,
        scores=scores,
        intensities=coded(teacher.labels, probabilities(scores)) * FULL_INTENSITY,
        yaw_deg=yaw_deg[rows],
        rejections=tuple(Rejection(portraits[row].name, reason) for row, reason in reasons.items()),
    )


def _reason(faces: int, yaw_deg: float, pitch_deg: float) -> str:
    """Returns why a picture is not labelled; empty if it is."""
    if faces == 0:
        return "no face found"
    if faces > 1:
        return "a second face"
    if abs(yaw_deg) > MOST_YAW_DEG:
        return f"turned by {yaw_deg:.0f} degrees, at most {MOST_YAW_DEG:g} can be judged"
    if abs(pitch_deg) > MOST_PITCH_DEG:
        return f"nods by {pitch_deg:.0f} degrees, at most {MOST_PITCH_DEG:g} can be judged"
    return ""


def coded(labels: Sequence[str], likely: Floats, /) -> Floats:
    """Returns probabilities (N, A), NaN where the teacher is known to be misled."""
    smiling = likely[:, labels.index(SMILE)] >= SMILES_FROM
    kept: Floats = likely.copy()
    for label in set(CONFUSED_BY_SMILES).intersection(labels):
        kept[smiling, labels.index(label)] = np.nan
    if CHEEK in labels:
        cheek = labels.index(CHEEK)
        kept[~smiling & (likely[:, cheek] >= CHEEK_FROM), cheek] = np.nan
    return kept
