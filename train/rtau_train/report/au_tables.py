"""The tables of F1 per AU: the paper's beside ours by protocol, with baselines and intervals.

Takes results, returns sections. Called by the page.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from rtau_train.evaluation.run_metrics import LabelMetrics
from rtau_train.recipe import Protocol
from rtau_train.report import cells, names
from rtau_train.report.au_means import baseline_words, macro_cell, means_table
from rtau_train.report.document import Block, Cell, HeadGroup, Section, Table
from rtau_train.report.networks import NetworkRuns, networks_of, protocols_of
from rtau_train.report.published.tables import LETTERS, F1Table, paper1
from rtau_train.report.results import StudyResults


@dataclasses.dataclass(frozen=True)
class _Column:
    """A column of the F1 table: a cell per AU in the paper's order, then the average."""

    head: str
    kind: str
    """Columns of one kind compete for the bold print; empty for none."""
    cells: tuple[Cell, ...]


def f1_sections(results: StudyResults, /) -> list[Section]:
    """Returns a section per data set: means of every network, then F1 per AU beside the paper's."""
    sections = []
    for table in paper1().f1:
        networks = networks_of(results, table.dataset)
        blocks: tuple[Block, ...] = (
            means_table(networks, table),
            *baseline_words(networks),
            _f1_table(networks, table),
            published_table(table),
        )
        name = names.dataset_name(table.dataset)
        title = f"F1 per Action Unit: {name} (Table {table.table})"
        sections.append(Section(f"table-{table.table}", title, blocks))
    return sections


def published_table(table: F1Table, /) -> Table:
    """Returns the paper's own table, with the best of each row in bold as the numbers have it."""
    letters = paper1().letters
    named = [f"{letter} {names.network_name(letters[letter])}".strip() for letter in LETTERS]
    rows = [
        (Cell(names.paper_label(label)), *cells.best(_published(values)))
        for label, values in table.rows.items()
    ]
    means = [sum(column) / len(column) for column in zip(*table.rows.values(), strict=True)]
    rows.append((Cell("average, printed"), *_published(table.average)))
    rows.append((Cell("average, recomputed"), *cells.best(_published(means))))
    caption = f"Table {table.table} of {paper1().attribution}, as published: F1 per AU"
    return Table(caption, ("AU", *named), tuple(rows), summary_rows=2)


def compared_section(results: StudyResults, /) -> Section:
    """Returns Table 9 beside our best network by mean F1, per data set and protocol."""
    paper = paper1()
    columns = [
        (_method_head(one.method, one.dataset), _published_by_label(one.f1))
        for one in paper.compared
    ]
    for table in paper.f1:
        networks = networks_of(results, table.dataset)
        for protocol in protocols_of(networks):
            best = _best_network(networks, protocol)
            if best is not None:
                where = f"{names.dataset_name(table.dataset)} {names.PROTOCOLS[protocol]}"
                columns.append((f"ours: {best.name}, {where}", _by_label(best, protocol)))
    labels = tuple(paper.compared[0].f1)
    rows = [
        (
            Cell(names.paper_label(label)),
            *(column.get(label, cells.not_given()) for _, column in columns),
        )
        for label in labels
    ]
    caption = (
        "F1 per AU: Table 9, and our best networks at probability 0.5. The published methods were "
        "tested on other data, and by other protocols, than ours"
    )
    block = Table(caption, ("AU", *(head for head, _ in columns)), tuple(rows))
    return Section("table-9", "Beside published methods (Table 9)", (block,))


