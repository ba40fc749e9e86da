"""Linear layers that read sides and pose off a trained network, and its scale of intensities.

The body is left as it is: asymmetry and pose are ridge regressions on its pooled features, solved
in closed form on part of some renders, mirrored crops included. The scale of intensities follows
the calibrated log-odds; a part that nothing was fitted on judges. Called by `rtau-train probe`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rtau.contract import INTENSITIES
from rtau.errors import UsageError
from rtau.intensity import intensities
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.datasets.splits import DataSplits, splits_of
from rtau_train.evaluation.evaluate import BATCH, cut_plain
from rtau_train.models.checkpoint import Model
from rtau_train.models.facenet import FaceNet
from rtau_train.recipe import Recipe

Values = npt.NDArray[np.float64]

# Ridge penalties that are tried, per row and squared standard deviation of a feature.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
# Below this mean intensity nobody can tell which side is stronger.
SIDED_FROM = 0.5
# A side whose asymmetry follows the truth less than this on the test part is not told.
LEAST_SIDE_R = 0.5
# Fewer pictures that show a label cannot say how well its sides are told.
FEWEST_SIDED = 50
# What a symmetrical face without the action weighs beside one that shows it.
SILENT_WEIGHT = 0.1
# Intensities that lie closer than this in log-odds could not be told apart.
LEAST_STEP = 0.15
FEWEST = 8
POSES = ("pitch", "yaw")


@dataclasses.dataclass(frozen=True)
class ProbeReport:
    """How well the layers do on the test part: Pearson's r, mean absolute error of angles."""

    asymmetry_r: dict[str, float]
    pose_r: dict[str, float]
    pose_error_deg: dict[str, float]
    intensity_r: dict[str, float]


def parts_of(data: LabelledCrops, recipe: Recipe, /) -> DataSplits:
    """Returns pictures that a run has not seen, in parts by its recipe's shares."""
    plan = dataclasses.replace(recipe.split, train_only=(), train_rows=0)
    return splits_of(data, dataclasses.replace(recipe, split=plan, oversample=None))


def probed(model: Model, splits: DataSplits, /) -> tuple[Model, ProbeReport]:
    """Returns the model with its sides, pose and scale of intensities, and how good they are.

    Args:
        model: trained and calibrated; its recipe names the labels with sides and whether a pose.
        splits: renders, if possible unseen, with the columns `AU12_L`, `AU12_R`, `yaw_deg` and
            `pitch_deg`.

    Raises:
        UsageError: the data have no such columns, or too few rows show a label.
    """
    net, recipe = model.network(), model.recipe
    parts = {
        name: _known(splits.data, getattr(splits.split, name))
        for name in ("train", "validation", "test")
    }
    crops = {name: cut_plain(splits.data, rows, recipe) for name, rows in parts.items()}
    features = {name: _features(net, images) for name, images in crops.items()}
    mirrored = _features(net, np.ascontiguousarray(crops["train"][:, :, ::-1]))
    angles = {name: _angles(splits.data, rows) for name, rows in parts.items()}
    sides = {name: _sides(splits.data, rows, recipe.network.sides) for name, rows in parts.items()}
    weights, said = dict(model.weights), {}
    for name, samples, mirror in (("pose", angles, [1, -1]), ("asymmetry", sides, [-1])):
        values, counts = samples["train"]
        if values.shape[1] == 0 or (name == "pose" and not recipe.network.pose):
            continue
        seen = np.concatenate([features["train"], mirrored])
        wanted = np.concatenate([values, values * mirror])
        layer = _best_layer(
            _Sample(seen, wanted, np.concatenate([counts, counts])),
            _Sample(features["validation"], *samples["validation"]),
        )
        weights |= _state(name, layer)
        said[name] = _apply(layer, features["test"])
    targets = splits.data.targets
    chosen = np.concatenate([features["train"], features["validation"]])
    chosen_targets = targets[np.concatenate([parts["train"], parts["validation"]])]
    scale = _scale(model, _logits(net, chosen), chosen_targets)
    shown = _logits(net, features["test"])
    report = ProbeReport(
        **_side_and_pose_figures(model, said, sides=sides["test"], angles=angles["test"]),
        intensity_r=_intensity_figures(model, shown, targets[parts["test"]], scale=scale),
    )
    probed = dataclasses.replace(model, weights=weights, intensity_scale=scale)
    return _with_sides(probed, report.asymmetry_r), report


