import dataclasses

import numpy as np
import pytest

from rtau.errors import UsageError
from rtau_train.data import joined
from rtau_train.preparation import Preparation


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


def test_sets_that_say_nothing_of_their_size_are_not_joined(data):
    with pytest.raises(UsageError, match="must all be folders of `rtau-train prepare`"):
        joined([data, data])


def test_rows_that_do_not_belong_together_are_refused(data):
    with pytest.raises(ValueError, match="subjects must have 120 rows, got 3"):
        dataclasses.replace(data, subjects=data.subjects[:3])
    with pytest.raises(ValueError, match=r"targets must be \(120, 12\), got \(120, 3\)"):
        dataclasses.replace(data, targets=data.targets[:, :3])
