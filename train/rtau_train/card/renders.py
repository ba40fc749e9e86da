"""Figures on the renders that neither training nor the thresholds saw: whole, by group, changed.

Called by the measurement of a card.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau.errors import SourceOpenError
from rtau.protocols import Engine
from rtau_train.card import robustness
from rtau_train.card.record import ChangeMetrics, RenderMetrics
from rtau_train.card.scoring import UNCHANGED, Probabilities, scored, thresholds_of
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows, Words
from rtau_train.evaluation.assessment import Answers, group_metrics, label_metrics
from rtau_train.evaluation.evaluate import answers_from
from rtau_train.recipe import Recipe

YAW_COLUMN = "yaw_deg"
# Edges of the bins of how far a head is turned to either side.
YAW_EDGES_DEG = (10, 20, 30)
YAW_BINS = ("0-10", "10-20", "20-30", ">30")
YAW_GROUP = "turned by, degrees"


def render_metrics(
    engine: Engine, data: LabelledCrops, rows: Rows, /, *, recipe: Recipe
) -> RenderMetrics:
    """Returns the figures of some rows of renders.

    Raises:
        SourceOpenError: a picture cannot be read, or a turn of the head is no number.
    """
    contract = engine.contract
    groups = _columns(data, rows)
    changes = robustness.changes(contract.input_size)
    said = scored(engine, data, rows, recipe=recipe, changes=changes)
    plain = answers_from(data, rows, said[UNCHANGED])
    thresholds = thresholds_of(contract)
    labels, means = label_metrics(plain, thresholds=thresholds.tolist(), seed=recipe.fit.seed)
    return RenderMetrics(
        rows=len(rows),
        subjects=len(np.unique(plain.subjects)),
        labels=labels,
        means=means,
        groups=group_metrics(plain, groups, thresholds=thresholds.tolist()),
        changes=tuple(
            _change(name, plain, answers_from(data, rows, changed), thresholds=thresholds)
            for name, changed in said.items()
        ),
    )


def _change(
    name: str, plain: Answers, changed: Answers, /, *, thresholds: Probabilities
) -> ChangeMetrics:
    everyone = {"change": np.full(len(changed.files), "all")}
    (whole,) = group_metrics(changed, everyone, thresholds=thresholds.tolist())
    same = (plain.probabilities >= thresholds) == (changed.probabilities >= thresholds)
    return ChangeMetrics(name, whole.mean_auc, whole.macro_f1, float(same.mean()))


def _columns(data: LabelledCrops, rows: Rows) -> dict[str, Words]:
    """Returns the groups of some rows, of the columns there are: str (len(rows),) each.

    Skin is told by `skin_tone` where renders have it; older ones have `ethnicity` in its place.
    """
    skin = "skin_tone" if "skin_tone" in data.columns else "ethnicity"
    names = [name for name in ("sex", "age_group", skin, "glasses") if name in data.columns]
    groups = {name: data.columns[name][rows] for name in names}
    if YAW_COLUMN in data.columns:
        groups[YAW_GROUP] = _yaw_bins(degrees(data, rows, YAW_COLUMN))
    return groups


def degrees(data: LabelledCrops, rows: Rows, column: str, /) -> npt.NDArray[np.float64]:
    """Returns an angle of some rows, float64 (len(rows),): NaN where it is not known.

    Raises:
        SourceOpenError: a cell is no number.
    """
    words = data.columns.get(column, np.full(len(data), ""))[rows]
    try:
        return np.array([float(word) if word else np.nan for word in words])
    except ValueError as error:
        raise SourceOpenError(f"labels.csv: an angle in {column} is no number ({error})") from None


def _yaw_bins(yaw_deg: npt.NDArray[np.float64]) -> Words:
    bins = np.array(YAW_BINS)[np.searchsorted(YAW_EDGES_DEG, np.abs(yaw_deg))]
    return np.where(np.isnan(yaw_deg), "", bins)