def _f1_table(networks: Sequence[NetworkRuns], table: F1Table) -> Table:
    protocols = protocols_of(networks) or ["image"]
    columns: list[_Column] = []
    groups = [HeadGroup("", 1)]
    for network in networks:
        own = _network_columns(network, protocols, table)
        groups.append(HeadGroup(network.name, len(own)))
        columns.extend(own)
    groups.append(HeadGroup('always saying "present"', len(protocols)))
    columns.extend(_baseline_column(networks, protocol, table) for protocol in protocols)
    unnamed = [letter for letter in LETTERS if not paper1().letters[letter]]
    groups.append(HeadGroup("published, network not stated", len(unnamed)))
    columns.extend(_published_column(letter, table) for letter in unnamed)
    rows = []
    for place, label in enumerate((*table.rows, "average")):
        row = _best_by_kind([column.cells[place] for column in columns], columns)
        rows.append((Cell(names.paper_label(label)), *row))
    caption = (
        f"F1 per AU at probability 0.5, {names.dataset_name(table.dataset)}: published, and ours "
        "with the 95 % interval over people beneath. Bold: best published, and best of ours under "
        'each split. \N{DAGGER}: not above always saying "present"'
    )
    head = ("AU", *(column.head for column in columns))
    return Table(caption, head, tuple(rows), groups=tuple(groups), summary_rows=1)


def _network_columns(
    network: NetworkRuns, protocols: Sequence[Protocol], table: F1Table
) -> list[_Column]:
    columns = [] if network.letter is None else [_published_column(network.letter, table)]
    for protocol in protocols:
        head = f"ours {names.PROTOCOLS[protocol]}"
        columns.append(_Column(head, protocol, _our_cells(network, protocol, table)))
    return columns


def _our_cells(network: NetworkRuns, protocol: Protocol, table: F1Table) -> tuple[Cell, ...]:
    means = network.means(protocol)
    if means is None:
        return (cells.not_run(),) * (len(table.rows) + 1)
    known = _by_label(network, protocol)
    missing = Cell("not a label", is_missing=True)
    return (*(known.get(label, missing) for label in table.rows), macro_cell(means))


def _by_label(network: NetworkRuns, protocol: Protocol) -> dict[str, Cell]:
    metrics = network.metrics(protocol)
    return {row.label: _f1_cell(row) for row in metrics.labels} if metrics else {}


def _f1_cell(row: LabelMetrics) -> Cell:
    cell = cells.with_interval(row.f1_half, row.f1_half_low, row.f1_half_high)
    return dataclasses.replace(cell, is_weak=row.f1_half <= row.f1_all_positive)


def _published_column(letter: str, table: F1Table) -> _Column:
    place = LETTERS.index(letter)
    values = [*(row[place] for row in table.rows.values()), table.average[place]]
    return _Column(f"published {letter}", "published", tuple(_published(values)))


def _published(values: Sequence[float]) -> list[Cell]:
    return [
        cells.not_given() if math.isnan(value) else cells.number_cell(value, digits=4)
        for value in values
    ]


def _published_by_label(values: dict[str, float]) -> dict[str, Cell]:
    return dict(zip(values, _published(list(values.values())), strict=True))


def _method_head(method: str, dataset: str) -> str:
    return method if dataset in method else f"{method}, {dataset}"


def _baseline_column(
    networks: Sequence[NetworkRuns], protocol: Protocol, table: F1Table
) -> _Column:
    """Returns the baseline of the first network that was run: all share one test part."""
    head = names.PROTOCOLS[protocol]
    for network in networks:
        metrics, means = network.metrics(protocol), network.means(protocol)
        if metrics is not None and means is not None:
            values = {row.label: row.f1_all_positive for row in metrics.labels}
            row = [values.get(label, math.nan) for label in table.rows]
            found = map(cells.number_cell, (*row, means.macro_f1_all_positive))
            return _Column(head, "", tuple(found))
    return _Column(head, "", (cells.not_run(),) * (len(table.rows) + 1))


def _best_by_kind(row: list[Cell], columns: Sequence[_Column]) -> list[Cell]:
    for kind in {column.kind for column in columns} - {""}:
        places = [k for k, column in enumerate(columns) if column.kind == kind]
        for k, cell in zip(places, cells.best([row[k] for k in places]), strict=True):
            row[k] = cell
    return row


def _best_network(networks: Sequence[NetworkRuns], protocol: Protocol) -> NetworkRuns | None:
    known = [(means.macro_f1_half, one) for one in networks if (means := one.means(protocol))]
    return max(known, key=lambda pair: pair[0])[1] if known else None
