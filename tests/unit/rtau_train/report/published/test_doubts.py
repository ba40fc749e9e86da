import dataclasses

import pytest

from rtau_train.report.published.doubts import doubts_of_paper1, doubts_of_paper2
from rtau_train.report.published.tables import paper1, paper2


@pytest.mark.parametrize(
    "part",
    [
        "Table 5, AU06: 189 + 30 + 50 = 269, printed 261.",
        "Table 7, column D: the average is printed as 0.8715; its 12 values give 0.9074.",
        "Table 7, AU15: F is in bold with 0.8942, D has 0.9395.",
        "Table 3 sums to 72,150 labels; the text says about 96,000.",
        "AU20 has 31 more test images than the 1 of Table 4",
        "went from 317 to 325 training images",
        "Adam is an optimiser",
        "averages 0.675",
        "9.7 million then",
        "1.78 (x1.0)",
        "the same person is in training and in test",
        "B, C and E",
        "both average and max",
    ],
)
def test_the_doubts_about_the_first_paper(part):
    assert any(part in doubt for doubt in doubts_of_paper1(paper1())), part


@pytest.mark.parametrize(
    "part",
    [
        "2339 of 3589 images on its diagonal, 65.17%; the text gives 67.51%",
        "(467, 56, 496, 895, 607, 653, 415)",
        "index 3900, beyond the 3589",
        "no accuracy is given per network",
        "contempt",
        "233, 470, 527 GFLOPs",
    ],
)
def test_the_doubts_about_the_second_paper(part):
    assert any(part in doubt for doubt in doubts_of_paper2(paper2())), part


def test_each_table_is_doubted_once_and_only_where_numbers_disagree():
    doubts = doubts_of_paper1(paper1())

    assert sum("printed" in doubt for doubt in doubts) == 2
    assert sum("in bold" in doubt for doubt in doubts) == 1
    assert len(set(doubts)) == len(doubts)


def test_a_table_that_adds_up_is_not_doubted():
    paper = paper1()
    rows = {**paper.counts[2].rows, "AU06": (269, 189, 30, 50)}
    mended = dataclasses.replace(paper.counts[2], rows=rows)
    paper = dataclasses.replace(paper, counts=(*paper.counts[:2], mended))

    assert not any("Table 5, AU06" in doubt for doubt in doubts_of_paper1(paper))
