import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.errors import UsageError
from rtau_train.datasets.folds import Split, check_independent, split_rows
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.recipe import SplitPlan
from tests.support.training import shipped_recipe

PLAN = shipped_recipe().split
LABELS = ("AU01", "AU12", "AU25")


def rows_of(count, *, subjects=None, split=None, seed=0):
    """A data set without pictures: rows, rare and frequent labels, people."""
    rng = np.random.default_rng(seed)
    files = tuple(f"{row}.jpg" for row in range(count))
    people = files if subjects is None else rng.integers(0, subjects, count).astype(str)
    targets = (rng.random((count, 3)) < [0.1, 0.4, 0.6]) * np.float32(5)
    return LabelledCrops(
        pictures=(),
        files=files,
        labels=LABELS,
        task="multi_label",
        targets=targets.astype(np.float32),
        subjects=np.array(people),
        columns={} if split is None else {"split": np.array(split)},
    )


def together(split):
    return np.sort(np.concatenate([split.train, split.validation, split.test]))


@given(count=st.integers(100, 3000), seed=st.integers(0, 2**31))
def test_every_row_is_in_exactly_one_part(count, seed):
    split = split_rows(rows_of(count), dataclasses.replace(PLAN, seed=seed))

    np.testing.assert_array_equal(together(split), np.arange(count))
    assert len(split.validation) == round(count * PLAN.validation)
    assert len(split.test) == round(count * PLAN.test)


@settings(max_examples=30)
@given(count=st.integers(60, 800), people=st.integers(9, 60), seed=st.integers(0, 1000))
def test_by_subject_nobody_is_in_two_parts(count, people, seed):
    data = rows_of(count, subjects=people, seed=seed)

    split = split_rows(data, SplitPlan(protocol="subject", seed=seed))

    np.testing.assert_array_equal(together(split), np.arange(count))
    check_independent(split, data.subjects)


def test_by_subject_rows_and_rare_labels_fall_as_the_shares_say():
    data = rows_of(6000, subjects=200, seed=4)

    split = split_rows(data, SplitPlan(protocol="subject", validation=0.1, test=0.2, seed=1))

    for rows, share in ((split.train, 0.7), (split.validation, 0.1), (split.test, 0.2)):
        assert len(rows) / len(data) == pytest.approx(share, abs=0.02)
        shown = data.occurs[rows].sum(axis=0) / data.occurs.sum(axis=0)
        np.testing.assert_allclose(shown, share, atol=0.03)


def test_by_subject_a_few_large_groups_of_one_data_set_are_dealt_too():
    renders, portraits = 2000, 20 * 30
    data = rows_of(renders + portraits)
    sheets = [f"portraits/{row // 30}" for row in range(portraits)]
    names = np.repeat(["renders", "portraits"], [renders, portraits])
    data = dataclasses.replace(
        data,
        subjects=np.array([*data.subjects[:renders], *sheets]),
        columns={"dataset": names},
    )

    split = split_rows(data, SplitPlan(protocol="subject", validation=0.1, test=0.2))

    held_out = [np.mean(names[rows] == "portraits") for rows in (split.validation, split.test)]
    assert held_out == pytest.approx([portraits / (renders + portraits)] * 2, abs=0.05)


@pytest.mark.parametrize("folds", [0, 3])
def test_by_subject_data_sets_of_a_few_people_are_dealt_with_the_others(folds):
    alone = rows_of(12 * 30)
    people = np.array([f"set{row // 30}/somebody" for row in range(len(alone))])
    names = np.array([name.split("/")[0] for name in people])
    many = dataclasses.replace(alone, subjects=people, columns={"dataset": names})

    split = split_rows(many, SplitPlan(protocol="subject", folds=folds))

    np.testing.assert_array_equal(together(split), np.arange(len(alone)))
    assert min(len(split.train), len(split.validation), len(split.test)) >= 30