def _with_sides(model: Model, correlations: Mapping[str, float]) -> Model:
    """Returns the model with the sides that it tells well enough; the others are left out."""
    network = model.recipe.network
    columns = [
        column
        for column, label in enumerate(network.sides)
        if correlations[label] >= LEAST_SIDE_R  # False for NaN
    ]
    sides = tuple(network.sides[column] for column in columns)
    weights = dict(model.weights)
    for name in ("asymmetry.weight", "asymmetry.bias"):
        if name in weights:
            rows = weights.pop(name)[columns]
            weights |= {name: rows} if columns else {}
    recipe = dataclasses.replace(model.recipe, network=dataclasses.replace(network, sides=sides))
    return dataclasses.replace(model, recipe=recipe, weights=weights)


def _known(data: LabelledCrops, rows: Rows) -> Rows:
    """Returns the rows whose pose and sides are recorded: renders."""
    for name in ("yaw_deg", "pitch_deg"):
        if name not in data.columns:
            raise UsageError(
                f"--data have no column {name}; give the renders of `rtau-train synth`"
            )
    known = (data.columns["yaw_deg"][rows] != "") & (_cells(data, "AU01_L", rows) != "")
    if known.sum() < FEWEST:
        raise UsageError(
            "--data have no pictures with the columns AU01_L and yaw_deg in a part of the split; "
            "give renders of `rtau-train synth`"
        )
    return np.asarray(rows[known])


def _cells(data: LabelledCrops, name: str, rows: Rows) -> npt.NDArray[np.str_]:
    empty = np.full(len(data), "")
    return np.asarray(data.columns.get(name, empty)[rows])


def _angles(data: LabelledCrops, rows: Rows) -> tuple[Values, Values]:
    """Returns pitch and yaw, (N, 2) radians, down and to the person's right positive, and ones."""
    pitch, yaw = (data.columns[name][rows].astype(float) for name in ("pitch_deg", "yaw_deg"))
    angles = np.radians(np.stack([pitch, -yaw], axis=1))
    return angles, np.ones_like(angles)


def _sides(data: LabelledCrops, rows: Rows, labels: tuple[str, ...]) -> tuple[Values, Values]:
    """Returns (left - right) / (left + right) and the weight of each value, both (N, S)."""
    values, weights = np.zeros((2, len(rows), len(labels)))
    for column, label in enumerate(labels):
        left, right = (_cells(data, f"{label}_{side}", rows).astype(float) for side in "LR")
        mean = (left + right) / 2
        shown = mean >= SIDED_FROM
        values[shown, column] = ((left - right) / np.maximum(left + right, 1e-9))[shown]
        weights[:, column] = np.where(shown, mean, SILENT_WEIGHT)
    return values, weights


@torch.inference_mode()
def _features(net: FaceNet, crops: npt.NDArray[np.uint8]) -> Values:
    batches = torch.split(torch.from_numpy(crops), BATCH)
    pooled = [net.pooling(net.features(batch)).numpy() for batch in batches]
    return np.concatenate(pooled).astype(np.float64)


@torch.inference_mode()
def _logits(net: FaceNet, features: Values) -> npt.NDArray[np.float32]:
    logits: npt.NDArray[np.float32] = net.logits_of(torch.from_numpy(features).float()).numpy()
    return logits


@dataclasses.dataclass(frozen=True)
class _Sample:
    """What a layer is fitted or judged by, a row per crop."""

    features: Values
    """(N, C)."""
    targets: Values
    """(N, V)."""
    weights: Values
    """(N, V), 0 or more."""


def _best_layer(sample: _Sample, held_out: _Sample, /) -> tuple[Values, Values]:
    """Returns weights (V, C) and offsets (V,): each value by the penalty that errs least."""
    layers = [_ridge(sample, penalty) for penalty in PENALTIES]
    errors = [
        (held_out.weights * (_apply(layer, held_out.features) - held_out.targets) ** 2).sum(axis=0)
        for layer in layers
    ]
    best = np.argmin(errors, axis=0)
    return (
        np.stack([layers[choice][0][k] for k, choice in enumerate(best)]),
        np.array([layers[choice][1][k] for k, choice in enumerate(best)]),
    )


