import dataclasses
import json

import numpy as np
import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.splits import inherited, saved_splits, splits_of
from rtau_train.recipe import Oversample, SplitPlan
from tests.support.training import small_recipe

RARE = ("AU20", "AU17")


def recipe_with(*, before_split, protocol="image"):
    recipe = dataclasses.replace(
        small_recipe(),
        oversample=Oversample(labels=RARE, copies=10, before_split=before_split),
    )
    plan = SplitPlan(protocol=protocol, validation=0.2, test=0.2, seed=3)
    return dataclasses.replace(recipe, split=plan)


def shown(data, label):
    return int(data.occurs[:, data.labels.index(label)].sum())


def test_ten_copies_make_eleven_as_in_the_papers_table(data):
    splits = splits_of(data, recipe_with(before_split=True))

    originals = {label: shown(data, label) for label in RARE}
    both = int(np.all(data.occurs[:, [data.labels.index(label) for label in RARE]], axis=1).sum())
    assert len(splits.data) == len(data) + 10 * sum(originals.values())
    assert shown(splits.data, "AU20") == 11 * originals["AU20"] + 10 * both
    assert splits.data.name(0) == data.files[0]
    assert splits.data.name(len(data)).endswith("#1")
    names = [splits.data.name(row) for row in range(len(splits.data))]
    assert len(set(names)) == len(names)


def test_the_papers_way_lets_copies_cross_and_the_clean_way_does_not(data):
    def crossing(splits):
        originals = np.array(splits.data.files)
        train = set(originals[splits.split.train])
        return train & set(originals[np.r_[splits.split.validation, splits.split.test]])

    assert crossing(splits_of(data, recipe_with(before_split=True)))
    clean = splits_of(data, recipe_with(before_split=False))
    assert not crossing(clean)
    copied = np.flatnonzero(clean.data.copies)
    assert len(copied)
    assert set(copied) <= set(clean.split.train)


def test_copies_are_other_pictures_and_always_the_same_ones(data):
    splits = splits_of(data, recipe_with(before_split=False))
    copy = int(np.flatnonzero(splits.data.copies)[0])
    original = splits.data.files.index(splits.data.files[copy])

    first, points = splits.data.read(np.array([copy]))
    again, _ = splits.data.read(np.array([copy]))
    plain, plain_points = splits.data.read(np.array([original]))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, plain)
    moved = np.abs(points - plain_points).max()
    assert 0 < moved < 128


def test_a_split_is_found_again_by_the_files_names(data, tmp_path):
    for before_split in (True, False):
        recipe = recipe_with(before_split=before_split)
        made = splits_of(data, recipe)
        (tmp_path / "split.json").write_text(made.to_json(recipe.split))

        found = saved_splits(tmp_path, data, recipe)

        for name in ("train", "validation", "test"):
            wanted = [made.data.name(int(row)) for row in getattr(made.split, name)]
            got = [found.data.name(int(row)) for row in getattr(found.split, name)]
            assert sorted(got) == sorted(wanted)


def test_rows_in_another_order_change_nothing(data, tmp_path):
    recipe = small_recipe()
    made = splits_of(data, recipe)
    (tmp_path / "split.json").write_text(made.to_json(recipe.split))
    turned = data.take(np.arange(len(data))[::-1])

    found = saved_splits(tmp_path, turned, recipe)

    tested = {turned.files[row] for row in found.split.test}
    assert tested == {data.files[row] for row in made.split.test}


def test_other_data_than_the_runs_are_refused(data, tmp_path):
    recipe = small_recipe()
    (tmp_path / "split.json").write_text(splits_of(data, recipe).to_json(recipe.split))

    with pytest.raises(UsageError, match="names 9 pictures that --data does not have"):
        saved_splits(tmp_path, data.take(np.arange(100)), recipe)


def test_a_saved_split_by_subject_is_checked_anew(data, tmp_path):
    recipe = dataclasses.replace(small_recipe(), split=SplitPlan(protocol="subject"))
    payload = json.loads(splits_of(data, recipe).to_json(recipe.split))
    twins = data.subjects.copy()
    first, other = data.files.index(payload["train"][0]), data.files.index(payload["test"][0])
    twins[other] = twins[first]
    (tmp_path / "split.json").write_text(json.dumps(payload))

    with pytest.raises(UsageError, match="must not have one person in two parts"):
        saved_splits(tmp_path, dataclasses.replace(data, subjects=twins), recipe)


@pytest.mark.parametrize("text", [None, "nonsense", "[]", '{"train": [], "test": [3]}'])
def test_what_is_no_split_is_refused(data, tmp_path, text):
    if text is not None:
        (tmp_path / "split.json").write_text(text)

    with pytest.raises(SourceOpenError, match=r"split\.json"):
        saved_splits(tmp_path, data, small_recipe())


def test_people_on_both_sides_are_counted(data):
    one_person = dataclasses.replace(data, subjects=np.array(["ann"] * len(data)))

    assert splits_of(one_person, small_recipe()).shared_subjects() == 1
    assert splits_of(data, small_recipe()).shared_subjects() == 0


def test_a_later_run_keeps_the_parts_of_the_run_it_starts_from(data, tmp_path):
    first = splits_of(data.take(np.arange(60)), small_recipe())
    (tmp_path / "split.json").write_text(first.to_json(small_recipe().split))
    plan = dataclasses.replace(small_recipe().split, seed=99)
    later = splits_of(data, dataclasses.replace(small_recipe(), split=plan))

    made = inherited(later, tmp_path)

    for name in ("train", "validation", "test"):
        files = {made.data.name(int(row)) for row in getattr(made.split, name)}
        earlier = {first.data.name(int(row)) for row in getattr(first.split, name)}
        assert earlier <= files
    assert sum(len(getattr(made.split, n)) for n in ("train", "validation", "test")) == len(data)


def test_files_that_got_their_data_sets_name_are_found_again(data, tmp_path):
    first = splits_of(data, small_recipe())
    (tmp_path / "split.json").write_text(first.to_json(small_recipe().split))
    named = dataclasses.replace(data, files=tuple(f"renders/{file}" for file in data.files))
    plan = dataclasses.replace(small_recipe().split, seed=99)

    made = inherited(splits_of(named, dataclasses.replace(small_recipe(), split=plan)), tmp_path)

    np.testing.assert_array_equal(made.split.test, first.split.test)


def test_the_data_of_the_earlier_run_must_be_there(data, tmp_path):
    (tmp_path / "split.json").write_text(
        splits_of(data, small_recipe()).to_json(small_recipe().split)
    )

    with pytest.raises(UsageError, match=r"--data has 60 of the 120 pictures"):
        inherited(splits_of(data.take(np.arange(60)), small_recipe()), tmp_path)
