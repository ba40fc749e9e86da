"""What a face is labelled before anything is moved in it."""

from types import SimpleNamespace

import pytest

from rtau_train.warping import folder


@pytest.mark.parametrize(
    ("shown", "left_out"),
    [
        ({}, set()),
        ({"AU04": 3.0}, {"AU04"}),
        ({"AU06": 3.0}, {"AU06"}),
        ({"AU06": 3.0, "AU12": 3.0}, {"AU09", "AU26"}),
    ],
    ids=["nothing", "a low brow", "narrow eyes", "a smile"],
)
def test_what_the_teacher_cannot_judge_is_not_coded(shown, left_out):
    scores = dict.fromkeys(("AU04", "AU06", "AU09", "AU12", "AU26"), 0.0) | shown

    labels = folder._seen(SimpleNamespace(scores=scores))

    assert set(scores) - set(labels) == left_out
    assert all(0 <= value <= 3 for value in labels.values())


def test_a_brow_that_is_not_low_does_not_frown():
    labels = folder._seen(SimpleNamespace(scores={"AU04": 1.5, "AU12": 0.0}))

    assert labels["AU04"] == 0
