"""What every run looks like from near: matrices, curves, calibration, groups and all figures.

Takes results, returns sections. Called by the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rtau_train.evaluation.run_metrics import GroupMetrics, LabelMetrics, RunMetrics
from rtau_train.report import cells, names, plots
from rtau_train.report.document import Block, Cell, Fold, HeadGroup, Picture, Section, Table, Words
from rtau_train.report.networks import NetworkRuns, networks_of, protocols_of
from rtau_train.report.results import Run, StudyResults

# The papers' figures of matrices: Figures 5 and 6 are of DISFA+, 9 and 10 of DEM.
MATRICES = {
    ("disfa+", "vgg19"): "5",
    ("disfa+", "shufflenetv2_x1_0"): "6",
    ("dem", "vgg19"): "9",
    ("dem", "shufflenetv2_x1_0"): "10",
}
_DETAILS = (
    *("AU", "coded", "present", "base rate", "AUC", "PR-AUC", "precision", "recall", "F1 at 0.5"),
    *("threshold", "F1 at it", "always present", "MCC", "ECE", "tn", "fp", "fn", "tp"),
)

Cluster = tuple[str, list[NetworkRuns], str]


def matrices_section(results: StudyResults, /) -> Section:
    """Returns the confusion matrices per AU of the networks that the paper shows."""
    blocks: list[Block] = []
    for (dataset, network), number in MATRICES.items():
        chosen = [
            run
            for run in results.runs
            if (run.experiment.dataset, run.experiment.network) == (dataset, network)
        ]
        name = f"{names.network_name(network)}, {names.dataset_name(dataset)}"
        pictures = [_matrices(run, run.metrics, number) for run in chosen if run.metrics]
        blocks += pictures[:1]  # the paper's protocol; the others on demand
        blocks += [Fold(picture.caption, (picture,)) for picture in pictures[1:]]
        if not any(run.metrics for run in chosen):
            blocks.append(Words(f"{name} (the paper's Figure {number}): {names.NOT_RUN}."))
    about = Words(
        "Rows are the truth (absent, present), columns what was said at probability 0.5; shares "
        "are of a row. The paper prints its matrices as pictures, which are not repeated here; "
        "the counts of every network are under Details."
    )
    return Section("matrices", "Confusion matrices per AU", (about, *blocks))


def curves_section(results: StudyResults, /) -> Section:
    """Returns loss and validation score by epoch, per data set and protocol."""
    blocks: list[Block] = []
    for title, networks, protocol in clusters(results):
        runs = [(one.name, one.by_protocol.get(protocol)) for one in networks]
        curves = [(name, run.history if run else ()) for name, run in runs]
        if not any(history for _, history in curves):
            blocks.append(Words(f"{title}: {names.NOT_RUN}."))
            continue
        score = "validation mean AUC" if results.study.study == "paper1" else "validation accuracy"
        picture = plots.training_curves(curves, score=score)
        blocks.append(Picture(picture, "svg+xml", f"Training, {title}"))
    return Section("curves", "Training curves", tuple(blocks))


def calibration_section(results: StudyResults, /) -> Section:
    """Returns reliability diagrams per data set and protocol."""
    blocks: list[Block] = []
    for title, networks, protocol in clusters(results):
        drawn = [
            (f"{one.name}\nECE {names.number(_ece(metrics))}", _bins(metrics))
            for one in networks
            if (metrics := one.metrics(protocol))
        ]
        if not drawn:
            blocks.append(Words(f"{title}: {names.NOT_RUN}."))
            continue
        caption = (
            f"Reliability, {title}: thick over all labels together, thin per label; on the "
            "dashed line probabilities mean what they say. ECE: mean over the labels"
        )
        blocks.append(Picture(plots.reliabilities(drawn), "svg+xml", caption))
    return Section("calibration", "Calibration", tuple(blocks))


def groups_section(results: StudyResults, /) -> Section | None:
    """Returns figures by group of people; None where no data name any."""
    blocks = [
        _groups(title, networks, protocol)
        for title, networks, protocol in clusters(results)
        if any((metrics := one.metrics(protocol)) and metrics.groups for one in networks)
    ]
    return Section("groups", "By group of people", tuple(blocks)) if blocks else None


def details_section(results: StudyResults, /) -> Section | None:
    """Returns every figure of every run over AUs; None where there is none."""
    blocks = tuple(
        Fold(_run_name(run), (_details(run.metrics.labels),))
        for run in results.runs
        if run.metrics is not None and run.metrics.labels
    )
    return Section("details", "Details of every run", blocks) if blocks else None


def clusters(results: StudyResults, /) -> Iterator[Cluster]:
    """Yields (title, networks, protocol) for every data set and protocol of the study."""
    for dataset in dict.fromkeys(run.experiment.dataset for run in results.runs):
        networks = networks_of(results, dataset)
        for protocol in protocols_of(networks):
            title = f"{names.dataset_name(dataset)}, split {names.PROTOCOLS[protocol]}"
            yield title, networks, protocol


def _run_name(run: Run) -> str:
    one = run.experiment
    name = f"{names.network_name(one.network)} {one.variant}".strip()
    return f"{name}, {names.dataset_name(one.dataset)}, split {names.PROTOCOLS[one.protocol]}"


def _matrices(run: Run, metrics: RunMetrics, number: str) -> Picture:
    caption = f"{_run_name(run)} (as the paper's Figure {number})"
    return Picture(plots.matrices(metrics.labels), "svg+xml", caption)


def _ece(metrics: RunMetrics) -> float:
    if metrics.classes is not None:
        return metrics.classes.ece
    assert metrics.means is not None  # RunMetrics promises one of them
    return metrics.means.mean_ece


def _bins(metrics: RunMetrics) -> list[plots.Bins]:
    if metrics.classes is not None:
        return [metrics.classes.reliability]
    return [label.reliability for label in metrics.labels if label.rows]


def _groups(title: str, networks: Sequence[NetworkRuns], protocol: str) -> Table:
    found = {
        (one.name, group.column, group.value): group
        for one in networks
        if (metrics := one.metrics(protocol))
        for group in metrics.groups
    }
    is_au = any(one.means(protocol) for one in networks)
    fields = ("macro_f1_half", "mean_auc") if is_au else ("accuracy", "macro_f1")
    words = ("macro-F1", "AUC") if is_au else ("accuracy", "macro-F1")
    rows = []
    for key, first in {key[1:]: group for key, group in reversed(found.items())}.items():
        row = [Cell(f"{key[0]}: {key[1]}"), Cell(f"{first.rows:,}"), Cell(f"{first.subjects:,}")]
        for one in networks:
            row += _group_cells(found.get((one.name, *key)), fields)
        rows.append(tuple(row))
    groups = (HeadGroup("", 1), HeadGroup("test", 2), *(HeadGroup(one.name, 2) for one in networks))
    head = ("group", "images", "people", *words * len(networks))
    caption = f"Figures by group of people, {title}"
    caption += ": macro-F1 at probability 0.5" if is_au else ""
    return Table(caption, head, tuple(sorted(rows, key=lambda row: row[0].text)), groups=groups)


def _group_cells(group: GroupMetrics | None, fields: Sequence[str]) -> list[Cell]:
    if group is None:
        return [cells.not_run()] * len(fields)
    return [cells.number_cell(getattr(group, field)) for field in fields]


def _details(labels: Sequence[LabelMetrics]) -> Table:
    rows = []
    for row in labels:
        counts = row.confusion
        rows.append(
            (
                *(Cell(names.paper_label(row.label)), Cell(f"{row.rows:,}")),
                *(Cell(f"{row.positives:,}"), cells.number_cell(row.base_rate)),
                *map(cells.number_cell, (row.auc, row.pr_auc, row.precision, row.recall)),
                cells.with_interval(row.f1_half, row.f1_half_low, row.f1_half_high),
                cells.number_cell(row.threshold),
                cells.with_interval(row.f1, row.f1_low, row.f1_high),
                *map(cells.number_cell, (row.f1_all_positive, row.mcc, row.ece)),
                *(Cell(str(count)) for count in (counts.tn, counts.fp, counts.fn, counts.tp)),
            )
        )
    caption = "Every AU; precision, recall, MCC and the counts are at probability 0.5"
    return Table(caption, _DETAILS, tuple(rows))
