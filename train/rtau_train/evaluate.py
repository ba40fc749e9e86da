"""Runs a network over held-out crops: thresholds and CAM scales on one part, figures on another.

The figures are about the data they are given, here rendered faces, and the report says so. Called
by the loop after each epoch and by `rtau-train evaluate`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch

from rtau.contract import CamMethod
from rtau_train import augment, metrics
from rtau_train.cam import logits_and_cams
from rtau_train.checkpoint import Model
from rtau_train.data import OCCURS_FROM, RenderedCrops
from rtau_train.folds import Rows, split_rows
from rtau_train.models.facenet import FaceNet
from rtau_train.recipe import Recipe

# Rows per forward pass; small enough for any laptop.
BATCH = 64
# The CAM maximum that 90 % of the faces showing the AU stay below is drawn as full heat. At 99 %
# one extreme face set the scale and the heat of most others was too faint to see.
CAM_PERCENTILE = 90
# Columns of labels.csv that the report is broken down by.
GROUP_COLUMNS = ("ethnicity", "sex", "age_group")


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a network says of some rows."""

    logits: npt.NDArray[np.float32]
    """float32 (N, A)."""
    cam_peaks: npt.NDArray[np.float32]
    """float32 (N, A): the highest raw Grad-CAM value."""
    cam_plus_plus_peaks: npt.NDArray[np.float32]
    """float32 (N, A): the highest raw Grad-CAM++ value."""

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """float64 (N, A): sigmoid of the logits."""
        return np.asarray(1 / (1 + np.exp(-self.logits.astype(np.float64))))


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What the threshold part decides."""

    thresholds: tuple[float, ...]
    cam_scale: tuple[float, ...]
    cam_plus_plus_scale: tuple[float, ...]
    mean_auc: float


@dataclasses.dataclass(frozen=True)
class LabelFigures:
    """Figures of one label on the report part."""

    label: str
    auc: float
    f1: float
    threshold: float
    base_rate: float


@dataclasses.dataclass(frozen=True)
class GroupFigures:
    """Means over the labels for the rows of one group."""

    column: str
    value: str
    rows: int
    mean_auc: float
    macro_f1: float


@dataclasses.dataclass(frozen=True)
class Report:
    """The figures of a model on the report part."""

    rows: int
    labels: tuple[LabelFigures, ...]
    groups: tuple[GroupFigures, ...]
    mean_auc: float
    macro_f1: float
    macro_f1_all_positive: float
    """Macro-F1 of always saying yes: what a model must beat."""


def cut_plain(data: RenderedCrops, rows: Rows, recipe: Recipe, /) -> npt.NDArray[np.uint8]:
    """Returns the canonical crops of some rows: uint8 (N, S, S, 3), RGB."""
    size = recipe.network.input_size
    pictures = zip(data.images(rows), data.landmarks[rows], strict=True)
    return np.stack(
        [augment.plain_crop(image, points, recipe.crop, size=size) for image, points in pictures]
    )


def predict(net: FaceNet, crops: npt.NDArray[np.uint8], /) -> Predictions:
    """Returns logits and CAM peaks of uint8 crops (N, S, S, 3); leaves the network in eval mode."""
    net.eval()
    logits = []
    peaks: dict[CamMethod, list[npt.NDArray[np.float32]]] = {"gradcam": [], "gradcam++": []}
    with torch.inference_mode():
        for batch in torch.split(torch.from_numpy(crops), BATCH):
            maps = net.features(batch)
            logits.append(net.head(net.pooling(maps)).numpy())
            for method, found in peaks.items():
                _, cams = logits_and_cams(maps, net.head, net.pooling, method=method)
                found.append(cams.amax(dim=(2, 3)).numpy())
    highest = (np.concatenate(found) for found in peaks.values())
    return Predictions(np.concatenate(logits), *highest)


def calibrate(
    net: FaceNet, crops: npt.NDArray[np.uint8], intensities: npt.NDArray[np.float32], /
) -> Calibration:
    """Returns thresholds of best F1 and CAM scales, chosen on these crops."""
    said = predict(net, crops)
    truth = intensities >= OCCURS_FROM
    columns = range(truth.shape[1])
    probabilities = said.probabilities
    areas = [metrics.auc(said.logits[:, k], truth[:, k]) for k in columns]
    return Calibration(
        thresholds=tuple(metrics.best_threshold(probabilities[:, k], truth[:, k]) for k in columns),
        cam_scale=tuple(_cam_scale(said.cam_peaks[:, k], truth[:, k]) for k in columns),
        cam_plus_plus_scale=tuple(
            _cam_scale(said.cam_plus_plus_peaks[:, k], truth[:, k]) for k in columns
        ),
        mean_auc=_mean(areas),
    )


def calibrated(model: Model, data: RenderedCrops) -> Model:
    """Returns the model with thresholds and CAM scales chosen anew on its threshold part."""
    rows = split_rows(len(data), model.recipe.fit).thresholds
    crops = cut_plain(data, rows, model.recipe)
    chosen = calibrate(model.network(), crops, data.intensities[rows])
    return dataclasses.replace(
        model,
        thresholds=chosen.thresholds,
        cam_scale=chosen.cam_scale,
        cam_plus_plus_scale=chosen.cam_plus_plus_scale,
    )


def report(model: Model, data: RenderedCrops) -> Report:
    """Returns the figures of a model on the rows that training never saw nor chose by."""
    rows = split_rows(len(data), model.recipe.fit).report
    probabilities = predict(model.network(), cut_plain(data, rows, model.recipe)).probabilities
    truth = data.intensities[rows] >= OCCURS_FROM
    labels = tuple(
        LabelFigures(
            label=label,
            auc=metrics.auc(probabilities[:, k], truth[:, k]),
            f1=metrics.f1(probabilities[:, k] >= model.thresholds[k], truth[:, k]),
            threshold=model.thresholds[k],
            base_rate=float(truth[:, k].mean()),
        )
        for k, label in enumerate(model.recipe.network.labels)
    )
    everywhere = np.ones(len(rows), bool)
    return Report(
        rows=len(rows),
        labels=labels,
        groups=_groups(data, rows, probabilities, thresholds=model.thresholds),
        mean_auc=_mean([figures.auc for figures in labels]),
        macro_f1=_mean([figures.f1 for figures in labels]),
        macro_f1_all_positive=_mean([metrics.f1(everywhere, column) for column in truth.T]),
    )


def _groups(
    data: RenderedCrops,
    rows: Rows,
    probabilities: npt.NDArray[np.float64],
    *,
    thresholds: tuple[float, ...],
) -> tuple[GroupFigures, ...]:
    found = []
    truth = data.intensities[rows] >= OCCURS_FROM
    decisions = probabilities >= np.array(thresholds)
    for column in GROUP_COLUMNS:
        values = data.columns.get(column)
        for value in () if values is None else np.unique(values[rows]):
            chosen = data.columns[column][rows] == value
            pairs = list(zip(truth[chosen].T, decisions[chosen].T, strict=True))
            areas = [
                metrics.auc(scores, seen)
                for scores, seen in zip(probabilities[chosen].T, truth[chosen].T, strict=True)
            ]
            macro_f1 = _mean([metrics.f1(said, seen) for seen, said in pairs])
            found.append(
                GroupFigures(column, str(value), int(chosen.sum()), _mean(areas), macro_f1)
            )
    return tuple(found)


def _cam_scale(peaks: npt.NDArray[np.float32], occurs: npt.NDArray[np.bool_]) -> float:
    """Returns the fixed full heat of one label; every row counts where the label never occurs."""
    chosen = peaks[occurs] if occurs.any() else peaks
    # A network that has not begun to learn may have no heat at all; the scale must be positive.
    return max(float(np.percentile(chosen, CAM_PERCENTILE)), 1e-6)


def _mean(values: list[float]) -> float:
    """Returns the mean of the values that are defined; NaN when none is."""
    known = [value for value in values if value == value]  # noqa: PLR0124 - NaN differs from itself
    return float(np.mean(known)) if known else float("nan")
