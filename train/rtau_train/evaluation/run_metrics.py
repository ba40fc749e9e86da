"""The figures of one run as frozen records: per label or class, means, groups, heatmaps, origin.

Holds numbers and reads and writes them as JSON; computes none. Filled by the assessment and by the
explanation, written by `rtau-train evaluate`, read by the report; the card holds some.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

from rtau.contract import CamMethod
from rtau.data import Task
from rtau.errors import SourceOpenError
from rtau_train import records
from rtau_train.evaluation.binary_metrics import Confusion
from rtau_train.evaluation.reliability import ReliabilityBin
from rtau_train.recipe import Protocol

FORMAT = 1
METRICS_NAME = "evaluation.json"
CAM_METHODS: tuple[CamMethod, ...] = ("gradcam", "gradcam++")
RegionSource = Literal["landmarks", "mean face"]


@dataclasses.dataclass(frozen=True)
class SplitMetrics:
    """The size of one part of a split."""

    rows: int
    subjects: int
    """Different people; equal to `rows` where the data name none."""


@dataclasses.dataclass(frozen=True)
class LabelMetrics:
    """Figures of one label over the rows where it is coded.

    F1, recall, AUC, PR-AUC and MCC are NaN where the label never occurs in the part: there was
    nothing to find. `_half` and whatever names no threshold is decided at probability 0.5.
    """

    label: str
    rows: int
    """Rows where the label is coded."""
    positives: int
    base_rate: float
    threshold: float
    """Chosen on the validation part, for the figures that name it."""
    f1_half: float
    f1_half_low: float
    """Lower end of the 95 % bootstrap interval over subjects; NaN with one subject."""
    f1_half_high: float
    f1: float
    """At `threshold`."""
    f1_low: float
    f1_high: float
    f1_all_positive: float
    """F1 of always saying "present": what a network must beat."""
    precision: float
    """NaN where nothing was said present."""
    recall: float
    auc: float
    pr_auc: float
    mcc: float
    confusion: Confusion
    confusion_at_threshold: Confusion
    ece: float
    """Expected calibration error, 0-1."""
    reliability: tuple[ReliabilityBin, ...]


@dataclasses.dataclass(frozen=True)
class MeanMetrics:
    """Means over the labels that occur; micro figures pool the decisions of every label."""

    macro_f1_half: float
    macro_f1_half_low: float
    macro_f1_half_high: float
    macro_f1: float
    """At the labels' thresholds."""
    macro_f1_low: float
    macro_f1_high: float
    micro_f1_half: float
    micro_f1: float
    macro_f1_all_positive: float
    mean_auc: float
    mean_pr_auc: float
    mean_mcc: float
    mean_ece: float


@dataclasses.dataclass(frozen=True)
class GroupMetrics:
    """Figures over the rows of one group of people; NaN where the task has no such figure."""

    column: str
    value: str
    rows: int
    subjects: int
    mean_auc: float
    macro_f1_half: float
    macro_f1: float
    """At the labels' thresholds; for classes, of the most probable one."""
    accuracy: float


@dataclasses.dataclass(frozen=True)
class TopLoss:
    """A row that the network got most wrong."""

    file: str
    truth: str
    said: str
    probability: float
    """Of the class that was said."""
    loss: float
    """Cross-entropy, nats."""


@dataclasses.dataclass(frozen=True)
class ClassMetrics:
    """Figures of one class out of several; a tuple has a value per label, in their order."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Counts (K, K): rows are the truth, columns what was said."""
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    macro_f1_low: float
    macro_f1_high: float
    majority_accuracy: float
    """Accuracy of always saying the most frequent class of this part."""
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    ece: float
    """Of the most probable class (Guo et al. 2017)."""
    reliability: tuple[ReliabilityBin, ...]
    top_losses: tuple[TopLoss, ...]
    """Highest loss first."""


