"""Means over the AUs of every network beside the paper's averages, and who beats the baseline.

Takes networks with their runs, returns a table and words. Called by the F1 sections.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rtau_train.evaluation.run_metrics import MeanMetrics
from rtau_train.recipe import Protocol
from rtau_train.report import cells, names
from rtau_train.report.document import Cell, Table, Words
from rtau_train.report.networks import NetworkRuns, protocols_of
from rtau_train.report.published.tables import LETTERS, F1Table

_HEAD = (
    *("network", "split", "published average", "macro-F1 at 0.5", "always present"),
    *("macro-F1 at thresholds", "micro-F1 at 0.5", "AUC", "PR-AUC", "MCC", "ECE"),
    *("test images", "test people"),
)
# Columns of `_HEAD` where the highest number of a split is in bold.
_BEST_IS_HIGHEST = (3, 5, 6, 7, 8, 9)


def is_above_baseline(means: MeanMetrics, /) -> bool:
    """Returns whether the macro-F1 at 0.5 is above that of always saying "present"."""
    return means.macro_f1_half > means.macro_f1_all_positive


def means_table(networks: Sequence[NetworkRuns], table: F1Table, /) -> Table:
    """Returns a row per network and protocol, the paper's average beside ours."""
    protocols = protocols_of(networks) or ["image"]
    rows = [[_row(one, protocol, table) for one in networks] for protocol in protocols]
    caption = (
        f"Means over the AUs, {names.dataset_name(table.dataset)}. Beneath a figure: its 95 % "
        'interval over people. \N{DAGGER}: not above always saying "present". Bold: highest of a '
        "split"
    )
    return Table(
        caption, _HEAD, tuple(row for own in rows for row in _with_best(own)), text_columns=2
    )


def baseline_words(networks: Sequence[NetworkRuns], /) -> list[Words]:
    """Returns a paragraph per protocol that names the networks not above the baseline."""
    found = []
    for protocol in protocols_of(networks):
        means = {one.name: one.means(protocol) for one in networks}
        run = {name: one for name, one in means.items() if one is not None}
        weak = [name for name, one in run.items() if not is_above_baseline(one)]
        doubtful = [
            name
            for name, one in run.items()
            if name not in weak and one.macro_f1_half_low <= one.macro_f1_all_positive
        ]
        missing = [name for name, one in means.items() if one is None]
        found.append(Words(f"Split {names.PROTOCOLS[protocol]}: {_verdict(run, weak)}"))
        if doubtful:
            reach = f"Above it, but with an interval that reaches it: {names.listed(doubtful)}."
            found.append(Words(reach))
        if missing:
            found.append(Words(f"Not run, {names.PROTOCOLS[protocol]}: {names.listed(missing)}."))
    return found


def _verdict(run: dict[str, MeanMetrics], weak: list[str]) -> str:
    if not run:
        return "nothing was run."
    if not weak:
        return 'by macro-F1 at 0.5 every network that was run is above always saying "present".'
    return f'not above always saying "present" by macro-F1 at 0.5: {names.listed(weak)}.'


def _row(network: NetworkRuns, protocol: Protocol, table: F1Table) -> tuple[Cell, ...]:
    published = cells.not_given()
    if network.letter is not None:
        average = table.average[LETTERS.index(network.letter)]
        published = Cell(f"{average:.4f}", note=network.letter)
    head = (Cell(network.name), Cell(names.PROTOCOLS[protocol]), published)
    means, metrics = network.means(protocol), network.metrics(protocol)
    if means is None or metrics is None:
        return (*head, *[cells.not_run()] * (len(_HEAD) - len(head)))
    others = (
        means.micro_f1_half,
        means.mean_auc,
        means.mean_pr_auc,
        means.mean_mcc,
        means.mean_ece,
    )
    return (
        *head,
        macro_cell(means),
        cells.number_cell(means.macro_f1_all_positive),
        dataclasses.replace(
            cells.with_interval(means.macro_f1, means.macro_f1_low, means.macro_f1_high),
            is_weak=not means.macro_f1 > means.macro_f1_all_positive,
        ),
        *map(cells.number_cell, others),
        Cell(f"{metrics.test.rows:,}"),
        Cell(f"{metrics.test.subjects:,}"),
    )


def macro_cell(means: MeanMetrics, /) -> Cell:
    """Returns the macro-F1 at 0.5 with its interval, marked where it is not above the baseline."""
    cell = cells.with_interval(
        means.macro_f1_half, means.macro_f1_half_low, means.macro_f1_half_high
    )
    return dataclasses.replace(cell, is_weak=not is_above_baseline(means))


def _with_best(rows: list[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    table = [list(row) for row in rows]
    for column in _BEST_IS_HIGHEST:
        for row, cell in zip(table, cells.best([row[column] for row in table]), strict=True):
            row[column] = cell
    return [tuple(row) for row in table]