def test_by_subject_two_people_of_a_small_data_set_are_not_forced_into_two_parts():
    data = rows_of(2000 + 600)
    crowd = [f"many/{row // 10}" for row in range(2000)]
    couple = [f"few/{row % 2}" for row in range(600)]
    names = np.repeat(["many", "few"], [2000, 600])
    data = dataclasses.replace(
        data, subjects=np.array([*crowd, *couple]), columns={"dataset": names}
    )

    split = split_rows(data, SplitPlan(protocol="subject", validation=0.1, test=0.1))

    assert (names[split.train] == "few").sum() == 600


@pytest.mark.parametrize("protocol", ["image", "subject"])
def test_folds_test_every_row_once(protocol):
    data = rows_of(500, subjects=40)
    plans = [SplitPlan(protocol=protocol, folds=5, fold=fold) for fold in range(5)]

    splits = [split_rows(data, plan) for plan in plans]

    tested = np.concatenate([split.test for split in splits])
    np.testing.assert_array_equal(np.sort(tested), np.arange(500))
    for split in splits:
        np.testing.assert_array_equal(together(split), np.arange(500))


def test_nine_people_are_enough_for_a_split_by_subject():
    split = split_rows(rows_of(900, subjects=9), SplitPlan(protocol="subject"))

    assert min(map(len, (split.train, split.validation, split.test))) > 0


def test_a_seed_gives_one_split_and_another_seed_another():
    data = rows_of(1000)
    first, again = split_rows(data, PLAN), split_rows(data, PLAN)
    other = split_rows(data, dataclasses.replace(PLAN, seed=PLAN.seed + 1))

    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_the_data_sets_own_split_is_kept():
    words = ["train"] * 5 + ["validation"] * 2 + ["test"] * 3

    split = split_rows(rows_of(10, split=words), SplitPlan(protocol="given"))

    assert split.train.tolist() == [0, 1, 2, 3, 4]
    assert split.test.tolist() == [7, 8, 9]


def test_a_share_of_the_training_part_validates_where_the_data_have_no_such_part():
    data = rows_of(50, split=["train"] * 40 + ["test"] * 10)
    plan = SplitPlan(protocol="given", validation=0.1)

    split, again = split_rows(data, plan), split_rows(data, plan)
    other = split_rows(data, dataclasses.replace(plan, seed=1))

    assert (len(split.train), len(split.validation)) == (36, 4)
    assert sorted([*split.train, *split.validation]) == list(range(40))
    assert split.test.tolist() == list(range(40, 50))
    assert split.validation.tolist() == again.validation.tolist()
    assert split.validation.tolist() != other.validation.tolist()


@pytest.mark.parametrize(
    ("data", "plan", "said"),
    [
        (rows_of(3), PLAN, "got 3 rows and none"),
        (rows_of(90, subjects=2), SplitPlan(protocol="subject"), "needs 3 people or more, got 2"),
        (rows_of(9), SplitPlan(protocol="given"), "has no column split"),
        (rows_of(2, split=["train", "dev"]), SplitPlan(protocol="given"), "got 'dev'"),
        (rows_of(2, split=["train", "test"]), SplitPlan(protocol="given"), "none for train"),
    ],
)
def test_a_split_that_cannot_be_is_refused(data, plan, said):
    with pytest.raises(UsageError, match=said):
        split_rows(data, plan)


def test_a_person_in_two_parts_is_named():
    split = Split(np.array([0, 1]), np.array([2]), np.array([3]))

    with pytest.raises(UsageError, match=r"but ann \(1 in all\) is in train and test"):
        check_independent(split, np.array(["ann", "bob", "cy", "ann"]))


def test_a_data_set_that_is_only_trained_on_is_in_no_other_part():
    data = rows_of(400)
    names = np.array(["renders"] * 300 + ["seen"] * 100)
    data = dataclasses.replace(data, columns={"dataset": names}, pictures=data.files)

    split = split_rows(data, dataclasses.replace(PLAN, train_only=("seen",)))

    assert (together(split) == np.arange(400)).all()
    assert set(range(300, 400)) <= set(split.train.tolist())
    assert len(split.validation) > 0
    with pytest.raises(
        UsageError, match="train_only names 'absent', and --data have renders, seen"
    ):
        split_rows(data, dataclasses.replace(PLAN, train_only=("absent",)))
