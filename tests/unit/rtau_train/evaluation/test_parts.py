import dataclasses

import numpy as np
import pytest

from rtau.errors import UsageError
from rtau_train.datasets.folds import Split
from rtau_train.datasets.splits import DataSplits
from rtau_train.evaluation.parts import has_official, part_of
from tests.support.training import faces

USAGES = {"Training": 60, "PublicTest": 30, "PrivateTest": 30}


def splits_with(usages):
    """Splits of the 120 renders in which every row has FER2013's word for its part."""
    words = np.repeat(list(usages), list(usages.values()))
    rows = np.arange(120, dtype=np.int64)
    data = dataclasses.replace(faces(), columns={"usage": words})
    return DataSplits(data, Split(*np.split(rows, [60, 90])), "given")


@pytest.mark.parametrize(
    ("name", "rows", "words", "used_for"),
    [
        ("test", range(90, 120), "private test", ""),
        ("private", range(90, 120), "private test", ""),
        ("public", range(60, 90), "public test", "used to choose thresholds and epochs"),
        ("validation", range(60, 90), "public test", "used to choose thresholds and epochs"),
        ("train", range(60), "training part", "trained on"),
    ],
)
def test_a_part_has_its_rows_and_says_which_it_is(name, rows, words, used_for):
    part = part_of(splits_with(USAGES), name)

    assert part.rows.tolist() == list(rows)
    assert (part.words, part.used_for) == (words, used_for)


def test_without_a_private_part_the_public_one_is_the_test_part():
    splits = splits_with({"Training": 90, "PublicTest": 30})

    assert part_of(splits, "test").words == part_of(splits, "public").words == "public test"
    assert has_official(splits, "public")
    assert not has_official(splits, "private")
    with pytest.raises(UsageError, match=r"needs pictures of usage PrivateTest, the data have Pub"):
        part_of(splits, "private")


def test_other_data_have_the_parts_of_their_split():
    splits = splits_with(USAGES)
    other = dataclasses.replace(splits, data=dataclasses.replace(splits.data, columns={}))

    assert part_of(other, "test").words == "test part"
    assert not has_official(other, "public")
    with pytest.raises(UsageError, match=r"is a part of FER2013, and labels\.csv has no column"):
        part_of(other, "public")
