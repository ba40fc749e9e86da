"""The record of a study and of its runs: machine, versions, commit, minutes, seeds, hashes.

Writes down what it is given; asks no machine. Called by the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtau_train.evaluation.run_metrics import SplitMetrics
from rtau_train.report import cells, names
from rtau_train.report.document import Block, Cell, Fold, Section, Table
from rtau_train.report.results import Run, StudyResults

_OF_RUN = ("recipe", "commit", "machine", "device", "versions", "epochs_done", "minutes")


def record_section(results: StudyResults, /) -> Section:
    """Returns the record of the study, a line per run, and everything known of each."""
    blocks: list[Block] = []
    if results.study.record:
        blocks.append(_pairs("The study", results.study.record))
    rows = tuple(_row(run) for run in results.runs)
    head = ("run", "split", "seed", "train", "validation", "test", *_OF_RUN)
    caption = "A line per run; parts in images, with their people in brackets"
    blocks.append(Table(caption, head, rows, is_text=True))
    blocks += [
        Fold(f"Everything recorded: {run.experiment.key}", (_pairs("The run", run.record),))
        for run in results.runs
        if run.record
    ]
    return Section("record", "The run's record", tuple(blocks))


def _row(run: Run) -> tuple[Cell, ...]:
    one, metrics = run.experiment, run.metrics
    head = (Cell(one.key), Cell(names.PROTOCOLS[one.protocol]))
    if metrics is None:
        known = {"recipe": one.recipe}
        parts = [cells.not_run()] * 4
    else:
        known = {"recipe": one.recipe, **run.record}
        parts = [
            Cell(str(metrics.seed)),
            *map(_part, (metrics.train, metrics.validation, metrics.test)),
        ]
    rest = [Cell(_words(known[key])) if key in known else cells.not_given() for key in _OF_RUN]
    return (*head, *parts, *rest)


def _part(part: SplitMetrics) -> Cell:
    return Cell(f"{part.rows:,} ({part.subjects:,})")


def _pairs(caption: str, record: dict[str, Any]) -> Table:
    rows = tuple((Cell(key), Cell(words)) for key, words in _flat(record))
    return Table(caption, ("what", "value"), rows, is_text=True)


def _flat(record: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yields (dotted key, words) for every value of nested objects."""
    for key, value in record.items():
        name = f"{place}.{key}" if place else str(key)
        if isinstance(value, dict):
            yield from _flat(value, name)
        else:
            yield name, _words(value)


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return "unknown" if value is None else str(value)
