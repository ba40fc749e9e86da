"""The second paper's accuracies and 7x7 matrix beside ours, F1 per emotion and top losses.

Takes results, returns sections. Called by the page and by the overview.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from rtau_train.evaluation import multiclass_metrics
from rtau_train.evaluation.run_metrics import ClassMetrics, RunMetrics
from rtau_train.report import cells, names
from rtau_train.report.document import Block, Cell, Fold, Section, Table, Words
from rtau_train.report.published.tables import paper2
from rtau_train.report.results import Run, StudyResults

_HEAD = (
    *("network", "data set", "part", "accuracy", "macro-F1", "always the most frequent"),
    *("ECE", "images", "people"),
)
# The part that the paper's matrix is of.
PUBLIC = "public test"


@dataclasses.dataclass(frozen=True)
class Judged:
    """A run with its figures on one part of the data."""

    run: Run
    metrics: RunMetrics
    classes: ClassMetrics

    @property
    def words(self) -> str:
        """Network, data set and part, as a heading."""
        one = self.run.experiment
        name = f"{names.network_name(one.network)} {one.variant}".strip()
        return f"{name}, {names.dataset_name(one.dataset)}, {self.part}"

    @property
    def part(self) -> str:
        """The part, and how the data were split unless it is FER2013's own."""
        if self.metrics.part.startswith(("public", "private")):
            return self.metrics.part
        return f"{self.metrics.part}, split {names.PROTOCOLS[self.run.experiment.protocol]}"

    @property
    def is_comparable(self) -> bool:
        """True on the part that the paper's matrix is of."""
        return self.run.experiment.dataset == "fer2013" and self.metrics.part == PUBLIC


def judged_runs(results: StudyResults, /) -> list[Judged]:
    """Returns the figures of classes of every run and part, the papers' part first."""
    return [
        Judged(run, metrics, metrics.classes)
        for run in results.runs
        for metrics in (run.public, run.metrics)
        if metrics is not None and metrics.classes is not None
    ]


def emotion_sections(results: StudyResults, /) -> list[Section]:
    """Returns the sections of accuracy, matrices and top losses."""
    return [
        Section("accuracy", "Accuracy", (_accuracies(results), _weak_words(results))),
        Section("matrices", "Confusion matrices", _matrices(results)),
        Section("per-emotion", "F1 per emotion", (_per_class(results),)),
        Section("top-losses", "Top losses", _top_losses(results)),
    ]


def _accuracies(results: StudyResults) -> Table:
    paper = paper2()
    rest = [cells.not_given()]
    recomputed = paper.matrix.right / paper.matrix.images
    rows = [
        (
            *(Cell("published, network and part not stated"), *rest * 2),
            *(Cell(names.percent(paper.accuracy)), *rest * 5),
        ),
        (
            *(Cell("published matrix, ResNet18"), Cell("FER2013"), Cell("public test")),
            *(Cell(names.percent(recomputed)), cells.percent_cell(_published_macro_f1())),
            *(*rest * 2, Cell(f"{paper.matrix.images:,}"), *rest),
        ),
    ]
    rows += [_accuracy_row(one) for one in judged_runs(results)]
    rows += [_missing_row(run) for run in results.runs if run.metrics is None]
    caption = (
        "Accuracy beside the paper's; only rows of FER2013's public test are about the pictures of "
        "its matrix. Beneath a figure: its 95 % interval over people. \N{DAGGER}: "
        "not above always saying the most frequent emotion of the part"
    )
    return Table(caption, _HEAD, tuple(rows), text_columns=3)


def _accuracy_row(one: Judged) -> tuple[Cell, ...]:
    found, part = one.classes, one.metrics.size
    macro = cells.percent_cell(found.macro_f1)
    note = names.interval(100 * found.macro_f1_low, 100 * found.macro_f1_high, digits=1)
    return (
        *_row_head(one.run),
        Cell(one.part, note=one.metrics.used_for),
        cells.accuracy_cell(found),
        dataclasses.replace(macro, note=note),
        cells.percent_cell(found.majority_accuracy),
        cells.number_cell(found.ece),
        Cell(f"{part.rows:,}"),
        Cell(f"{part.subjects:,}"),
    )


