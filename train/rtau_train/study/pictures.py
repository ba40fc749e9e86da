"""Heatmaps for a study's report, in the first paper's choice: AU4 and AU25, inside and outside.

Figures 7 and 11 of the paper show a picture of the data set a network was trained on, figures 8 and
12 one from outside it. Which face it is follows from the data alone, so that both networks show the
same. Called by `rtau_train.study.conduct`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from rtau.contract import CamMethod
from rtau.data import Image
from rtau_train.datasets import augmentation
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.datasets.splits import DataSplits
from rtau_train.explaining.explain import explain, opened
from rtau_train.explaining.panels import heat_picture
from rtau_train.models.checkpoint import Model

LABELS = ("AU04", "AU25")
METHODS: tuple[CamMethod, ...] = ("gradcam++", "gradcam")


def write_pictures(
    folder: Path, model: Model, splits: DataSplits, /, *, outside: LabelledCrops | None
) -> None:
    """Writes WHERE_METHOD_LABEL.png for every label, method and place; see `read_results`.

    Args:
        folder: made if it is missing.
        model: whose heatmaps.
        splits: the data it was trained on; the picture is one of its test part.
        outside: another data set, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    one = opened(model.recipe.network.name, model)
    places = {"in-set": (splits.data, splits.split.test)}
    if outside is not None:
        places["outside"] = (outside, np.arange(len(outside), dtype=np.int64))
    for where, (data, rows) in places.items():
        for label in LABELS:
            row = clearest(data, rows, label)
            if row is None:
                continue
            picture = _crop(one.model, data, row)
            for heat in explain(one, picture, labels=(label,), methods=METHODS).readings[0].heats:
                image = heat_picture(picture, heat, heat_scale="face")
                path = folder / f"{where}_{heat.method}_{label}.png"
                path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


def clearest(data: LabelledCrops, rows: Rows, label: str, /) -> int | None:
    """Returns the row that shows a label most and others least; None where none shows it."""
    if label not in data.labels:
        return None
    column = data.labels.index(label)
    shown = rows[data.occurs[rows, column]]
    if data.copies is not None:
        shown = shown[data.copies[shown] == 0]
    if not len(shown):
        return None
    own = data.targets[shown, column]
    others = np.nan_to_num(np.delete(data.targets[shown], column, axis=1)).sum(axis=1)
    return int(shown[np.argmax(own - others / 2)])


def _crop(model: Model, data: LabelledCrops, row: int) -> Image:
    images, points = data.read(np.array([row]))
    own = None if points is None else points[0]
    size = model.recipe.network.input_size
    return augmentation.plain_crop(images[0], own, data.rule_of(row, model.recipe), size=size)