def _ridge(sample: _Sample, penalty: float, /) -> tuple[Values, Values]:
    """Returns weights (V, C) and offsets (V,) of weighted ridge regressions on scaled features."""
    inputs = sample.features
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    scaled = np.concatenate([(inputs - mean) / spread, np.ones((len(inputs), 1))], axis=1)
    held = np.full(scaled.shape[1], penalty * len(inputs))
    held[-1] = 0
    found = []
    for targets, weights in zip(sample.targets.T, sample.weights.T, strict=True):
        weighted = scaled * weights[:, None]
        found.append(np.linalg.solve(weighted.T @ scaled + np.diag(held), weighted.T @ targets))
    solved = np.stack(found)
    matrix = solved[:, :-1] / spread
    return matrix, solved[:, -1] - matrix @ mean


def _apply(layer: tuple[Values, Values], features: Values) -> Values:
    return np.asarray(features @ layer[0].T + layer[1], np.float64)


def _state(name: str, layer: tuple[Values, Values]) -> dict[str, Tensor]:
    matrix, offset = (torch.from_numpy(part.astype(np.float32)) for part in layer)
    return {f"{name}.weight": matrix, f"{name}.bias": offset}


def _scale(
    model: Model, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]
) -> tuple[tuple[float, ...], ...]:
    """Returns per label the probability at each intensity 0 to 5.

    In log-odds a straight line through the pictures that show the label, with the slope of least
    squares, through the threshold at 2; 0 is where pictures without it lie in the median.
    """
    scale = []
    for column, label in enumerate(model.recipe.network.labels):
        shown = targets[:, column] >= SIDED_FROM
        if shown.sum() < FEWEST:
            raise UsageError(
                f"--data have {shown.sum()} pictures that show {label}, {FEWEST} wanted; render "
                "more"
            )
        said = logits[:, column].astype(np.float64)
        slope = max(float(np.polyfit(targets[shown, column], said[shown], 1)[0]), LEAST_STEP)
        threshold = model.thresholds[column]
        middle = np.log(threshold / (1 - threshold))
        levels = middle + slope * (np.arange(INTENSITIES) - 2.0)
        levels[0] = min(float(np.median(said[~shown])), levels[1] - LEAST_STEP)
        scale.append(tuple(float(f"{value:.6g}") for value in 1 / (1 + np.exp(-levels))))
    return tuple(scale)


def _side_and_pose_figures(
    model: Model,
    said: Mapping[str, Values],
    /,
    *,
    sides: tuple[Values, Values],
    angles: tuple[Values, Values],
) -> dict[str, dict[str, float]]:
    (values, weights), (turned, _) = sides, angles
    shown = weights >= SIDED_FROM
    named = enumerate(POSES if "pose" in said else ())
    poses = {name: (said["pose"][:, k], turned[:, k]) for k, name in named}
    return {
        "asymmetry_r": {
            label: _correlation(
                said["asymmetry"][shown[:, k], k], values[shown[:, k], k], fewest=FEWEST_SIDED
            )
            for k, label in enumerate(model.recipe.network.sides)
        },
        "pose_r": {name: _correlation(*pair) for name, pair in poses.items()},
        "pose_error_deg": {
            name: float(np.degrees(np.abs(ours - true).mean()))
            for name, (ours, true) in poses.items()
        },
    }


def _intensity_figures(
    model: Model,
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    /,
    *,
    scale: tuple[tuple[float, ...], ...],
) -> dict[str, float]:
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    strengths = intensities(probabilities.astype(np.float32), scale)
    labels = model.recipe.network.labels
    return {label: _correlation(strengths[:, k], targets[:, k]) for k, label in enumerate(labels)}


def _correlation(
    first: npt.NDArray[np.floating], second: npt.NDArray[np.floating], *, fewest: int = FEWEST
) -> float:
    if len(first) < fewest or not first.std() or not second.std():
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
