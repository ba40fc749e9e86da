import dataclasses

import numpy as np
import pytest

from rtau.facs import AU
from rtau_train.warping import pairs
from rtau_train.warping.displacement import AUS, SIDED, UPPER_FACE
from rtau_train.warping.pairs import Change


@pytest.fixture(scope="module")
def calm(face):
    """The face as one that shows nothing, by the scores of a teacher that knows every action."""
    return dataclasses.replace(face, scores={AU(au).label: 0.0 for au in AUS})


@pytest.fixture(scope="module")
def changes(calm):
    rng = np.random.default_rng(7)
    return [pairs.sampled_change(calm, rng) for _ in range(1500)]


def test_kinds_come_as_often_as_they_should(changes):
    for kind, share in pairs.KINDS.items():
        found = np.mean([change.kind == kind for change in changes])
        assert found == pytest.approx(share, abs=0.03)


def test_negatives_show_no_action(changes):
    assert not any(c.left or c.right for c in changes if c.kind != "au")
    assert all(c.left and c.left.keys() == c.right.keys() for c in changes if c.kind == "au")


def test_strengths_lie_on_the_scale_and_opposites_never_meet(changes):
    for change in changes:
        values = [max(value, change.right[au]) for au, value in change.left.items()]
        assert all(0.5 <= value <= 5 for value in values)
        assert not {12, 15} <= change.left.keys()
        assert not {5, 6} <= change.left.keys()


def test_sides_differ_only_where_one_can_move_alone(changes):
    uneven = {au for c in changes for au, value in c.left.items() if value != c.right[au]}
    one_sided = [
        min(value, c.right[au]) == 0 for c in changes for au, value in c.left.items() if au in SIDED
    ]

    assert uneven == set(SIDED)
    assert np.mean(one_sided) == pytest.approx(0.25, abs=0.05)


def test_folds_are_absent_in_three_of_ten(changes):
    folded = [change.fold_gain > 0 for change in changes if change.kind == "au"]

    assert np.mean(folded) == pytest.approx(0.7, abs=0.04)


def test_an_action_that_may_be_there_already_is_not_added(calm):
    busy = {AU(au).label: 3.0 for au in AUS if au not in (12, 17)}
    face = dataclasses.replace(calm, scores={**calm.scores, **busy})
    rng = np.random.default_rng(1)

    added = {au for _ in range(100) for au in pairs.sampled_change(face, rng).left}

    assert added == {12, 17}


def test_an_action_that_the_teacher_does_not_know_is_not_added(calm):
    face = dataclasses.replace(calm, scores={"AU01": 0.0, "AU26": 0.0})
    rng = np.random.default_rng(1)

    assert {au for _ in range(50) for au in pairs.sampled_change(face, rng).left} == {1}


@pytest.mark.parametrize("shown", ["AU12", "AU25", "AU26"])
def test_a_mouth_that_moves_is_left_alone(calm, shown):
    face = dataclasses.replace(calm, scores={**calm.scores, shown: 3.0})
    rng = np.random.default_rng(1)

    added = {au for _ in range(200) for au in pairs.sampled_change(face, rng).left}

    assert added == set(UPPER_FACE)


def test_closed_lids_are_not_moved(calm):
    face = dataclasses.replace(calm, scores={**calm.scores, "AU45": 3.0})

    assert set(face.movable) == set(AUS) - {5, 7}


def test_points_move_with_the_picture_and_with_strength(face, by):
    weak, strong = (
        pairs.changed(
            face, Change("au", {1: value}, {1: value}), by=by, rng=np.random.default_rng(0)
        )
        for value in (2.0, 5.0)
    )
    rest = face.points_xy / 2
    brow = 336

    assert weak.image.shape == (96, 96, 3)
    lifts = [rest[brow, 1] - made.points_xy[brow, 1] for made in (weak, strong)]
    assert lifts[1] > lifts[0] > 0.3
    assert lifts[1] == pytest.approx(0.1 * face.eyes_px / 2, rel=0.2)


def test_the_person_s_left_is_on_the_right_of_the_picture(face, by):
    made = pairs.changed(
        face, Change("au", {12: 5.0}, {12: 0.0}), by=by, rng=np.random.default_rng(0)
    )
    moved = np.linalg.norm(made.points_xy - face.points_xy / 2, axis=1)

    assert moved[291] > 1
    assert moved[61] < 0.1
    assert face.points_xy[291, 0] > face.points_xy[61, 0]


@pytest.mark.parametrize("kind", ["identity", "elastic", "strokes"])
def test_a_negative_is_near_the_neutral_face(face, by, kind):
    change = Change(kind, fold_gain=0.5 if kind == "strokes" else 0.0)
    made = pairs.changed(face, change, by=by, rng=np.random.default_rng(3))
    neutral = pairs.finished(face.image, face.points_xy, np.random.default_rng(3))

    gap = np.abs(made.points_xy - neutral.points_xy).max()
    assert gap < 0.06 * face.eyes_px
    assert (gap > 0) == (kind == "elastic")
    assert np.abs(made.image.astype(int) - neutral.image).mean() < 12


def test_one_seed_makes_one_picture(face, by):
    change = Change("au", {4: 4.0}, {4: 2.0}, 0.8)
    one, other = (
        pairs.changed(face, change, by=by, rng=np.random.default_rng(5)) for _ in range(2)
    )

    np.testing.assert_array_equal(one.image, other.image)
