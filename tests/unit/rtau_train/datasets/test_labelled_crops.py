import dataclasses

import numpy as np
import pytest

from rtau.contract import CropRule
from rtau.errors import UsageError
from rtau_train.datasets.augmentation import square_of
from rtau_train.datasets.labelled_crops import joined
from rtau_train.datasets.preparation import Preparation
from rtau_train.recipe import Inner
from tests.support.training import shipped_recipe


def prepared(data, *, dataset, size_px):
    made = Preparation(
        dataset=dataset,
        task="multi_label",
        labels=data.labels,
        size_px=size_px,
        crop=None,
        images=len(data),
        rejected=0,
        rtau_version="0",
        source="somewhere",
    )
    return dataclasses.replace(data, preparation=made)


def test_what_is_not_coded_does_not_occur(data):
    targets = data.targets.copy()
    targets[0, 0] = np.nan

    some = dataclasses.replace(data, targets=targets)

    assert not some.coded[0, 0]
    assert not some.occurs[0, 0]
    assert some.coded.sum() == targets.size - 1


def test_joined_sets_have_their_own_people_and_one_size(data):
    small = data.take(np.arange(4))
    both = joined(
        [prepared(small, dataset="dem", size_px=128), prepared(small, dataset="mine", size_px=160)]
    )

    images, points = both.read(np.array([0, 5]))

    assert len(both) == 8
    assert both.files[4] == f"mine/{small.files[0]}"
    assert not set(both.subjects[:4]) & set(both.subjects[4:])
    assert images.shape == (2, 160, 160, 3)
    np.testing.assert_allclose(points[1], data.landmarks[1] * 160 / 128, rtol=1e-5)
    assert both.preparation.dataset == "dem+mine"


def test_one_set_is_left_as_it_is(data):
    assert joined([data]) is data


def test_renders_are_joined_with_pictures_that_have_no_landmarks(data):
    portraits = prepared(data.take(np.arange(3)), dataset="portraits", size_px=128)
    both = joined([data, dataclasses.replace(portraits, landmarks=None)])

    assert both.columns["dataset"].tolist() == ["renders"] * len(data) + ["portraits"] * 3
    assert both.preparation is None
    assert both.has_landmarks(0)
    assert not both.has_landmarks(len(data))
    np.testing.assert_array_equal(both.landmarks[: len(data)], data.landmarks)


def test_two_sets_of_one_name_stay_apart(data):
    assert set(joined([data, data]).columns["dataset"]) == {"renders", "renders-2"}


def test_aus_and_emotions_are_not_joined(data):
    emotions = dataclasses.replace(data, task="multi_class")

    with pytest.raises(UsageError, match="must all have AUs or all have emotions"):
        joined([data, emotions])


def cut(data, *, expand, offset_y=0.0):
    rule = CropRule("haar", expand, 0.0, offset_y)
    return dataclasses.replace(data, landmarks=None, cut_by=(rule,) * len(data))


def test_the_square_lies_on_landmarks_where_they_are_known(data):
    recipe = shipped_recipe()

    assert data.rule_of(0, recipe) is recipe.crop


def test_a_picture_that_was_cut_wide_is_cut_down_to_the_recipes_crop(data):
    recipe = shipped_recipe()  # expand 1.065, down 0.095
    inner = cut(data, expand=1.42, offset_y=0.095).rule_of(0, recipe)
    lower = cut(data, expand=1.42).rule_of(0, recipe)

    assert inner == Inner(pytest.approx(0.75), 0.5, 0.5)
    assert lower.centre_y == pytest.approx(0.5 + 0.095 / 1.42)


def test_a_picture_that_was_cut_by_the_recipes_rule_is_taken_whole(data):
    assert cut(data, expand=1.065, offset_y=0.095).rule_of(0, shipped_recipe()) is None


def test_a_picture_that_was_cut_narrower_is_refused(data):
    with pytest.raises(UsageError, match=r"--crop-expand 1\.065 or more"):
        cut(data, expand=1.0).rule_of(0, shipped_recipe())


def test_a_square_inside_a_picture_keeps_its_place(data):
    image = data.images(np.array([0]))[0]

    square = square_of(image, None, Inner(0.5, 0.5, 0.75))

    np.testing.assert_allclose(square / len(image), [0.25, 0.5, 0.75, 1.0])


def test_rows_that_do_not_belong_together_are_refused(data):
    with pytest.raises(ValueError, match="subjects must have 120 rows, got 3"):
        dataclasses.replace(data, subjects=data.subjects[:3])
    with pytest.raises(ValueError, match=r"targets must be \(120, 12\), got \(120, 3\)"):
        dataclasses.replace(data, targets=data.targets[:, :3])


def test_a_column_that_one_set_lacks_is_empty_there(data):
    few = data.take(np.arange(3))
    portraits = dataclasses.replace(
        prepared(few, dataset="portraits", size_px=128), columns={"origin": np.full(3, "T2I")}
    )

    both = joined([data, portraits])

    assert both.columns["sex"].tolist() == [*data.columns["sex"].tolist(), "", "", ""]
    assert both.columns["origin"].tolist() == [""] * len(data) + ["T2I"] * 3


def test_every_row_knows_its_data_set(data):
    portraits = prepared(data.take(np.arange(3)), dataset="portraits", size_px=128)

    assert set(data.datasets) == {"renders"}
    assert set(portraits.datasets) == {"portraits"}
    assert joined([data, portraits]).datasets[-4:].tolist() == ["renders", *["portraits"] * 3]
