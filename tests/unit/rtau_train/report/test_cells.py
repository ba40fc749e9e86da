import dataclasses
import math

from rtau_train.report import cells
from tests.support.study_results import emotion_metrics


def test_the_highest_number_is_best_and_equals_share_it():
    row = [cells.number_cell(value) for value in (0.5, 0.7001, 0.7004, math.nan)]
    row.append(cells.not_run())

    assert [cell.is_best for cell in cells.best(row)] == [False, True, True, False, False]


def test_nothing_is_best_where_all_found_nothing():
    row = [cells.number_cell(value) for value in (0.0, 0.0, 0.0004, math.nan)]

    assert not any(cell.is_best for cell in cells.best(row))


def test_nothing_is_best_where_nothing_is_known():
    row = [cells.not_run(), cells.not_given()]

    assert cells.best(row) == row


def test_an_interval_stands_beneath_its_number():
    cell = cells.with_interval(0.5, 0.4, 0.6)

    assert (cell.text, cell.note) == ("0.500", "0.40\N{EN DASH}0.60")
    assert cells.with_interval(0.5, math.nan, math.nan).note == ""


def test_an_accuracy_not_above_the_majority_is_weak():
    found = emotion_metrics().classes

    assert not cells.accuracy_cell(found).is_weak
    equal = dataclasses.replace(found, accuracy=found.majority_accuracy)
    assert cells.accuracy_cell(equal).is_weak
