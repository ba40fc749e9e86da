import itertools

import pytest

from rtau.facs import DISFA_PLUS_AUS
from rtau_train.synth.sampling import DISTRACTORS
from rtau_train.synth.shapes import (
    AU_SHAPES,
    SIDED,
    shape_weights,
    side_intensities,
    sides,
    strength,
)


def test_strength_grows_from_nothing_to_all():
    levels = [strength(intensity / 2) for intensity in range(11)]

    assert levels[0] == 0
    assert levels[-1] == 1
    assert all(low < high for low, high in itertools.pairwise(levels))


def test_the_middle_of_the_scale_covers_the_widest_range():
    steps = [strength(level + 1) - strength(level) for level in range(5)]

    assert max(steps) == max(steps[2], steps[3])


def test_every_labelled_action_and_every_distractor_has_shapes():
    assert {int(au) for au in DISFA_PLUS_AUS} | set(DISTRACTORS) <= AU_SHAPES.keys()


def test_a_pair_is_two_shapes():
    assert sides("browDown_*") == ("browDown_L", "browDown_R")
    assert sides("jawOpen") == ("jawOpen",)


def test_actions_that_share_a_shape_add_up():
    alone = shape_weights({4: 5.0})["browDown_L"]
    with_nose = shape_weights({4: 5.0, 9: 5.0})["browDown_L"]

    assert with_nose == pytest.approx(alone + shape_weights({9: 5.0})["browDown_L"])


def test_a_tilt_moves_strength_from_one_side_to_the_other():
    level = shape_weights({12: 3.0})
    tilted = shape_weights({12: 3.0}, tilts={12: 0.5})

    assert tilted["mouthSmile_L"] == pytest.approx(1.5 * level["mouthSmile_L"])
    assert tilted["mouthSmile_R"] == pytest.approx(0.5 * level["mouthSmile_R"])


def test_no_action_is_no_weight():
    assert shape_weights(dict.fromkeys(AU_SHAPES, 0.0)) == {}


def test_lids_and_jaw_do_not_cut_through_the_head():
    weights = shape_weights({45: 5.0, 7: 5.0, 6: 5.0, 9: 5.0, 26: 5.0, 25: 5.0})

    assert weights["eyeBlink_L"] <= 1.0
    assert weights["eyeSquint_R"] <= 1.2
    assert weights["jawOpen"] <= 0.95


def test_side_intensities_are_what_the_shapes_were_moved_by():
    left, right = side_intensities(12, 3.0, 0.5)

    assert left > 3 > right
    assert strength(left) == pytest.approx(1.5 * strength(3.0))
    assert strength(right) == pytest.approx(0.5 * strength(3.0))
    assert side_intensities(12, 3.0, -0.5) == (right, left)


def test_only_actions_that_are_moved_by_pairs_alone_have_sides():
    assert all(all(name.endswith("*") for name, _ in AU_SHAPES[au]) or au == 20 for au in SIDED)
    with pytest.raises(KeyError):
        side_intensities(17, 3.0, 0.0)
