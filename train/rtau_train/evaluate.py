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
from rtau_train.data import LabelledCrops, Rows, occurrence
from rtau_train.loss import label_loss
from rtau_train.models.facenet import FaceNet
from rtau_train.parts import Parts
from rtau_train.recipe import Recipe

# Rows per forward pass; small enough for any laptop.
BATCH = 64
# Pictures decoded before they are cut: few, for they may be large.
READ_AT_ONCE = 256
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
    score: float
    """Mean AUC of sigmoid outputs, accuracy of a softmax."""
    loss: float
    """Mean loss of the labels, landmarks left out."""


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


def cut_plain(data: LabelledCrops, rows: Rows, recipe: Recipe, /) -> npt.NDArray[np.uint8]:
    """Returns the canonical crops of some rows: uint8 (N, S, S, 3), RGB."""
    size = recipe.network.input_size
    cut = np.empty((len(rows), size, size, 3), np.uint8)
    for first in range(0, len(rows), READ_AT_ONCE):
        images, points = data.read(rows[first : first + READ_AT_ONCE])
        for place, image in enumerate(images):
            landmarks = None if points is None else points[place]
            cut[first + place] = augment.plain_crop(image, landmarks, recipe.crop, size=size)
    return cut


def predict(net: FaceNet, crops: npt.NDArray[np.uint8], /) -> Predictions:
    """Returns logits and CAM peaks of uint8 crops (N, S, S, 3); leaves the network in eval mode."""
    net.eval()
    device = net.normalise.mean.device
    logits = []
    peaks: dict[CamMethod, list[npt.NDArray[np.float32]]] = {"gradcam": [], "gradcam++": []}
    with torch.inference_mode():
        for batch in torch.split(torch.from_numpy(crops), BATCH):
            maps = net.features(batch.to(device))
            logits.append(net.head(net.pooling(maps)).cpu().numpy())
            for method, found in peaks.items():
                _, cams = logits_and_cams(maps, net.head, net.pooling, method=method)
                found.append(cams.amax(dim=(2, 3)).cpu().numpy())
    highest = (np.concatenate(found) for found in peaks.values())
    return Predictions(np.concatenate(logits), *highest)


def calibrate(
    net: FaceNet,
    crops: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.float32],
    /,
    *,
    recipe: Recipe,
) -> Calibration:
    """Returns thresholds of best F1 and CAM scales, chosen on these crops.

    A softmax has no thresholds: they are 0. Rows where a label is not coded do not count for it.
    """
    said, task = predict(net, crops), recipe.network.task
    coded, occurs = ~np.isnan(targets), occurrence(targets, task=task)
    columns = range(targets.shape[1])
    if task == "multi_class":
        thresholds = [0.0 for _ in columns]
        score = float((said.logits.argmax(axis=1) == targets.argmax(axis=1)).mean())
    else:
        known = [(said.probabilities[coded[:, k], k], occurs[coded[:, k], k]) for k in columns]
        thresholds = [metrics.best_threshold(*pair) for pair in known]
        score = _mean([metrics.auc(*pair) for pair in known])
    loss = label_loss(
        torch.from_numpy(said.logits), torch.from_numpy(targets), fit=recipe.fit, task=task
    )
    return Calibration(
        thresholds=tuple(thresholds),
        cam_scale=tuple(_cam_scale(said.cam_peaks[:, k], occurs[:, k]) for k in columns),
        cam_plus_plus_scale=tuple(
            _cam_scale(said.cam_plus_plus_peaks[:, k], occurs[:, k]) for k in columns
        ),
        score=score,
        loss=float(loss),
    )


def calibrated(model: Model, parts: Parts) -> Model:
    """Returns the model with thresholds and CAM scales chosen anew on its validation part."""
    rows = parts.split.validation
    crops = cut_plain(parts.data, rows, model.recipe)
    chosen = calibrate(model.network(), crops, parts.data.targets[rows], recipe=model.recipe)
    return dataclasses.replace(
        model,
        thresholds=chosen.thresholds,
        cam_scale=chosen.cam_scale,
        cam_plus_plus_scale=chosen.cam_plus_plus_scale,
    )


def report(model: Model, parts: Parts) -> Report:
    """Returns the figures of a model on the rows that training never saw nor chose by."""
    data, rows = parts.data, parts.split.test
    probabilities = predict(model.network(), cut_plain(data, rows, model.recipe)).probabilities
    truth = data.occurs[rows]
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
    data: LabelledCrops,
    rows: Rows,
    probabilities: npt.NDArray[np.float64],
    *,
    thresholds: tuple[float, ...],
) -> tuple[GroupFigures, ...]:
    found = []
    truth = data.occurs[rows]
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
