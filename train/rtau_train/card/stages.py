"""The runs on the way to a model's weights, followed backwards from run to run.

A card that looked at the last run alone would call weights random at the start that were not.
Called by the measurement of a card.
"""

from __future__ import annotations

from pathlib import Path

from rtau.errors import UsageError
from rtau_train.card.record import Stage
from rtau_train.fitting.lab_record import LabRecord, read_record
from rtau_train.models.checkpoint import load_model


def stages(run_folder: Path, /) -> tuple[tuple[Stage, ...], bool, str]:
    """Returns the runs, first to last, whether the first began with ImageNet's weights, and a file.

    The file is the exported one that the first run began with, in words; empty without one.

    Raises:
        SourceOpenError: a run on the way cannot be read.
        UsageError: its weights are no longer those that the next one began with.
    """
    record = read_record(run_folder)
    found = [_stage(record)]
    network = load_model(run_folder).recipe.network
    while record.started_from:
        if record.started_from.endswith(".onnx"):
            return tuple(found), False, _file_words(record)
        path = _found(Path(record.started_from), beside=run_folder)
        folder = path if path.is_dir() else path.parent
        model = load_model(path)
        if model.weights_sha256() != record.started_from_sha256:
            raise UsageError(
                f"{path}: these are not the weights that the next run began with (SHA-256 "
                f"{record.started_from_sha256[:12]}... wanted); the card must say where weights "
                "come from: put that run back, or train again"
            )
        record, network = read_record(folder), model.recipe.network
        found.insert(0, _stage(record))
    return tuple(found), network.weights == "imagenet", ""


def _file_words(record: LabRecord) -> str:
    name = Path(record.started_from).name
    return f"{name} (SHA-256 of its weights {record.started_from_sha256[:12]}...)"


def _found(path: Path, *, beside: Path) -> Path:
    """Returns where a run lies: as the record names it, or beside the run that began with it."""
    return path if path.exists() else beside.parent / path.name


def _stage(record: LabRecord) -> Stage:
    return Stage(
        recipe=record.recipe,
        changes=record.overrides,
        epochs=record.epochs_done,
        minutes=round(record.minutes, 1),
        machine=record.machine,
    )
