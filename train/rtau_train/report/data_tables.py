"""The counts per AU or emotion and the hyper-parameters, the paper's beside ours.

Takes results, returns sections. Called by the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtau_train.report import cells, names
from rtau_train.report.document import Block, Cell, HeadGroup, Section, Table, Words
from rtau_train.report.networks import PAPER_NETWORKS
from rtau_train.report.published.tables import Counts, paper1, paper2
from rtau_train.report.results import PartCounts, StudyResults

SPLIT_NAMES = ("total", "train", "validation", "test")
# Names of Table 6; `record["settings"]` of a run uses the same and may add others.
HYPERPARAMETERS = ("loss function", "training epochs", "batch size", "learning rate")

Columns = tuple[str, dict[str, tuple[int, int, int, int]]]


def counts_section(results: StudyResults, /) -> Section:
    """Returns Tables 3 to 5 beside our counts, or the sizes of the second paper's data."""
    own = results.study.counts
    blocks: list[Block] = []
    if results.study.study == "paper1":
        for counts in paper1().counts:
            chosen = [one for one in own if one.table == counts.table]
            blocks.append(_beside(counts, chosen))
        used = {counts.table for counts in paper1().counts}
        own = tuple(one for one in own if one.table not in used)
        blocks.append(_emotions())
    else:
        blocks.append(_sizes())
    blocks += [_counts_table(_title(one), [("here", one.rows)]) for one in own]
    if not results.study.counts:
        blocks.append(Words("Our own counts were not given to this report."))
    return Section("counts", "Images per label and part", tuple(blocks))


def settings_section(results: StudyResults, /) -> Section:
    """Returns the hyper-parameters of every network, Table 6 beside ours."""
    if results.study.study == "paper1":
        return Section("table-6", "Hyper-parameters (Table 6)", (_settings_1(results),))
    return Section("hyper-parameters", "Hyper-parameters", (_settings_2(results),))


def _beside(counts: Counts, own: Sequence[PartCounts]) -> Table:
    columns: list[Columns] = [("published", counts.rows)]
    columns += [(f"here, {one.title}", one.rows) for one in own]
    caption = f"Images per AU in {counts.title}: Table {counts.table}"
    return _counts_table(caption if own else f"{caption}; ours: {names.NOT_GIVEN}", columns)


def _title(one: PartCounts) -> str:
    return f"Images per label in {names.dataset_name(one.dataset)}, {one.title}"


def _counts_table(caption: str, columns: Sequence[Columns]) -> Table:
    labels = dict.fromkeys(label for _, rows in columns for label in rows)
    rows = []
    for label in labels:
        row = [Cell(names.paper_label(label))]
        for _, counted in columns:
            numbers = counted.get(label)
            row += [Cell(f"{one:,}") for one in numbers] if numbers else [cells.not_given()] * 4
        rows.append(tuple(row))
    sums = [Cell("sum")]
    for _, counted in columns:
        sums += [Cell(f"{sum(column):,}") for column in zip(*counted.values(), strict=True)]
    groups = (HeadGroup("", 1), *(HeadGroup(title, 4) for title, _ in columns))
    head = ("label", *SPLIT_NAMES * len(columns))
    return Table(caption, head, (*rows, tuple(sums)), groups=groups, summary_rows=1)


def _emotions() -> Table:
    images = paper1().emotions.images
    row = (Cell("DEM, published"), *(Cell(str(count)) for count in images.values()))
    return Table("Images per emotion: Table 1", ("", *images), (row,))


def _sizes() -> Table:
    paper = paper2()
    rows = (
        ("FER2013 training images", paper.fer2013_train),
        ("FER2013 public test images", paper.fer2013_public_test),
        ("FER2013 private test images", paper.fer2013_private_test),
        ("CK+ sequences", paper.ckplus_sequences),
        ("CK+ labelled sequences", paper.ckplus_labelled),
        ("CK+ people", paper.ckplus_people),
    )
    table = tuple((Cell(what), Cell(f"{count:,}")) for what, count in rows)
    return Table("Sizes of the data, as published", ("", "published"), table)


def _settings_1(results: StudyResults) -> Table:
    others = _other_settings(results)
    rows = []
    for network in PAPER_NETWORKS:
        row = [Cell(names.network_name(network))]
        for name in HYPERPARAMETERS:
            row += [Cell(_published_setting(name, network)), _our_setting(results, network, name)]
        row += [_our_setting(results, network, name) for name in others]
        rows.append(tuple(row))
    groups = [HeadGroup("", 1), *(HeadGroup(name, 2) for name in HYPERPARAMETERS)]
    groups += [HeadGroup(name, 1) for name in others]
    head = ("network", *("published", "here") * len(HYPERPARAMETERS), *["here"] * len(others))
    caption = "Table 6 beside ours; values of several runs of one network are all named"
    return Table(caption, head, tuple(rows), groups=tuple(groups), is_text=True)


def _settings_2(results: StudyResults) -> Table:
    paper = paper2()
    low, high = paper.learning_rate_slice
    known = (*HYPERPARAMETERS, *_other_settings(results))
    published = {"training epochs": str(paper.epochs), "learning rate": f"{low:g} to {high:g}"}
    networks = list(dict.fromkeys(run.experiment.network for run in results.runs))
    rows = [
        (
            Cell(name),
            Cell(published[name]) if name in published else cells.not_given(),
            *(_our_setting(results, network, name) for network in networks),
        )
        for name in known
    ]
    head = ("", "published", *(names.network_name(network) for network in networks))
    return Table("Hyper-parameters, the paper's beside ours", head, tuple(rows), is_text=True)


def _published_setting(name: str, network: str) -> str:
    for line in paper1().hyperparameters:
        if line.name == name and (
            line.networks == "all" or names.network_name(network) in line.networks
        ):
            return line.value
    return names.NOT_GIVEN


def _settings_of(record: dict[str, Any]) -> dict[str, str]:
    found = record.get("settings", {})
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _other_settings(results: StudyResults) -> list[str]:
    every = dict.fromkeys(key for run in results.runs for key in _settings_of(run.record))
    return [key for key in every if key not in HYPERPARAMETERS]


def _our_setting(results: StudyResults, network: str, name: str) -> Cell:
    """Returns the values of a setting in all runs of a network."""
    runs = [run for run in results.runs if run.experiment.network == network and run.metrics]
    if not runs:
        return cells.not_run()
    values = dict.fromkeys(_settings_of(run.record).get(name, "") for run in runs)
    words = " / ".join(value for value in values if value)
    return Cell(words) if words else cells.not_given()
