"""The second paper's accuracies and 7x7 matrix beside ours, F1 per emotion and top losses.

Takes results, returns sections. Called by the page and by the overview.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from rtau_train.evaluation import multiclass_metrics
from rtau_train.evaluation.run_metrics import ClassMetrics
from rtau_train.report import cells, names
from rtau_train.report.document import Block, Cell, Fold, Section, Table, Words
from rtau_train.report.published.tables import paper2
from rtau_train.report.results import Run, StudyResults

_HEAD = (
    *("network", "data set", "split", "accuracy", "macro-F1", "always the most frequent"),
    *("ECE", "test images", "test people"),
)


def emotion_runs(results: StudyResults, /) -> list[tuple[Run, ClassMetrics]]:
    """Returns the runs that have figures of classes."""
    return [
        (run, run.metrics.classes)
        for run in results.runs
        if run.metrics is not None and run.metrics.classes is not None
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
            *(Cell("published, network not stated"), *rest * 2),
            *(Cell(names.percent(paper.accuracy)), *rest * 5),
        ),
        (
            *(Cell("published matrix, ResNet18"), Cell("FER2013"), Cell("public test")),
            *(Cell(names.percent(recomputed)), cells.percent_cell(_published_macro_f1())),
            *(*rest * 2, Cell(f"{paper.matrix.images:,}"), *rest),
        ),
    ]
    rows += [_accuracy_row(run) for run in results.runs]
    caption = (
        "Accuracy beside the paper's. Beneath a figure: its 95 % interval over people. \N{DAGGER}: "
        "not above always saying the most frequent emotion of the test part"
    )
    return Table(caption, _HEAD, tuple(rows), text_columns=3)


def _accuracy_row(run: Run) -> tuple[Cell, ...]:
    one, metrics = run.experiment, run.metrics
    name = f"{names.network_name(one.network)} {one.variant}".strip()
    protocol = Cell(names.PROTOCOLS[one.protocol])
    head = (Cell(name), Cell(names.dataset_name(one.dataset)), protocol)
    if metrics is None or metrics.classes is None:
        return (*head, *[cells.not_run()] * (len(_HEAD) - len(head)))
    found = metrics.classes
    macro = cells.percent_cell(found.macro_f1)
    note = names.interval(100 * found.macro_f1_low, 100 * found.macro_f1_high, digits=1)
    return (
        *head,
        cells.accuracy_cell(found),
        dataclasses.replace(macro, note=note),
        cells.percent_cell(found.majority_accuracy),
        cells.number_cell(found.ece),
        Cell(f"{metrics.test.rows:,}"),
        Cell(f"{metrics.test.subjects:,}"),
    )


def _weak_words(results: StudyResults) -> Words:
    known = emotion_runs(results)
    weak = [run.experiment.key for run, found in known if not cells.is_above_majority(found)]
    if not known:
        return Words("Nothing was run.")
    if weak:
        return Words(f"Not above always saying the most frequent emotion: {names.listed(weak)}.")
    return Words("Every run is above always saying the most frequent emotion.")


def _matrices(results: StudyResults) -> tuple[Block, ...]:
    paper = paper2().matrix
    blocks: list[Block] = [
        _matrix(
            "Published, ResNet18 (the paper's Figure 3)", paper.labels, np.array(paper.rows, float)
        )
    ]
    for run, found in emotion_runs(results):
        labels, counts = in_paper_order(found)
        blocks.append(_matrix(f"Here: {_run_words(run)}", labels, counts))
    blocks += [
        Words(f"{_run_words(run)}: {names.NOT_RUN}.") for run in results.runs if not run.metrics
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
    columns = [("published matrix, ResNet18", paper.labels, _published_f1())]
    columns += [(_run_words(run), found.labels, found.f1) for run, found in emotion_runs(results)]
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
    for run, found in emotion_runs(results):
        rows = [
            (
                *(Cell(one.file), Cell(one.truth), Cell(one.said)),
                *(cells.number_cell(one.probability), cells.number_cell(one.loss)),
            )
            for one in found.top_losses
        ]
        head = ("file", "truth", "said", "probability of it", "loss")
        table = Table("Highest cross-entropy first", head, tuple(rows), is_text=True)
        blocks.append(Fold(_run_words(run), (table,)))
    return tuple(blocks)


def _run_words(run: Run) -> str:
    one = run.experiment
    name = f"{names.network_name(one.network)} {one.variant}".strip()
    return f"{name}, {names.dataset_name(one.dataset)} {names.PROTOCOLS[one.protocol]}"


def _published_f1() -> tuple[float, ...]:
    return tuple(map(float, multiclass_metrics.f1_per_class(np.array(paper2().matrix.rows, float))))


def _published_macro_f1() -> float:
    return float(multiclass_metrics.macro_f1(np.array(paper2().matrix.rows, float)))
