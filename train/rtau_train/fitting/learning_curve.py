"""The learning curve: one recipe fitted on more and more rows, every fit of equal length.

Tells whether more data of the kind there is would help: a curve that still rises asks for more, one
that is flat for other data. Called by `rtau-train curve`.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rtau.errors import UsageError
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.datasets.splits import saved_splits, splits_of
from rtau_train.evaluation import binary_metrics, evaluate
from rtau_train.fitting import lab_record, loop
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.models.checkpoint import Model
from rtau_train.recipe import Recipe
from rtau_train.records import portable
from rtau_train.whole_file import whole_file, write_whole

CSV_NAME = "curve.csv"
MARKDOWN_NAME = "curve.md"


@dataclasses.dataclass(frozen=True)
class Point:
    """One fit: how many rows it learnt from, and the mean AUC on rows it did not."""

    rows: int
    learnt: float
    """On as many training rows as the test part has, as they are: what was learnt by heart shows
    in how far this lies above `test`."""
    test: float
    """On the test part, which is the same for every point."""
    others: Mapping[str, float]
    """On data sets of which nothing was trained on, by the name of their folder."""
    test_rows: int
    """How many rows the test part has."""

    @property
    def metrics(self) -> tuple[float, ...]:
        """All mean AUCs, in the order of the columns."""
        return (self.learnt, self.test, *self.others.values())


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all points of a curve share."""

    recipe: Recipe
    recipe_path: Path
    data: LabelledCrops
    others: Mapping[str, LabelledCrops]
    out: Path
    options: TrainingOptions


def learning_curve(
    setting: Setting, counts: Sequence[int], /, *, callback: loop.Callback
) -> tuple[Point, ...]:
    """Returns a point per count, fewest rows first; what is fitted already is only measured.

    Of processes that train together only the first measures; the others get no points.

    Raises:
        UsageError: epochs would be longer with more rows, so that a point with more would have
            been trained longer too; or a count is more than the training part has.
    """
    epoch_rows = setting.recipe.fit.epoch_rows
    counts = sorted(set(counts))
    if not 0 < epoch_rows <= counts[0]:
        raise UsageError(
            "fit.epoch_rows must be positive and at most the fewest --rows, or the points would "
            f"be trained for different times; got {epoch_rows} and {counts[0]} "
            f"(--set fit.epoch_rows={counts[0]}, and more epochs)"
        )
    # Before anything is fitted: are there so many?
    splits_of(setting.data, _recipe_for(setting, counts[-1]))
    models = [_fitted(setting, count, callback) for count in counts]
    if not setting.options.worker.is_first:
        return ()
    return tuple(_point(setting, *pair) for pair in zip(counts, models, strict=True))


def _recipe_for(setting: Setting, count: int) -> Recipe:
    split = dataclasses.replace(setting.recipe.split, train_rows=count)
    return dataclasses.replace(setting.recipe, split=split)


def _run(setting: Setting, count: int) -> Path:
    return setting.out / f"rows-{count}"


def _fitted(setting: Setting, count: int, callback: loop.Callback) -> Model:
    callback.note(f"{count} rows")
    return loop.fit(
        _recipe_for(setting, count),
        setting.data,
        recipe_path=portable(setting.recipe_path),
        out=_run(setting, count),
        resume=True,
        callback=callback,
        options=setting.options,
    )


def _point(setting: Setting, count: int, model: Model) -> Point:
    splits = saved_splits(_run(setting, count), setting.data, model.recipe)
    train, test = splits.split.train, splits.split.test
    # Rows lie by data set, so that the first ones would all be of one.
    some = np.linspace(0, len(train) - 1, min(len(train), len(test))).round().astype(np.int64)
    return Point(
        rows=count,
        learnt=_mean_auc(model, splits.data, train[some]),
        test=_mean_auc(model, splits.data, test),
        others={
            name: _mean_auc(model, data, np.arange(len(data), dtype=np.int64))
            for name, data in setting.others.items()
        },
        test_rows=len(test),
    )


def _mean_auc(model: Model, data: LabelledCrops, rows: Rows) -> float:
    said = evaluate.answers_to(model, data, rows)
    return binary_metrics.known_mean(
        binary_metrics.auc(said.probabilities[coded, k], said.present[coded, k])
        for k, coded in enumerate(said.coded.T)
    )


def write_curve(setting: Setting, points: Sequence[Point], /) -> None:
    """Writes curve.csv and curve.md: a row per point, and how they were made."""
    names = list(setting.others)
    with (
        whole_file(setting.out / CSV_NAME) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["rows", "learnt", "test", *names])
        for point in points:
            writer.writerow([point.rows, *(f"{value:.4f}" for value in point.metrics)])
    write_whole(setting.out / MARKDOWN_NAME, _markdown(setting, points))


def _markdown(setting: Setting, points: Sequence[Point]) -> str:
    fit, network = setting.recipe.fit, setting.recipe.network
    names = list(setting.others)
    lines = [
        f"| rows trained on | of these, up to {points[0].test_rows:,} as they are | test part "
        + "".join(f"| {name} " for name in names)
        + "|",
        "|---" * (3 + len(names)) + "|",
    ]
    for point in points:
        metrics = " | ".join(f"{value:.3f}" for value in point.metrics)
        lines.append(f"| {point.rows:,} | {metrics} |")
    lines += [
        "",
        f"Mean AUC. {network.name}, {network.input_size} px, {fit.epochs} epochs of "
        f"{fit.epoch_rows:,} crops each, whatever the rows; `{setting.recipe_path.name}`. Commit "
        f"{lab_record.git_commit()}, {lab_record.machine(setting.options.worker.device)}.",
    ]
    return "\n".join(lines) + "\n"
