"""Runs a study: every experiment trained, evaluated and explained, then the report.

What is done is not done again, what was interrupted goes on, and an experiment that fails is named
while the others run. Called by `rtau-train study`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from rtau.errors import RtauError, UsageError
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.datasets.splits import DataSplits, saved_splits
from rtau_train.evaluation import evaluate, predictions, run_metrics
from rtau_train.evaluation.parts import has_official, part_of
from rtau_train.evaluation.predictions import PREDICTIONS_NAME
from rtau_train.evaluation.run_metrics import METRICS_NAME, file_of
from rtau_train.explaining import cam_quality
from rtau_train.explaining.explain import opened
from rtau_train.fitting import lab_record, loop
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.models.checkpoint import Model, load_model, load_state
from rtau_train.recipe import Recipe
from rtau_train.report.names import network_name
from rtau_train.report.page import write_report
from rtau_train.report.results import (
    FORMAT,
    Experiment,
    PanelFile,
    PartCounts,
    Reduced,
    Study,
    read_results,
    write_study,
)
from rtau_train.study.pictures import write_pictures, write_predicted
from rtau_train.study.plan import Planned, Reduction, StudyName, reduced_rows

RUNS, PANELS = "runs", "panels"
# Faces per network whose heatmaps are judged: the standard error of a share is under 2.5 points.
JUDGED_FACES = 500
# The papers show heatmaps of these two.
SHOWN = ("vgg19", "shufflenetv2_x1_0")
# Paper 1's tables that count the images of a data set's parts.
TABLES = {"disfa+": "3", "dem": "5"}


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all experiments of a study share."""

    study: StudyName
    out: Path
    data: Mapping[str, LabelledCrops]
    options: TrainingOptions
    reduction: Reduction
    command: str
    """As it was typed, for the record."""
    pictures: tuple[Path, ...] = ()
    """Images with faces from outside the data sets, on which the second paper's networks are
    shown."""


@dataclasses.dataclass(frozen=True)
class Failed:
    """An experiment that did not come to its end."""

    key: str
    reason: str


def conduct(
    setting: Setting,
    experiments: Sequence[Planned],
    /,
    *,
    callback: loop.Callback,
    say: Callable[[str], None],
) -> tuple[Path, tuple[Failed, ...]]:
    """Returns the report's page and what failed; the report is of all that was run.

    Args:
        setting: data, folder and training options.
        experiments: in the order they are run.
        callback: receives every epoch.
        say: takes a line per experiment.
    """
    started_s = time.monotonic()
    failed = []
    for number, one in enumerate(experiments, start=1):
        say(f"{number}/{len(experiments)} {one.key}")
        try:
            run_one(setting, one, callback=callback)
        except RtauError as error:
            say(f"{one.key} failed: {error}")
            failed.append(Failed(one.key, str(error)))
    for one in experiments:
        if one.network in SHOWN and setting.study == "paper1" and one.protocol == "image":
            _show(setting, one)
    minutes = (time.monotonic() - started_s) / 60
    study = _study(setting, experiments, minutes=minutes)
    panels = tuple(_predicted(setting, experiments))
    write_study(setting.out, dataclasses.replace(study, panels=panels))
    page, _ = write_report(read_results(setting.out), out=setting.out)
    return page, tuple(failed)


def run_one(setting: Setting, one: Planned, /, *, callback: loop.Callback) -> None:
    """Trains, judges and explains one experiment, as far as that is not done.

    Raises:
        RtauError: the recipe does not fit the data, the loss is no number, a picture is missing.
    """
    folder = folder_of(setting, one)
    if (folder / METRICS_NAME).exists() and _is_of(folder, one.recipe):
        return
    model = loop.fit(
        one.recipe,
        setting.data[one.dataset],
        recipe_path=one.recipe_path.name,
        out=folder,
        resume=True,
        callback=callback,
        options=dataclasses.replace(setting.options, overrides=one.overrides),
    )
    splits = saved_splits(folder, setting.data[one.dataset], one.recipe)
    record = dataclasses.asdict(lab_record.read_record(folder))
    # The test part last: its file says that the experiment is done.
    for name in ("public", "test") if _reports_public(splits) else ("test",):
        part = part_of(splits, name)
        said = evaluate.answers(model, splits, part)
        found = evaluate.report(model, splits, part=part, said=said, record=record)
        if one.recipe.network.task == "multi_label":
            found = dataclasses.replace(found, cams=_cams(model, splits))
        predictions.write_predictions(folder / file_of(PREDICTIONS_NAME, name), said)
        run_metrics.write_metrics(folder / file_of(METRICS_NAME, name), found)


