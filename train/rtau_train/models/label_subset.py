"""A trained model with some of its labels: what cannot be shown to work does not ship.

Called by `rtau-train calibrate --labels`.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from rtau.errors import UsageError
from rtau_train.models.checkpoint import Model
from rtau_train.models.facenet import LABEL_ROWS

Value = TypeVar("Value")


def with_labels(model: Model, labels: tuple[str, ...], /) -> Model:
    """Returns the model without its other labels; what it says of these does not change.

    Args:
        model: of Action Units: the labels of a softmax depend on each other.
        labels: to keep, in any order; the model's own order stays.

    Raises:
        UsageError: a label is not the model's, or it has a softmax.
    """
    network = model.recipe.network
    unknown = sorted(set(labels) - set(network.labels))
    if unknown or not labels:
        got = ", ".join(unknown) or "none"
        raise UsageError(f"--labels must be among {', '.join(network.labels)}, got {got}")
    if network.task != "multi_label":
        raise UsageError("--labels is for Action Units; the labels of a softmax add up to 1")
    columns = [column for column, label in enumerate(network.labels) if label in labels]
    kept = tuple(network.labels[column] for column in columns)
    of_mix = tuple(
        dataclasses.replace(mix, trust={k: v for k, v in mix.trust.items() if k in kept})
        for mix in model.recipe.mix
    )
    sides = tuple(side for side in network.sides if side in kept)
    recipe = dataclasses.replace(
        model.recipe, network=dataclasses.replace(network, labels=kept, sides=sides), mix=of_mix
    )
    weights = {
        name: value[columns].clone() if name in LABEL_ROWS else value
        for name, value in model.weights.items()
    }
    return dataclasses.replace(
        model,
        recipe=recipe,
        weights=weights,
        thresholds=_chosen(model.thresholds, columns),
        cam_scale=_chosen(model.cam_scale, columns),
        cam_plus_plus_scale=_optional(model.cam_plus_plus_scale, columns),
        temperature=_optional(model.temperature, columns),
        shift=_optional(model.shift, columns),
        intensity_scale=_optional(model.intensity_scale, columns),
        side_gains=model.side_gains
        and {label: gain for label, gain in model.side_gains.items() if label in kept},
    )


def _chosen(values: tuple[Value, ...], columns: list[int]) -> tuple[Value, ...]:
    return tuple(values[column] for column in columns)


def _optional(values: tuple[Value, ...] | None, columns: list[int]) -> tuple[Value, ...] | None:
    return None if values is None else _chosen(values, columns)
