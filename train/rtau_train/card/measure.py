"""Measures one model file on everything that was given: the figures of its card.

Puts the measuring modules in order and checks that they are about the same weights. Called by the
command line.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from rtau.backends import open_engine
from rtau.backends.parity import as_crops
from rtau.contract import ModelContract
from rtau.errors import ContractError, UsageError
from rtau.protocols import Engine
from rtau.runs.bench.machine import packages
from rtau_train.card.clips import clip_metrics
from rtau_train.card.london import london_metrics
from rtau_train.card.origins import mentions_portraits, origins, rows_of
from rtau_train.card.portraits import portrait_metrics
from rtau_train.card.record import (
    FORMAT,
    CardMetrics,
    ClipMetrics,
    LondonMetrics,
    Measurement,
    ModelFile,
    PortraitMetrics,
    RenderMetrics,
)
from rtau_train.card.renders import render_metrics
from rtau_train.datasets.labelled_crops import LabelledCrops, Words
from rtau_train.datasets.splits import DataSplits
from rtau_train.fitting import lab_record
from rtau_train.models.checkpoint import Model

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Given:
    """What a model file is measured on."""

    model_file: Path
    run_folder: Path
    """The run that the file was exported from."""
    model: Model
    """Of that run."""
    splits: DataSplits
    """The run's data and split."""
    folders: Sequence[Path]
    """Where those data are from."""
    renders: LabelledCrops | None = None
    """Renders that no run on the way was trained on; None: those of the test part."""
    portraits: LabelledCrops | None = None
    """Portraits that no run on the way was trained on; None: those of the test part, if any."""
    london: Path | None = None
    clips: Path | None = None
    threads: int = 0
    """Of the engine; 0: its own choice."""


def measure(given: Given, /, *, tell: Tell) -> tuple[CardMetrics, ModelContract]:
    """Returns the figures of a model file, and its contract; tells of each step as it begins.

    Raises:
        ContractError: the file was exported from other weights than the run's.
        UsageError: the file says emotions, or the data are none that a card is about.
        RtauError: something that was given cannot be read or run.
    """
    began_s = time.perf_counter()
    file, threads = str(given.model_file), given.threads
    with closing(open_engine(file, provider="cpu", threads=threads)) as engine:
        check_same_weights(given, engine.contract)
        seen = origins(
            given.run_folder, given.splits, folders=given.folders, contract=engine.contract
        )
        if seen.has_portraits and not mentions_portraits(engine.contract):
            tell("note: the contract's training_data do not mention the portraits of this run")
        return CardMetrics(
            format=FORMAT,
            model=_model_file(given, engine),
            origins=seen,
            renders=_renders(given, engine, tell),
            portraits=_portraits(given, engine, tell),
            london=_london(given, engine, tell),
            clips=_clips(given, engine, tell),
            measurement=_measurement(engine, began_s=began_s),
        ), engine.contract


def check_same_weights(given: Given, contract: ModelContract, /) -> None:
    """Raises ContractError or UsageError unless the file is of the run's weights and says AUs."""
    if contract.task != "multi_label":
        raise UsageError("a card can be written of a model of Action Units only")
    if contract.weights_sha256 != given.model.weights_sha256():
        raise ContractError(
            f"{given.model_file} was exported from other weights; run `rtau-export onnx` again"
        )


def _renders(given: Given, engine: Engine, tell: Tell) -> RenderMetrics:
    if given.renders is None:
        data = given.splits.data
        rows = rows_of(data, given.splits.split.test, "renders")
    else:
        data, rows = given.renders, np.arange(len(given.renders))
        _check_unseen(data, given.splits.data)
    if not len(rows):
        raise UsageError(
            "a card is about renders, got none: the run's test part has none; give others "
            "(--renders)"
        )
    tell(f"{len(rows):,} held-out renders")
    found = render_metrics(engine, data, rows, recipe=given.model.recipe)
    return dataclasses.replace(found, is_test_part=given.renders is None)


def _check_unseen(renders: LabelledCrops, seen: LabelledCrops) -> None:
    """Raises UsageError if one of the renders is a picture of the run's."""
    shared = set(renders.pictures) & set(seen.pictures)
    if shared:
        raise UsageError(
            f"--renders must be pictures that the run has not seen, got {min(shared)}; render "
            "others with another --seed"
        )


def _portraits(given: Given, engine: Engine, tell: Tell) -> PortraitMetrics | None:
    if given.portraits is None:
        data = given.splits.data
        rows = rows_of(data, given.splits.split.test, "portraits")
        trained_on = data.subjects[given.splits.split.train]
    else:
        data, rows = given.portraits, np.arange(len(given.portraits))
        trained_on = _portrait_subjects(given.splits)
    if not len(rows):
        return None
    tell(f"{len(rows):,} held-out portraits")
    return portrait_metrics(engine, data, rows, recipe=given.model.recipe, trained_on=trained_on)


def _portrait_subjects(splits: DataSplits) -> Words:
    """Returns the sheets of portraits that were trained on, as a folder of its own names them."""
    rows = rows_of(splits.data, splits.split.train, "portraits")
    return np.array([str(name).partition("/")[2] for name in splits.data.subjects[rows]], np.str_)


def _london(given: Given, engine: Engine, tell: Tell) -> LondonMetrics | None:
    if given.london is None:
        return None
    tell(f"neutral and smiling faces in {given.london}")
    return london_metrics(engine, given.london)


def _clips(given: Given, engine: Engine, tell: Tell) -> tuple[ClipMetrics, ...]:
    if given.clips is None:
        return ()
    tell(f"clips in {given.clips}")
    return clip_metrics(engine, given.clips)


def _model_file(given: Given, engine: Engine) -> ModelFile:
    contract, content = engine.contract, given.model_file.read_bytes()
    return ModelFile(
        name=contract.name,
        megabytes=len(content) / 1e6,
        file_sha256=hashlib.sha256(content).hexdigest(),
        weights_sha256=contract.weights_sha256,
        cam_grid=_cam_grid(engine) if contract.has_cams else None,
    )


def _cam_grid(engine: Engine) -> tuple[int, int]:
    """Returns the rows and columns of the engine's heatmaps."""
    size = engine.contract.input_size
    cams = engine.infer(as_crops(np.zeros((1, size, size, 3), np.uint8)), cams=True).cams
    assert cams is not None, "an engine with CAMs returns those that are asked for"
    return int(cams.shape[2]), int(cams.shape[3])


def _measurement(engine: Engine, *, began_s: float) -> Measurement:
    installed = (f"{package.name} {package.version}" for package in packages())
    return Measurement(
        commit=lab_record.git_commit(),
        machine=lab_record.machine("cpu"),
        versions=tuple(dict.fromkeys((*lab_record.versions(), *installed))),
        device=engine.device,
        wall_s=round(time.perf_counter() - began_s, 1),
    )