def _reports_public(splits: DataSplits) -> bool:
    """True where FER2013's public part, which the second paper reports on, is not the test part."""
    if not has_official(splits, "public"):
        return False
    return part_of(splits, "test").words != part_of(splits, "public").words


def folder_of(setting: Setting, one: Planned, /) -> Path:
    """Returns an experiment's folder."""
    return setting.out / RUNS / one.key


def _is_of(folder: Path, recipe: Recipe) -> bool:
    """Returns whether a finished run was made by this recipe.

    Raises:
        UsageError: it was made by another.
    """
    state = load_state(folder / "last.pt", kind="state")
    if Recipe.from_dict(state["recipe"], origin=str(folder / "last.pt")) != recipe:
        raise UsageError(
            f"{folder} was made by another recipe or with other changes; choose another --out"
        )
    return True


def _cams(model: Model, splits: DataSplits) -> tuple[run_metrics.CamMetrics, ...]:
    rows = splits.split.test
    if len(rows) > JUDGED_FACES:
        rows = rows[np.linspace(0, len(rows) - 1, JUDGED_FACES).round().astype(int)]
    faces = cam_quality.faces_of(model, splits.data, rows)
    labels = model.recipe.network.labels
    return cam_quality.cam_metrics(model.network(), faces, labels=labels)


def _show(setting: Setting, one: Planned) -> None:
    """Writes the heatmaps of one network: on a picture of its own data set and on another's."""
    folder = folder_of(setting, one)
    if not (folder / METRICS_NAME).exists():
        return
    own = saved_splits(folder, setting.data[one.dataset], one.recipe)
    outside = [data for name, data in setting.data.items() if name != one.dataset]
    write_pictures(
        folder / "panels",
        load_model(folder),
        own,
        outside=outside[0] if outside else None,
    )


def _predicted(setting: Setting, experiments: Sequence[Planned]) -> Iterator[PanelFile]:
    """Yields a panel per picture from outside and data set, with the networks that were run."""
    for dataset in setting.data if setting.pictures else ():
        models = [
            opened(network_name(one.network), load_model(folder_of(setting, one)))
            for one in experiments
            if one.dataset == dataset and (folder_of(setting, one) / METRICS_NAME).exists()
        ]
        folder = f"{PANELS}/{dataset}"
        made = write_predicted(setting.out / folder, models, setting.pictures) if models else []
        for name, caption in made:
            yield PanelFile(dataset, "outside", f"{folder}/{name}", caption)


def _study(setting: Setting, experiments: Sequence[Planned], /, *, minutes: float) -> Study:
    reduction = setting.reduction
    return Study(
        format=FORMAT,
        study=setting.study,
        heading=reduction.heading or _heading(setting.study),
        data=reduction.data or f"Data sets: {', '.join(setting.data)}.",
        experiments=tuple(
            Experiment(
                key=one.key,
                network=one.network,
                dataset=one.dataset,
                protocol=one.protocol,
                recipe=one.recipe_path.name,
                folder=f"{RUNS}/{one.key}",
                letter=one.letter,
            )
            for one in experiments
        ),
        notes=reduction.notes,
        reduced=tuple(Reduced(*row) for row in reduced_rows(experiments)),
        counts=tuple(_counts(setting, experiments)),
        record={
            "command": setting.command,
            "commit": lab_record.git_commit(),
            "machine": lab_record.machine(setting.options.worker.device),
            "versions": list(lab_record.versions()),
            "minutes of this call": round(minutes, 1),
        },
    )


def _heading(study: StudyName) -> str:
    if study == "paper1":
        return "Six ConvNets, twelve Action Units, two data sets"
    return "ResNet18, 34 and 50 on seven emotions"


def _counts(setting: Setting, experiments: Sequence[Planned]) -> list[PartCounts]:
    """Returns how often each label occurs in the parts, once per data set and protocol."""
    first = {(one.dataset, one.protocol): one for one in reversed(experiments)}
    counts = []
    for (dataset, protocol), one in sorted(first.items()):
        folder = folder_of(setting, one)
        if not (folder / "split.json").exists():
            continue
        splits = saved_splits(folder, setting.data[dataset], one.recipe)
        occurs = splits.data.occurs
        split = splits.split
        shown = np.stack(
            [occurs[rows].sum(axis=0) for rows in (split.train, split.validation, split.test)]
        )
        rows: dict[str, tuple[int, int, int, int]] = {}
        for label, part in zip(splits.data.labels, shown.T, strict=True):
            train, validation, test = map(int, part)
            rows[label] = (train + validation + test, train, validation, test)
        table = TABLES.get(dataset, "") if protocol == "image" else ""
        counts.append(PartCounts(dataset=dataset, title=f"by {protocol}", table=table, rows=rows))
    return counts