@dataclasses.dataclass(frozen=True)
class CamMetrics:
    """How well the heatmaps of one label lie on its part of the face."""

    method: CamMethod
    label: str
    rows: int
    """Rows that show the label and whose heatmap has any heat: what the means are over."""
    empty: int
    """Rows that show the label and whose heatmap is 0 everywhere; in no mean."""
    hit_rate: float
    """Share of the rows whose highest heat lies in or near the region (Zhang et al. 2018, pointing
    game); NaN without rows."""
    energy: float
    """Mean share of the heat inside the region (Wang et al. 2020); NaN without rows."""
    chance: float
    """Mean share of the crop that the region takes: the energy of heat that knows nothing; NaN
    without rows."""
    hit_chance: float
    """Mean share of the heatmap's cells whose centre lies in or near the region: the hit rate of a
    peak that knows nothing; NaN without rows."""
    regions: RegionSource
    """Whether regions lay on each face's own landmarks, or on the mean face for all."""

    @property
    def hit_lift(self) -> float:
        """Hit rate over its chance; NaN where that is 0 or unknown."""
        return _lift(self.hit_rate, self.hit_chance)

    @property
    def energy_lift(self) -> float:
        """Energy over chance; NaN where chance is 0 or unknown."""
        return _lift(self.energy, self.chance)


@dataclasses.dataclass(frozen=True)
class RunMetrics:
    """Everything that is known of one run on one set of data."""

    format: int
    task: Task
    network: str
    dataset: str
    protocol: Protocol
    """Split by image (the papers'), by subject, or as the data came."""
    seed: int
    train: SplitMetrics
    validation: SplitMetrics
    test: SplitMetrics
    labels: tuple[LabelMetrics, ...]
    """Empty for multi_class."""
    means: MeanMetrics | None
    """None for multi_class."""
    groups: tuple[GroupMetrics, ...]
    classes: ClassMetrics | None
    """None for multi_label."""
    cams: tuple[CamMetrics, ...]
    """Empty where heatmaps were not measured."""
    record: dict[str, Any]
    """How it was made: recipe, commit, machine, versions, minutes, epochs, overrides."""
    judged: SplitMetrics | None = None
    """What the figures are over; None in files older than this: the test part."""
    part: str = "test part"
    """Which part that is, in words."""
    used_for: str = ""
    """What the run used these pictures for; empty for those it was only judged on."""

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {self.format}; evaluate the run again")
        is_whole = (
            self.classes is not None
            if self.task == "multi_class"
            else self.means is not None and len(self.labels) > 0
        )
        if not is_whole:
            raise ValueError(f"figures of task {self.task} are missing; evaluate the run again")

    @property
    def size(self) -> SplitMetrics:
        """The size of the part that the figures are over."""
        return self.judged or self.test

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON; `from_dict` reads them back."""
        return dict(records.plain(self))

    @classmethod
    def from_dict(cls, payload: Any, /, *, origin: str) -> RunMetrics:
        """Returns the figures that plain values describe; `origin` names the file in errors.

        Raises:
            SourceOpenError: a key is missing or unknown, or a value has the wrong type.
        """
        return records.from_plain(cls, payload, origin=origin)


def _lift(value: float, chance: float) -> float:
    return value / chance if chance > 0 else float("nan")


def file_of(name: str, part: str, /) -> str:
    """Returns the file of a part: `evaluation.json` of the test part, `evaluation-public.json`."""
    return name if part == "test" else name.replace(".", f"-{part}.")


def write_metrics(path: Path, metrics: RunMetrics, /) -> None:
    """Writes figures as JSON."""
    records.write_json(path, metrics)


def read_metrics(path: Path, /) -> RunMetrics:
    """Returns the figures of a file that `rtau-train evaluate` wrote.

    Raises:
        SourceOpenError: the file is missing, is not JSON, or does not hold such figures.
    """
    payload = records.read_json(path, hint="`rtau-train evaluate` writes it")
    found = payload.get("format") if isinstance(payload, dict) else FORMAT
    if found != FORMAT:
        raise SourceOpenError(
            f"{path}: format must be {FORMAT}, got {found!r}; evaluate the run again"
        )
    return RunMetrics.from_dict(payload, origin=str(path))
