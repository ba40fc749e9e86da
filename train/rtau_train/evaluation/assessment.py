"""Turns what a network said of some rows into figures, beside the truth: arrays in, records out.

Knows of no network, folder or split. Called by the evaluation; the formulas are in the modules of
the metrics.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtau_train.evaluation import binary_metrics, bootstrap, multiclass_metrics
from rtau_train.evaluation.binary_metrics import Confusion
from rtau_train.evaluation.reliability import calibration_error, reliability
from rtau_train.evaluation.run_metrics import (
    ClassMetrics,
    GroupMetrics,
    LabelMetrics,
    MeanMetrics,
    TopLoss,
)

TOP_LOSSES = 20
HALF = 0.5
_NAN = float("nan")

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """What a network said of some rows, the truth, and whose rows they are."""

    labels: tuple[str, ...]
    """A of them."""
    files: tuple[str, ...]
    """N of them."""
    probabilities: npt.NDArray[np.float64]
    """float64 (N, A)."""
    present: npt.NDArray[np.bool_]
    """bool (N, A); False where not coded. One per row for classes."""
    coded: npt.NDArray[np.bool_]
    """bool (N, A): where the truth is known."""
    subjects: npt.NDArray[np.str_]
    """str (N,); every row its own where the data name nobody."""

    def __post_init__(self) -> None:
        shape = (len(self.files), len(self.labels))
        for name in ("probabilities", "present", "coded"):
            got = getattr(self, name).shape
            assert got == shape, f"{name} must be {shape}, got {got}"
        assert self.subjects.shape == shape[:1], f"subjects must be ({shape[0]},)"

    def select(self, rows: npt.NDArray[np.bool_], /) -> Answers:
        """Returns the rows that a mask (N,) keeps."""
        return dataclasses.replace(
            self,
            files=tuple(np.array(self.files, dtype=object)[rows]),
            probabilities=self.probabilities[rows],
            present=self.present[rows],
            coded=self.coded[rows],
            subjects=self.subjects[rows],
        )


def label_metrics(
    answers: Answers, /, *, thresholds: Sequence[float], seed: int
) -> tuple[tuple[LabelMetrics, ...], MeanMetrics]:
    """Returns the figures of independent labels, each over its coded rows, and their means."""
    chosen = np.asarray(thresholds, np.float64)
    half = _Intervals(answers, np.full(len(chosen), HALF), seed=seed)
    fitted = _Intervals(answers, chosen, seed=seed)
    labels = tuple(
        _label(answers, k, threshold=float(chosen[k]), half=half.labels[k], at=fitted.labels[k])
        for k in range(len(answers.labels))
    )
    means = MeanMetrics(
        macro_f1_half=binary_metrics.known_mean(row.f1_half for row in labels),
        macro_f1_half_low=half.macro[0],
        macro_f1_half_high=half.macro[1],
        macro_f1=binary_metrics.known_mean(row.f1 for row in labels),
        macro_f1_low=fitted.macro[0],
        macro_f1_high=fitted.macro[1],
        micro_f1_half=_pooled_f1([row.confusion for row in labels]),
        micro_f1=_pooled_f1([row.confusion_at_threshold for row in labels]),
        macro_f1_all_positive=binary_metrics.known_mean(row.f1_all_positive for row in labels),
        mean_auc=binary_metrics.known_mean(row.auc for row in labels),
        mean_pr_auc=binary_metrics.known_mean(row.pr_auc for row in labels),
        mean_mcc=binary_metrics.known_mean(row.mcc for row in labels),
        mean_ece=binary_metrics.known_mean(row.ece for row in labels),
    )
    return labels, means


def class_metrics(answers: Answers, /, *, seed: int) -> ClassMetrics:
    """Returns the figures of one class out of several; the most probable class is what is said."""
    truth, said = _classes(answers)
    names = answers.labels
    counts = multiclass_metrics.matrix(truth, said, classes=len(names))
    samples = _resampled_matrices(answers, seed=seed)
    subjects = len(np.unique(answers.subjects))
    accuracy_ends = bootstrap.interval(multiclass_metrics.accuracy(samples), subjects=subjects)
    f1_ends = bootstrap.interval(multiclass_metrics.macro_f1(samples), subjects=subjects)
    rest = [multiclass_metrics.against_the_rest(counts, k) for k in range(len(names))]
    bins = reliability(answers.probabilities.max(axis=1), truth == said)
    return ClassMetrics(
        labels=names,
        matrix=tuple(tuple(int(count) for count in row) for row in counts),
        accuracy=float(multiclass_metrics.accuracy(counts)),
        accuracy_low=accuracy_ends[0],
        accuracy_high=accuracy_ends[1],
        macro_f1=float(multiclass_metrics.macro_f1(counts)),
        macro_f1_low=f1_ends[0],
        macro_f1_high=f1_ends[1],
        majority_accuracy=float(counts.sum(axis=1).max() / max(counts.sum(), 1)),
        precision=tuple(one.precision for one in rest),
        recall=tuple(one.recall for one in rest),
        f1=tuple(float(score) for score in multiclass_metrics.f1_per_class(counts)),
        ece=calibration_error(bins),
        reliability=bins,
        top_losses=_top_losses(answers, truth, said),
    )


def group_metrics(
    answers: Answers,
    columns: dict[str, npt.NDArray[np.str_]],
    /,
    *,
    thresholds: Sequence[float] | None,
) -> tuple[GroupMetrics, ...]:
    """Returns figures per value of each column of str (N,); no thresholds means classes.

    Rows where a column is empty are in none of its groups.
    """
    found = []
    for column, values in columns.items():
        for value in np.unique(values[values != ""]):
            part = answers.select(values == value)
            kind = _class_group if thresholds is None else _label_group
            found.append(kind(part, thresholds or (), name=(column, str(value))))
    return tuple(found)


class _Intervals:
    """The bootstrap intervals of F1 at given thresholds: of each label and of their mean."""

    def __init__(
        self, answers: Answers, thresholds: npt.NDArray[np.float64], /, *, seed: int
    ) -> None:
        said = answers.probabilities >= thresholds
        present, coded = answers.present & answers.coded, answers.coded
        wrong = (said != present) & coded
        counted = np.stack([said & present, wrong, present], axis=2)  # (N, A, 3)
        sums = bootstrap.sums_by_subject(counted, answers.subjects)
        hits, errors, positives = np.moveaxis(bootstrap.resampled(sums, seed=seed), 2, 0)
        scores = np.where(positives > 0, 2 * hits / np.maximum(2 * hits + errors, 1), np.nan)
        known = ~np.isnan(scores)
        mean = np.where(known, scores, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        mean[~known.any(axis=1)] = np.nan
        subjects = len(sums)
        self.labels: list[Interval] = [
            bootstrap.interval(column, subjects=subjects) for column in scores.T
        ]
        self.macro: Interval = bootstrap.interval(mean, subjects=subjects)


def _label(
    answers: Answers, k: int, /, *, threshold: float, half: Interval, at: Interval
) -> LabelMetrics:
    rows = answers.coded[:, k]
    probabilities, truth = answers.probabilities[rows, k], answers.present[rows, k]
    at_half = binary_metrics.confusion(probabilities >= HALF, truth)
    at_threshold = binary_metrics.confusion(probabilities >= threshold, truth)
    occurs = bool(truth.any())
    bins = reliability(probabilities, truth)
    return LabelMetrics(
        label=answers.labels[k],
        rows=len(truth),
        positives=int(truth.sum()),
        base_rate=float(truth.mean()) if len(truth) else _NAN,
        threshold=threshold,
        f1_half=at_half.f1 if occurs else _NAN,
        f1_half_low=half[0],
        f1_half_high=half[1],
        f1=at_threshold.f1 if occurs else _NAN,
        f1_low=at[0],
        f1_high=at[1],
        f1_all_positive=binary_metrics.f1(np.ones(len(truth), bool), truth) if occurs else _NAN,
        precision=at_half.precision,
        recall=at_half.recall,
        auc=binary_metrics.auc(probabilities, truth),
        pr_auc=binary_metrics.average_precision(probabilities, truth),
        mcc=at_half.mcc,
        confusion=at_half,
        confusion_at_threshold=at_threshold,
        ece=calibration_error(bins),
        reliability=bins,
    )


def _label_group(
    part: Answers, thresholds: Sequence[float], /, *, name: tuple[str, str]
) -> GroupMetrics:
    metrics = [
        _label(part, k, threshold=thresholds[k], half=(_NAN, _NAN), at=(_NAN, _NAN))
        for k in range(len(part.labels))
    ]
    return GroupMetrics(
        *name,
        rows=len(part.files),
        subjects=len(np.unique(part.subjects)),
        mean_auc=binary_metrics.known_mean(row.auc for row in metrics),
        macro_f1_half=binary_metrics.known_mean(row.f1_half for row in metrics),
        macro_f1=binary_metrics.known_mean(row.f1 for row in metrics),
        accuracy=_NAN,
    )


def _class_group(part: Answers, _: Sequence[float], /, *, name: tuple[str, str]) -> GroupMetrics:
    truth, said = _classes(part)
    counts = multiclass_metrics.matrix(truth, said, classes=len(part.labels))
    return GroupMetrics(
        *name,
        rows=len(part.files),
        subjects=len(np.unique(part.subjects)),
        mean_auc=_NAN,
        macro_f1_half=_NAN,
        macro_f1=float(multiclass_metrics.macro_f1(counts)),
        accuracy=float(multiclass_metrics.accuracy(counts)),
    )


def _classes(answers: Answers) -> tuple[multiclass_metrics.Classes, multiclass_metrics.Classes]:
    """Returns the true and the most probable class of each row: int64 (N,) twice."""
    assert (answers.present.sum(axis=1) == 1).all(), "each row must have one class"
    return answers.present.argmax(axis=1), answers.probabilities.argmax(axis=1)


def _resampled_matrices(answers: Answers, /, *, seed: int) -> npt.NDArray[np.float64]:
    truth, said = _classes(answers)
    count = len(answers.labels)
    cells = np.zeros((len(truth), count * count), bool)
    cells[np.arange(len(truth)), truth * count + said] = True
    sums = bootstrap.sums_by_subject(cells, answers.subjects)
    return bootstrap.resampled(sums, seed=seed).reshape(-1, count, count)


def _top_losses(
    answers: Answers, truth: multiclass_metrics.Classes, said: multiclass_metrics.Classes
) -> tuple[TopLoss, ...]:
    losses = multiclass_metrics.losses(answers.probabilities, truth)
    return tuple(
        TopLoss(
            file=answers.files[row],
            truth=answers.labels[truth[row]],
            said=answers.labels[said[row]],
            probability=float(answers.probabilities[row, said[row]]),
            loss=float(losses[row]),
        )
        for row in np.argsort(-losses, kind="stable")[:TOP_LOSSES]
    )


def _pooled_f1(counts: list[Confusion]) -> float:
    """Returns the F1 of all decisions together (micro); NaN where nothing was present."""
    fields = ("tn", "fp", "fn", "tp")
    pooled = Confusion(**{name: sum(getattr(one, name) for one in counts) for name in fields})
    return pooled.f1 if pooled.tp + pooled.fn else _NAN
