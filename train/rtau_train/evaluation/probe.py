"""A linear layer that reads the pose off a trained network, its scale of intensities, its sides.

The body is left as it is: pose is a ridge regression on its pooled features, solved in closed form
on part of some renders, mirrored crops included. The scale of intensities follows the calibrated
log-odds; a part that nothing was fitted on judges both. Sides need no fit: it is measured of which
labels the runtime tells them apart (`rtau.sides`). Called by `rtau-train probe`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rtau.contract import INTENSITIES
from rtau.errors import UsageError
from rtau.intensity import intensities, left_right
from rtau.sides import composites
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
# Sides whose difference follows the truth less than this are not told.
LEAST_SIDE_R = 0.5
# Fewer pictures that show a label cannot say how well its sides are told.
FEWEST_SIDED = 50
# Intensities that lie closer than this in log-odds could not be told apart.
LEAST_STEP = 0.15
FEWEST = 8
POSES = ("pitch", "yaw")


@dataclasses.dataclass(frozen=True)
class ProbeReport:
    """Pearson's r and mean absolute errors: sides of all pictures, the rest of the test part."""

    sides_r: dict[str, float]
    """Of left minus right, told and true, in intensities; NaN where too few pictures show it."""
    pose_r: dict[str, float]
    pose_error_deg: dict[str, float]
    intensity_r: dict[str, float]


def parts_of(data: LabelledCrops, recipe: Recipe, /) -> DataSplits:
    """Returns pictures that a run has not seen, in parts by its recipe's shares."""
    plan = dataclasses.replace(recipe.split, train_only=(), train_rows=0)
    return splits_of(data, dataclasses.replace(recipe, split=plan, oversample=None))


def probed(model: Model, splits: DataSplits, /) -> tuple[Model, ProbeReport]:
    """Returns the model with its pose, scale of intensities and sides, and how good they are.

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
    weights, turned = dict(model.weights), None
    if recipe.network.pose:
        layer = _best_layer(
            _Sample(
                np.concatenate([features["train"], mirrored]),
                np.concatenate([angles["train"], angles["train"] * [1, -1]]),
            ),
            _Sample(features["validation"], angles["validation"]),
        )
        weights |= _state("pose", layer)
        turned = _apply(layer, features["test"])
    targets = splits.data.targets
    chosen = np.concatenate([features["train"], features["validation"]])
    chosen_targets = targets[np.concatenate([parts["train"], parts["validation"]])]
    scale = _scale(model, _logits(net, chosen), chosen_targets)
    shown = _logits(net, features["test"])
    rows, pictures = (np.concatenate([*of.values()]) for of in (parts, crops))
    sides = _sides(model, splits.data, rows=rows, pictures=pictures, scale=scale)
    report = ProbeReport(
        sides_r={label: found.r for label, found in sides.items()},
        **_pose_figures(turned, angles["test"]),
        intensity_r=_intensity_figures(model, shown, targets[parts["test"]], scale=scale),
    )
    told = {label: found.gain for label, found in sides.items() if found.r >= LEAST_SIDE_R}
    probed = dataclasses.replace(
        model, weights=weights, intensity_scale=scale, side_gains=told or None
    )
    return probed, report


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


def _angles(data: LabelledCrops, rows: Rows) -> Values:
    """Returns pitch and yaw, (N, 2) radians, down and to the person's right positive."""
    pitch, yaw = (data.columns[name][rows].astype(float) for name in ("pitch_deg", "yaw_deg"))
    return np.asarray(np.radians(np.stack([pitch, -yaw], axis=1)), np.float64)


@dataclasses.dataclass(frozen=True)
class _Side:
    """How composites tell the sides of one label apart."""

    gain: float
    """Intensities that left minus right are of one unit of log-odds, by least squares."""
    r: float
    """Pearson's r of left minus right, told and true; NaN where too few pictures show the label."""


def _sides(
    model: Model,
    data: LabelledCrops,
    /,
    *,
    rows: Rows,
    pictures: npt.NDArray[np.uint8],
    scale: tuple[tuple[float, ...], ...],
) -> dict[str, _Side]:
    """Returns for each candidate how its sides are told, by all pictures: one number is fitted."""
    net, network = model.network(), model.recipe.network
    columns = [network.labels.index(label) for label in network.sides]
    left, right = np.split(_logits(net, _features(net, composites(pictures)))[:, columns], 2)
    whole = _intensities(_logits(net, _features(net, pictures)), scale)[:, columns]
    found = {}
    for k, label in enumerate(network.sides):
        true = [_cells(data, f"{label}_{side}", rows).astype(float) for side in "LR"]
        shown = (true[0] + true[1]) / 2 >= SIDED_FROM
        wanted = (true[0] - true[1])[shown]
        found[label] = _side((left - right)[shown, k], wanted, whole[shown, k])
    return found


def _side(
    log_odds: npt.NDArray[np.float32], wanted: Values, whole: npt.NDArray[np.float32], /
) -> _Side:
    """Returns the gain of least squares, and how well what the runtime makes of it does.

    Args:
        log_odds: (N,), of the left composite less those of the right one.
        wanted: (N,), left minus right, intensities.
        whole: (N,), intensities that the network tells of the whole face.
    """
    gain = float(log_odds @ wanted / max(float(log_odds @ log_odds), 1e-9))
    told = left_right(whole[:, None], np.float32(gain) * log_odds[:, None])[:, 0]
    r = _correlation(told[:, 0] - told[:, 1], wanted, fewest=FEWEST_SIDED)
    return _Side(gain=float(f"{gain:.4g}"), r=r)


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


def _best_layer(sample: _Sample, held_out: _Sample, /) -> tuple[Values, Values]:
    """Returns weights (V, C) and offsets (V,): each value by the penalty that errs least."""
    layers = [_ridge(sample, penalty) for penalty in PENALTIES]
    errors = [
        ((_apply(layer, held_out.features) - held_out.targets) ** 2).sum(axis=0) for layer in layers
    ]
    best = np.argmin(errors, axis=0)
    return (
        np.stack([layers[choice][0][k] for k, choice in enumerate(best)]),
        np.array([layers[choice][1][k] for k, choice in enumerate(best)]),
    )


def _ridge(sample: _Sample, penalty: float, /) -> tuple[Values, Values]:
    """Returns weights (V, C) and offsets (V,) of ridge regressions on scaled features."""
    inputs = sample.features
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    scaled = np.concatenate([(inputs - mean) / spread, np.ones((len(inputs), 1))], axis=1)
    held = np.full(scaled.shape[1], penalty * len(inputs))
    held[-1] = 0
    solved = np.linalg.solve(scaled.T @ scaled + np.diag(held), scaled.T @ sample.targets).T
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


def _pose_figures(told: Values | None, true: Values, /) -> dict[str, dict[str, float]]:
    named = enumerate(POSES if told is not None else ())
    poses = {name: (told[:, k], true[:, k]) for k, name in named if told is not None}
    return {
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
    strengths = _intensities(logits, scale)
    labels = model.recipe.network.labels
    return {label: _correlation(strengths[:, k], targets[:, k]) for k, label in enumerate(labels)}


def _intensities(
    logits: npt.NDArray[np.float32], scale: tuple[tuple[float, ...], ...]
) -> npt.NDArray[np.float32]:
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return intensities(probabilities.astype(np.float32), scale)


def _correlation(
    first: npt.NDArray[np.floating], second: npt.NDArray[np.floating], *, fewest: int = FEWEST
) -> float:
    if len(first) < fewest or not first.std() or not second.std():
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