def _missing_row(run: Run) -> tuple[Cell, ...]:
    head = _row_head(run)
    return (*head, *[cells.not_run()] * (len(_HEAD) - len(head)))


def _row_head(run: Run) -> tuple[Cell, Cell]:
    one = run.experiment
    name = f"{names.network_name(one.network)} {one.variant}".strip()
    return Cell(name), Cell(names.dataset_name(one.dataset))


def _weak_words(results: StudyResults) -> Words:
    known = judged_runs(results)
    weak = [one.words for one in known if not cells.is_above_majority(one.classes)]
    if not known:
        return Words("Nothing was run.")
    if weak:
        return Words(f"Not above always saying the most frequent emotion: {names.listed(weak)}.")
    return Words("Every run is above always saying the most frequent emotion.")


def _matrices(results: StudyResults) -> tuple[Block, ...]:
    paper = paper2().matrix
    published = "Published, ResNet18, FER2013, public test (the paper's Figure 3)"
    blocks: list[Block] = [_matrix(published, paper.labels, np.array(paper.rows, float))]
    # Like beside like: what is of the same pictures stands next to the paper's.
    known = sorted(judged_runs(results), key=lambda one: not one.is_comparable)
    for one in known:
        labels, counts = in_paper_order(one.classes)
        blocks.append(_matrix(f"Here: {one.words}", labels, counts))
    blocks += [
        Words(f"{run.experiment.key}: {names.NOT_RUN}.") for run in results.runs if not run.metrics
    ]
    return tuple(blocks)


def in_paper_order(found: ClassMetrics, /) -> tuple[tuple[str, ...], multiclass_metrics.Matrix]:
    """Returns labels and counts (K, K) in the paper's order where it has the same emotions."""
    counts = np.array(found.matrix, float)
    wanted = paper2().matrix.labels
    if set(wanted) != set(found.labels):
        return found.labels, counts
    places = [found.labels.index(label) for label in wanted]
    return wanted, counts[np.ix_(places, places)]


def _matrix(caption: str, labels: tuple[str, ...], counts: multiclass_metrics.Matrix) -> Table:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        (
            Cell(label),
            *(
                Cell(f"{int(counts[k, j])}", note=f"{shares[k, j]:.0%}", shade=float(shares[k, j]))
                for j in range(len(labels))
            ),
            Cell(f"{int(counts[k].sum())}"),
        )
        for k, label in enumerate(labels)
    ]
    right = float(multiclass_metrics.accuracy(counts))
    words = f"{caption}. Rows are the truth, columns what was said; accuracy {names.percent(right)}"
    return Table(words, ("truth", *labels, "all"), tuple(rows))


def _per_class(results: StudyResults) -> Table:
    paper = paper2().matrix
    columns = [("published matrix, ResNet18, public test", paper.labels, _published_f1())]
    columns += [(one.words, one.classes.labels, one.classes.f1) for one in judged_runs(results)]
    labels = dict.fromkeys(label for _, own, _ in columns for label in own)
    rows = []
    for label in labels:
        row = [
            cells.number_cell(scores[own.index(label)]) if label in own else cells.not_given()
            for _, own, scores in columns
        ]
        rows.append((Cell(label), row[0], *cells.best(row[1:])))
    caption = "F1 per emotion; the paper's is computed from its matrix. Bold: best of ours"
    return Table(caption, ("emotion", *(head for head, _, _ in columns)), tuple(rows))


def _top_losses(results: StudyResults) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for judged in judged_runs(results):
        rows = [
            (
                *(Cell(one.file), Cell(one.truth), Cell(one.said)),
                *(cells.number_cell(one.probability), cells.number_cell(one.loss)),
            )
            for one in judged.classes.top_losses
        ]
        head = ("file", "truth", "said", "probability of it", "loss")
        table = Table("Highest cross-entropy first", head, tuple(rows), is_text=True)
        blocks.append(Fold(judged.words, (table,)))
    return tuple(blocks)


def _published_f1() -> tuple[float, ...]:
    return tuple(map(float, multiclass_metrics.f1_per_class(np.array(paper2().matrix.rows, float))))


def _published_macro_f1() -> float:
    return float(multiclass_metrics.macro_f1(np.array(paper2().matrix.rows, float)))
