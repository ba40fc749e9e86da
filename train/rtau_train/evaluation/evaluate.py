"""Runs a network over held-out crops: thresholds and CAM scales on one part, figures on another.

The figures are about the data they are given; their formulas are in the assessment and the
metrics. Called by the loop after each epoch and by `rtau-train evaluate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from rtau.contract import CamMethod
from rtau.data import Task
from rtau.errors import UsageError
from rtau_train.datasets import augmentation
from rtau_train.datasets.folds import SPLIT_NAMES
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows, Words, occurrence
from rtau_train.datasets.splits import DataSplits
from rtau_train.evaluation import binary_metrics, calibration
from rtau_train.evaluation.assessment import Answers, class_metrics, group_metrics, label_metrics
from rtau_train.evaluation.parts import Part, part_of
from rtau_train.evaluation.run_metrics import FORMAT, RunMetrics, SplitMetrics
from rtau_train.evaluation.settings import settings_of
from rtau_train.models.cam import logits_and_cams
from rtau_train.models.checkpoint import Model
from rtau_train.models.facenet import FaceNet
from rtau_train.models.loss import label_loss
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


def cut_plain(data: LabelledCrops, rows: Rows, recipe: Recipe, /) -> npt.NDArray[np.uint8]:
    """Returns the canonical crops of some rows: uint8 (N, S, S, 3), RGB."""
    size = recipe.network.input_size
    cut = np.empty((len(rows), size, size, 3), np.uint8)
    for first in range(0, len(rows), READ_AT_ONCE):
        images, points = data.read(rows[first : first + READ_AT_ONCE])
        for place, image in enumerate(images):
            landmarks = None if points is None else points[place]
            rule = data.rule_of(int(rows[first + place]), recipe)
            cut[first + place] = augmentation.plain_crop(image, landmarks, rule, size=size)
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
            logits.append(net.logits_of(net.pooling(maps)).cpu().numpy())
            for method, found in peaks.items():
                _, cams = logits_and_cams(
                    maps, net.head, net.pooling, direct=net.direct(), method=method
                )
                found.append(cams.amax(dim=(2, 3)).cpu().numpy())
    highest = (np.concatenate(found) for found in peaks.values())
    return Predictions(np.concatenate(logits), *highest)


def probabilities(logits: npt.NDArray[np.float32], /, *, task: Task) -> npt.NDArray[np.float64]:
    """Returns the sigmoid of logits (N, A), or their softmax for classes: float64 (N, A)."""
    exact = logits.astype(np.float64)
    if task == "multi_label":
        return np.asarray(1 / (1 + np.exp(-exact)))
    powers = np.exp(exact - exact.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def calibrate(
    net: FaceNet,
    crops: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.float32],
    /,
    *,
    recipe: Recipe,
    earlier: Mapping[str, float] | None = None,
) -> Calibration:
    """Returns thresholds of best F1 and CAM scales, chosen on these crops.

    A softmax has no thresholds: they are 0. Rows where a label is not coded do not count for it;
    a label that never or always occurs there keeps its `earlier` threshold, if it has one.
    """
    said, task = predict(net, crops), recipe.network.task
    coded, occurs = ~np.isnan(targets), occurrence(targets, task=task)
    columns = range(targets.shape[1])
    if task == "multi_class":
        thresholds = [0.0 for _ in columns]
        score = float((said.logits.argmax(axis=1) == targets.argmax(axis=1)).mean())
    else:
        scores = probabilities(said.logits, task=task)
        known = [(scores[coded[:, k], k], occurs[coded[:, k], k]) for k in columns]
        labels = recipe.network.labels
        thresholds = [
            binary_metrics.best_threshold(*pair, otherwise=(earlier or {}).get(label, 0.5))
            for label, pair in zip(labels, known, strict=True)
        ]
        score = binary_metrics.known_mean(binary_metrics.auc(*pair) for pair in known)
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


def calibrated(
    model: Model, splits: DataSplits, /, *, neutral: LabelledCrops | None = None
) -> Model:
    """Returns the model with calibrated logits, and thresholds and CAM scales chosen anew.

    All on the validation part. With neutral faces the thresholds of AUs are moved by those
    (`calibration.photographic_threshold`).

    Args:
        model: whose; one that is calibrated already is calibrated on top of that.
        splits: the data of its run.
        neutral: faces that show no AU, of people who are used for nothing else.

    Raises:
        UsageError: there are too few neutral faces, or one of them shows something.
    """
    rows, recipe = splits.split.validation, model.recipe
    crops, targets = cut_plain(splits.data, rows, recipe), splits.data.targets[rows]
    if recipe.network.task == "multi_label":
        model = _with_probabilities(model, crops, targets)
    chosen = calibrate(model.network(), crops, targets, recipe=recipe)
    thresholds, origin = chosen.thresholds, model.best_f1_origin
    if neutral is not None:
        thresholds = _photographic(model, neutral, thresholds)
        origin += (
            f"; then raised until at most {calibration.NEUTRAL_ALARMS:.0%} of {len(neutral)} "
            "neutral photographs, of people used for nothing else, are above, or lowered halfway "
            "to that in log-odds"
        )
    return dataclasses.replace(
        model,
        thresholds=thresholds,
        thresholds_origin=origin,
        intensity_scale=None,  # follows from what has just changed, as do the sides
        side_gains=None,
        cam_scale=chosen.cam_scale,
        cam_plus_plus_scale=chosen.cam_plus_plus_scale,
    )


def _with_probabilities(
    model: Model, crops: npt.NDArray[np.uint8], targets: npt.NDArray[np.float32]
) -> Model:
    """Returns the model with temperature and shift folded into its last layer."""
    logits = predict(model.network(), crops).logits
    coded, occurs = ~np.isnan(targets), occurrence(targets, task="multi_label")
    fitted = [
        calibration.temperature_and_shift(logits[coded[:, k], k], occurs[coded[:, k], k])
        for k in range(targets.shape[1])
    ]
    temperature, shift = (np.array(values) for values in zip(*fitted, strict=True))
    before = np.array(model.temperature or np.ones(len(fitted)))
    moved = np.array(model.shift or np.zeros(len(fitted))) + before * shift
    return dataclasses.replace(
        model,
        weights=calibration.folded(model.weights, temperature, shift),
        temperature=tuple((before * temperature).tolist()),
        shift=tuple(moved.tolist()),
        calibration_origin=f"likelihood on {len(targets)} rows of the validation part",
    )


def _photographic(
    model: Model, neutral: LabelledCrops, thresholds: tuple[float, ...]
) -> tuple[float, ...]:
    if not len(neutral) or not neutral.shows_nothing.all():
        raise UsageError("--neutral must name faces that are coded and show no AU at all")
    crops = cut_plain(neutral, np.arange(len(neutral)), model.recipe)
    said = probabilities(predict(model.network(), crops).logits, task="multi_label")
    return tuple(
        calibration.photographic_threshold(threshold, calibration.quiet_threshold(said[:, k]))
        for k, threshold in enumerate(thresholds)
    )


def answers(model: Model, splits: DataSplits, part: Part | None = None, /) -> Answers:
    """Returns what a model says of a part, and the truth; None: the test part of its split."""
    rows = splits.split.test if part is None else part.rows
    return answers_to(model, splits.data, rows)


def answers_to(model: Model, data: LabelledCrops, rows: Rows, /) -> Answers:
    """Returns what a model says of some rows, and the truth; few pictures are read at a time."""
    net = model.network()
    logits = [
        predict(net, cut_plain(data, rows[first : first + READ_AT_ONCE], model.recipe)).logits
        for first in range(0, len(rows), READ_AT_ONCE)
    ]
    task = model.recipe.network.task
    return answers_from(data, rows, probabilities(np.concatenate(logits), task=task))


def answers_from(data: LabelledCrops, rows: Rows, said: npt.NDArray[np.float64], /) -> Answers:
    """Returns probabilities (len(rows), A) that somebody said of some rows, beside the truth."""
    return Answers(
        labels=data.labels,
        files=tuple(data.name(int(row)) for row in rows),
        probabilities=said,
        present=data.occurs[rows],
        coded=data.coded[rows],
        subjects=data.subjects[rows],
    )


def report(
    model: Model,
    splits: DataSplits,
    /,
    *,
    part: Part | None = None,
    said: Answers | None = None,
    groups: dict[str, Words] | None = None,
    record: dict[str, Any] | None = None,
) -> RunMetrics:
    """Returns the figures of a model on one part of the data.

    Args:
        model: whose.
        splits: the data of its run.
        part: which rows; None: the test part of the split.
        said: its `answers` of that part, if they are there already.
        groups: str (N,) columns of the part to break the figures down by; None: those of
            `GROUP_COLUMNS` that the data have.
        record: what else is known of the run; its settings and weights are added.
    """
    part = part or part_of(splits, "test")
    said = said or answers(model, splits, part)
    recipe, made = model.recipe, splits.data.preparation
    is_labels, seed = recipe.network.task == "multi_label", recipe.fit.seed
    thresholds = model.thresholds if is_labels else None
    labels, means = (
        label_metrics(said, thresholds=model.thresholds, seed=seed) if is_labels else ((), None)
    )
    added = {"settings": settings_of(recipe), "weights_sha256": model.weights_sha256()}
    return RunMetrics(
        format=FORMAT,
        task=recipe.network.task,
        network=recipe.network.name,
        dataset="renders" if made is None else made.dataset,
        protocol=splits.protocol,
        seed=seed,
        **{name: _size(splits, getattr(splits.split, name)) for name in SPLIT_NAMES},
        judged=_size(splits, part.rows),
        part=part.words,
        used_for=part.used_for,
        labels=labels,
        means=means,
        groups=group_metrics(
            said, groups or group_columns(splits, None, part), thresholds=thresholds
        ),
        classes=None if is_labels else class_metrics(said, seed=seed),
        cams=(),
        record={**(record or {}), **added},
    )


def _size(splits: DataSplits, rows: Rows) -> SplitMetrics:
    return SplitMetrics(len(rows), len(np.unique(splits.data.subjects[rows])))


def group_columns(
    splits: DataSplits, wanted: Sequence[str] | None, part: Part, /
) -> dict[str, Words]:
    """Returns columns of labels.csv for a part; None: those of `GROUP_COLUMNS` there are.

    Raises:
        UsageError: the data lack a column that is wanted.
    """
    columns = splits.data.columns
    names = [name for name in GROUP_COLUMNS if name in columns] if wanted is None else wanted
    missing = [name for name in names if name not in columns]
    if missing:
        raise UsageError(
            f"labels.csv has no column {missing[0]} to group by; it has "
            f"{', '.join(columns) or 'none beside the labels'}"
        )
    return {name: columns[name][part.rows] for name in names}


def _cam_scale(peaks: npt.NDArray[np.float32], occurs: npt.NDArray[np.bool_]) -> float:
    """Returns the fixed full heat of one label; every row counts where the label never occurs."""
    chosen = peaks[occurs] if occurs.any() else peaks
    # A network that has not begun to learn may have no heat at all; the scale must be positive.
    return max(float(np.percentile(chosen, CAM_PERCENTILE)), 1e-6)
