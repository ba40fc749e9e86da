import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import UsageError
from rtau_train.folds import split_rows
from tests.support.training import shipped_recipe

FIT = shipped_recipe().fit


@given(count=st.integers(100, 3000), seed=st.integers(0, 2**31))
def test_every_row_is_in_exactly_one_part(count, seed):
    split = split_rows(count, dataclasses.replace(FIT, seed=seed))

    together = np.concatenate([split.train, split.thresholds, split.report])
    np.testing.assert_array_equal(np.sort(together), np.arange(count))
    assert len(split.thresholds) == round(count * FIT.threshold_share)
    assert len(split.report) == round(count * FIT.report_share)


def test_a_seed_gives_one_split_and_another_seed_another():
    first, again = split_rows(1000, FIT), split_rows(1000, FIT)
    other = split_rows(1000, dataclasses.replace(FIT, seed=FIT.seed + 1))

    np.testing.assert_array_equal(first.report, again.report)
    assert not np.array_equal(first.report, other.report)


def test_too_few_rows_for_three_parts_are_refused():
    with pytest.raises(UsageError, match="got 3 rows"):
        split_rows(3, FIT)
