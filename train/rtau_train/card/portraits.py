"""How far a model follows the one that scored the portraits, on portraits it was not trained on.

Only AUs that the teacher's scores are used for. Called by the measurement of a card.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau.protocols import Engine
from rtau_train.card.origins import known_portraits
from rtau_train.card.record import PortraitMetrics, TeacherMetrics
from rtau_train.card.scoring import UNCHANGED, scored, unchanged
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows, Words
from rtau_train.evaluation import binary_metrics
from rtau_train.evaluation.assessment import Answers
from rtau_train.evaluation.correlations import spearman
from rtau_train.evaluation.evaluate import answers_from
from rtau_train.recipe import Recipe


def portrait_metrics(
    engine: Engine, data: LabelledCrops, rows: Rows, /, *, recipe: Recipe, trained_on: Words
) -> PortraitMetrics:
    """Returns the figures of some rows of portraits.

    Args:
        engine: what is measured.
        data: that hold the portraits.
        rows: of them.
        recipe: of the model.
        trained_on: subjects that the model has seen.

    Raises:
        SourceOpenError: a picture cannot be read.
    """
    said = scored(engine, data, rows, recipe=recipe, changes={UNCHANGED: unchanged})[UNCHANGED]
    coded = [k for k in range(len(data.labels)) if data.coded[rows, k].any()]
    answers = answers_from(data, rows, said)
    labels = tuple(_label(answers, data.targets[rows, k], k) for k in coded)
    seen = np.isin(data.subjects[rows], trained_on)
    return PortraitMetrics(
        rows=len(rows),
        subjects=len(np.unique(data.subjects[rows])),
        origins=known_portraits(data.take(rows)),
        rows_of_known_subjects=int(seen.sum()),
        labels=labels,
        mean_auc=binary_metrics.known_mean(row.auc for row in labels),
        mean_spearman=binary_metrics.known_mean(row.spearman for row in labels),
    )


def _label(said: Answers, soft: npt.NDArray[np.float32], k: int, /) -> TeacherMetrics:
    coded = said.coded[:, k]
    scores, present = said.probabilities[coded, k], said.present[coded, k]
    return TeacherMetrics(
        label=said.labels[k],
        rows=int(coded.sum()),
        positives=int(present.sum()),
        auc=binary_metrics.auc(scores, present),
        spearman=spearman(scores, soft[coded]),
    )
