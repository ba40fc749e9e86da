"""Heatmaps for a study's report, in the papers' choice.

The first paper shows AU4 and AU25: figures 7 and 11 on a picture of the data set a network was
trained on, figures 8 and 12 on one from outside it. Which face it is follows from the data alone,
so that both networks show the same. The second paper's figure 4 has pictures from outside with the
emotion that is said of each. Called by `rtau_train.study.conduct`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from rtau.config import RunConfig
from rtau.contract import CamMethod
from rtau.data import Image
from rtau.runs.build import build_tracker
from rtau_train.datasets import augmentation
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.datasets.splits import DataSplits
from rtau_train.explaining.explain import Explanation, Opened, explain, opened
from rtau_train.explaining.largest_face import find_largest, read_image
from rtau_train.explaining.panels import CELL_PX, captioned, draw
from rtau_train.models.checkpoint import Model
from rtau_train.whole_file import write_whole

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
                image = captioned(picture, heat, heat_scale="face")
                path = folder / f"{where}_{heat.method}_{label}.png"
                write_whole(path, cv2.imencode(".png", image)[1].tobytes())


def write_predicted(
    folder: Path, models: Sequence[Opened], files: Sequence[Path], /
) -> list[tuple[str, str]]:
    """Writes a panel per image: what each network says of its largest face, and where it looks.

    Args:
        folder: made if it is missing.
        models: of emotions.
        files: images with a face.

    Returns:
        (name of the file, what every network says) per image.

    Raises:
        SourceError: an image has no face.
        SourceOpenError: an image cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tracker = build_tracker(RunConfig(), is_sequence=False)
    made = []
    for file in files:
        face = find_largest(read_image(file), tracker)
        found = []
        for one in models:
            rule = one.model.recipe.shipping.haar_crop
            crop, shown = (face.cut(rule, size=size) for size in (one.input_size, CELL_PX))
            found.append(_likeliest(one, crop, picture=shown))
        name = f"{file.stem}.png"
        panel = draw(found, heat_scale="face", title=file.name)
        write_whole(folder / name, cv2.imencode(".png", panel)[1].tobytes())
        said = [f"{one.name} {one.readings[0].label} {one.readings[0].probability:.2f}"
                for one in found]  # fmt: skip
        made.append((name, f"{file.name}: {', '.join(said)}"))
    return made


def _likeliest(one: Opened, crop: Image, *, picture: Image) -> Explanation:
    """Returns what a network says of a face, for the emotion it thinks the likeliest."""
    found = explain(one, crop, labels=one.labels, methods=METHODS, picture_rgb=picture)
    best = max(found.readings, key=lambda reading: reading.probability)
    return dataclasses.replace(found, readings=(best,))


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
