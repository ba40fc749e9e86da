"""Reads the results of a study from its folder: study.json, and the files of every run it names.

    study.json              what was run on which data, and what was reduced (`Study`)
    RUN/evaluation.json     the figures; a run without it counts as not run
    RUN/evaluation-public.json  optional: those on FER2013's public test part
    RUN/history.csv         a row per epoch
    RUN/run.json            optional: what else the record of the run holds, as one object
    RUN/panels/*.png        optional: heatmaps, named WHERE_METHOD_LABEL.png, such as
                            in-set_gradcam++_AU04.png or outside_gradcam_AU25.png
    panels of study.json    optional: pictures of several networks at once, as `rtau-train explain
                            RUN --beside RUN` draws them

Reads and checks, computes nothing. Called by the page and by `rtau-train report`.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any, Literal

from rtau.errors import SourceOpenError
from rtau_train import records
from rtau_train.evaluation.run_metrics import (
    CAM_METHODS,
    METRICS_NAME,
    RunMetrics,
    file_of,
    read_metrics,
)
from rtau_train.recipe import Protocol

FORMAT = 1
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
WHERE = ("in-set", "outside")


@dataclasses.dataclass(frozen=True)
class Reduced:
    """Something that was made smaller or other than in the recipe."""

    what: str
    published: str
    used: str


@dataclasses.dataclass(frozen=True)
class PartCounts:
    """Images per AU or emotion in the parts of one split."""

    dataset: str
    """disfa+, dem, fer2013 or ckplus."""
    title: str
    """What was counted: "by image", "augmented", ..."""
    table: str
    """Number of the paper's table it stands beside; empty for none."""
    rows: dict[str, tuple[int, int, int, int]]
    """Label -> total, train, validation, test."""


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run that the study consists of."""

    key: str
    network: str
    """Key of `rtau_train.models.NETWORKS`."""
    dataset: str
    """disfa+, dem, fer2013 or ckplus: whose tables it stands beside."""
    protocol: Protocol
    recipe: str
    folder: str
    """RUN, relative to study.json."""
    variant: str = ""
    """Tells runs of one network apart, "last block only" for instance."""
    letter: str | None = None
    """The paper's letter of the network; None where the text does not say."""


@dataclasses.dataclass(frozen=True)
class PanelFile:
    """A picture of heatmaps of several networks at once."""

    dataset: str
    """What the networks were trained on."""
    where: Literal["in-set", "outside"]
    """Whether the face is of that data set."""
    file: str
    """PNG, relative to study.json."""
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Study:
    """What study.json holds."""

    format: int
    study: Literal["paper1", "paper2"]
    heading: str
    data: str
    """One plain statement of what data this is."""
    experiments: tuple[Experiment, ...]
    notes: tuple[str, ...] = ()
    """Further plain statements, shown beneath the heading."""
    differences: tuple[str, ...] = ()
    """What else differs from the paper, and why."""
    reduced: tuple[Reduced, ...] = ()
    counts: tuple[PartCounts, ...] = ()
    panels: tuple[PanelFile, ...] = ()
    record: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Machine, commit, versions, minutes, hashes of files."""

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {self.format}; run the study again")
        _check_different("keys", [one.key for one in self.experiments])
        places = [f"{e.network} {e.variant} {e.dataset} {e.protocol}" for e in self.experiments]
        _check_different("network, variant, dataset and protocol", places)


@dataclasses.dataclass(frozen=True)
class Epoch:
    """A row of history.csv."""

    epoch: int
    loss: float
    score: float
    """Validation mean AUC, or accuracy for classes."""


@dataclasses.dataclass(frozen=True)
class Panel:
    """A heatmap drawn on one picture."""

    name: str
    """Of the file."""
    where: str
    """in-set, outside, or empty where the name does not say."""
    method: str
    label: str
    content: bytes


@dataclasses.dataclass(frozen=True)
class Run:
    """An experiment with what was found in its folder."""

    experiment: Experiment
    metrics: RunMetrics | None
    """On the test part; None: not run."""
    public: RunMetrics | None = None
    """On FER2013's public test part, where that is not the test part."""
    history: tuple[Epoch, ...] = ()
    panels: tuple[Panel, ...] = ()
    record: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class StudyResults:
    """A study with the results of its runs, in the order of study.json."""

    study: Study
    runs: tuple[Run, ...]
    panels: tuple[tuple[PanelFile, bytes], ...] = ()


def _check_different(what: str, found: list[str]) -> None:
    twice = sorted({one for one in found if found.count(one) > 1})
    if twice:
        raise ValueError(f"experiments must differ in {what}, got {twice[0]} twice")


def write_study(folder: Path, study: Study, /) -> None:
    """Writes study.json into a folder."""
    records.write_json(folder / "study.json", study)


def read_results(folder: Path, /) -> StudyResults:
    """Returns a study and its runs; a run without evaluation.json counts as not run.

    Raises:
        SourceOpenError: a file is missing, unreadable or not what the layout says.
    """
    path = folder / "study.json"
    payload = records.read_json(path, hint="`rtau-train study` writes it")
    study = records.from_plain(Study, payload, origin=str(path))
    runs = tuple(_read_run(folder, one) for one in study.experiments)
    panels = tuple((one, _read_png(folder / one.file)) for one in study.panels)
    return StudyResults(study, runs, panels)


def _read_run(folder: Path, experiment: Experiment) -> Run:
    run = folder / experiment.folder
    if not (run / METRICS_NAME).exists():
        return Run(experiment, None)
    metrics = read_metrics(run / METRICS_NAME)
    public = run / file_of(METRICS_NAME, "public")
    if (metrics.network, metrics.protocol) != (experiment.network, experiment.protocol):
        raise SourceOpenError(
            f"{run / 'evaluation.json'}: experiment {experiment.key} must be of "
            f"{experiment.network} split by {experiment.protocol}, got {metrics.network} split by "
            f"{metrics.protocol}; correct study.json or evaluate the run again"
        )
    extra = {}
    if (run / "run.json").exists():
        extra = records.read_json(run / "run.json", hint="it must hold one object")
        if not isinstance(extra, dict):
            raise SourceOpenError(f"{run / 'run.json'} must hold one object")
    return Run(
        experiment,
        metrics,
        public=read_metrics(public) if public.exists() else None,
        history=_read_history(run / "history.csv"),
        panels=tuple(_read_panel(path) for path in sorted(run.glob("panels/*.png"))),
        record={**metrics.record, **extra},
    )


def _read_history(path: Path) -> tuple[Epoch, ...]:
    if not path.exists():
        return ()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return tuple(
            Epoch(int(row["epoch"]), float(row["loss"]), float(row["score"])) for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SourceOpenError(
            f"{path}: a row must have epoch, loss and score as numbers ({error}); "
            "`rtau-train fit` writes it"
        ) from None


def _read_panel(path: Path) -> Panel:
    content = _read_png(path)
    where, method, label = (*path.stem.split("_"), "", "", "")[:3]
    if where not in WHERE or method not in CAM_METHODS or not label:
        return Panel(path.name, "", "", "", content)
    return Panel(path.name, where, method, label, content)


def _read_png(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceOpenError(f"{path}: the panel cannot be read ({error.strerror})") from None
    if not content.startswith(PNG_HEAD):
        raise SourceOpenError(f"{path} is no PNG; draw it again with `rtau-train explain`")
    return content
