"""What a contract says of where a model comes from: the record of its run, as it was run.

The recipe's words on data and licence are repeated only where the run was on the data they are
about. Called by the export.
"""

from __future__ import annotations

import re
from typing import TypedDict

from rtau_train.fitting.lab_record import LabRecord
from rtau_train.models.checkpoint import Model

_STARTS = {"none": "random first weights", "imagenet": "ImageNet first weights"}


class Origin(TypedDict):
    """Fields of a contract."""

    recipe: str
    recipe_changes: tuple[str, ...]
    licence: str
    training_data: str


def origin_of(model: Model, record: LabRecord | None, /) -> Origin:
    """Returns what a contract says of a model's origin.

    Args:
        model: the checkpoint.
        record: run.json of its run; None for a network that no run has trained.
    """
    shipping, start = model.recipe.shipping, _STARTS[model.recipe.network.weights]
    if record is None:
        return Origin(
            recipe=model.recipe_path,
            recipe_changes=(),
            licence=shipping.licence,
            training_data=f"{shipping.training_data}; {start}",
        )
    if record.started_from:
        start = f"first weights of {record.started_from}"
    # Joining numbers a second data set of one name.
    names = {re.sub(r"-\d+$", "", name) for name in record.dataset.split(", ")}
    licence, about = shipping.licence, f"{shipping.training_data}; "
    if shipping.datasets and not names <= set(shipping.datasets):
        licence, about = f"not stated; that of the data set: {record.dataset}", ""
    rows = f"{record.train_rows:,} pictures of {record.dataset}"
    return Origin(
        recipe=record.recipe,
        recipe_changes=record.overrides,
        licence=licence,
        training_data=f"{about}{rows}; {start}",
    )
