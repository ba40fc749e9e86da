"""Cells of the report's tables: numbers, what was not run, and the best of several in bold.

Called by every section that has tables.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from rtau_train.evaluation.run_metrics import ClassMetrics
from rtau_train.report import names
from rtau_train.report.document import Cell


def number_cell(value: float, /, *, digits: int = 3, note: str = "") -> Cell:
    """Returns a cell with a number; muted where it is NaN."""
    return Cell(names.number(value, digits=digits), note=note, is_missing=math.isnan(value))


def with_interval(value: float, low: float, high: float, /, *, digits: int = 3) -> Cell:
    """Returns a cell with a number and, beneath it, the ends of its interval."""
    return number_cell(value, digits=digits, note=names.interval(low, high))


def not_run() -> Cell:
    """Returns the cell of an experiment that was not run."""
    return Cell(names.NOT_RUN, is_missing=True)


def not_given() -> Cell:
    """Returns the cell of a number that the paper does not give."""
    return Cell("\N{EN DASH}", is_missing=True)


def best(cells: Sequence[Cell], /) -> list[Cell]:
    """Returns the cells with the highest number in bold; those without a number are left.

    None is best where the highest is shown as 0, for nothing was found by any.
    """
    known = [float(cell.text) for cell in cells if not cell.is_missing]
    highest = max(known, default=0.0)
    if highest <= 0:
        return list(cells)
    return [
        dataclasses.replace(cell, is_best=not cell.is_missing and float(cell.text) == highest)
        for cell in cells
    ]


def percent_cell(value: float, /) -> Cell:
    """Returns a cell with a share as a percentage; muted where it is NaN."""
    return Cell(names.percent(value), is_missing=math.isnan(value))


def is_above_majority(found: ClassMetrics, /) -> bool:
    """Returns whether the accuracy is above that of always saying the most frequent class."""
    return found.accuracy > found.majority_accuracy


def accuracy_cell(found: ClassMetrics, /) -> Cell:
    """Returns the accuracy with its interval, marked where it is not above the majority's."""
    note = names.interval(100 * found.accuracy_low, 100 * found.accuracy_high, digits=1)
    text = names.percent(found.accuracy)
    return Cell(text, note=note, is_weak=not is_above_majority(found))
