"""Sums and means of what was transcribed: a slip of a digit would break one of them."""

import math

import pytest

from rtau.facs import DISFA_PLUS_AUS
from rtau_train.models import NETWORKS
from rtau_train.report.published.tables import paper1, paper2

LABELS = [au.label for au in DISFA_PLUS_AUS]
AVERAGES = {(table.table, k): table for table in paper1().f1 for k in range(6)}
COUNTS = {counts.table: counts for counts in paper1().counts}


@pytest.mark.parametrize(
    ("table", "label"), [(table, label) for table in "345" for label in LABELS]
)
def test_the_parts_of_each_count_sum_to_its_total_except_for_one(table, label):
    total, *parts = COUNTS[table].rows[label]

    printed_wrong = {("5", "AU06"): 269 - 261}
    assert sum(parts) - total == printed_wrong.get((table, label), 0)


@pytest.mark.parametrize(
    ("table", "totals"),
    [
        ("3", [72150, 50429, 6559, 15162]),
        ("4", [2296, 1588, 218, 490]),
        ("5", [3316, 2315, 306, 703]),
    ],
)
def test_the_columns_of_counts_have_known_sums(table, totals):
    assert [sum(column) for column in zip(*COUNTS[table].rows.values(), strict=True)] == totals


@pytest.mark.parametrize(("table", "place"), AVERAGES)
def test_the_printed_averages_are_the_means_of_their_columns_except_for_one(table, place):
    found = AVERAGES[table, place]
    mean = sum(row[place] for row in found.rows.values()) / len(found.rows)

    if (table, place) == ("7", "ABCDEF".index("D")):
        assert found.average[place] == 0.8715
        assert mean == pytest.approx(0.9074, abs=5e-5)
    else:
        assert mean == pytest.approx(found.average[place], abs=1e-4)


def test_every_table_has_the_twelve_aus_in_order():
    paper = paper1()
    for table in (*paper.counts, *paper.f1):
        assert list(table.rows) == LABELS
    for column in paper.compared:
        assert list(column.f1) == LABELS


def test_table_9_repeats_the_best_columns_of_tables_7_and_8():
    disfa_plus, dem = paper1().compared[:2]

    assert list(disfa_plus.f1.values()) == [
        row[5] for row in paper1().f1_of("disfa+").rows.values()
    ]
    assert list(dem.f1.values()) == [row[0] for row in paper1().f1_of("dem").rows.values()]


@pytest.mark.parametrize(
    ("citation", "known", "mean"),
    [
        ("[15]", 8, 0.615),
        ("[12]", 8, 0.559),
        ("[16]", 8, 0.560),
        ("[9]", 12, 0.675),
        ("[11]", 8, 0.811),
    ],
)
def test_the_means_of_the_published_methods_are_those_of_their_papers(citation, known, mean):
    column = next(one for one in paper1().compared if citation in one.method)
    values = [value for value in column.f1.values() if not math.isnan(value)]

    assert len(values) == known
    assert sum(values) / known == pytest.approx(mean, abs=1e-3)


def test_the_emotions_of_dem_sum_to_its_images():
    images = paper1().emotions.images

    assert sum(images.values()) == 1557
    assert len(images) == 8


def test_letters_name_networks_there_are():
    paper = paper1()

    assert {name for name in paper.letters.values() if name} <= set(NETWORKS)
    assert paper.letter_of("vgg19") == "A"
    assert paper.letter_of("resnet101") is None
    assert paper.f1_of("fer2013") is None


def test_the_matrix_of_the_second_paper_is_that_of_the_public_test():
    matrix = paper2().matrix

    assert [sum(row) for row in matrix.rows] == [467, 56, 496, 895, 607, 653, 415]
    assert matrix.images == paper2().fer2013_public_test == 3589
    assert matrix.right == 2339
    assert matrix.right / matrix.images == pytest.approx(0.6517, abs=5e-5)
    assert {network.name for network in paper2().networks} <= set(NETWORKS)
