"""What the made shapes do, in the words of the manual; on a grid of skin in front of the face."""

import numpy as np
import pytest

from rtau_train.synth.sculpt import LIP_LINE_Y_CM, sculpted_shapes


def grid():
    x, y = np.meshgrid(np.linspace(-8, 8, 81), np.linspace(-9, 9, 91))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, 10.0)], 1).astype(np.float32)


SKIN = grid()
NO_SNEER = {f"noseSneer_{side}": np.zeros_like(SKIN) for side in "LR"}


@pytest.fixture(scope="module")
def shapes():
    return sculpted_shapes(SKIN, np.ones(len(SKIN), bool), sneer=NO_SNEER)


def at(shape, x, y):
    return shape[((SKIN[:, :2] - [x, y]) ** 2).sum(1).argmin()]


def test_the_two_sides_mirror_each_other(shapes):
    mirror = np.lexsort((-SKIN[:, 0], SKIN[:, 1])).argsort()
    order = np.lexsort((SKIN[:, 0], SKIN[:, 1]))[mirror]
    pairs = [name for name in shapes if name.endswith("_L")]

    assert len(pairs) == 5
    for name in pairs:
        right = shapes[name.replace("_L", "_R")]
        np.testing.assert_allclose(shapes[name][order] * [-1, 1, 1], right, atol=1e-5)


def test_whole_shapes_are_symmetric(shapes):
    for name in ("chinBoss", "lipFlatten"):
        left, right = at(shapes[name], 2, -4.4), at(shapes[name], -2, -4.4)
        np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-5)


def test_brows_come_down_and_together(shapes):
    move = at(shapes["browPinch_L"], 1.6, 5.6)

    assert move[0] < -0.2
    assert move[1] < -0.1


def test_skin_heaps_up_between_the_brows(shapes):
    assert at(shapes["browPinch_L"], 1.2, 5.4)[2] > 0.1


def test_nostril_wings_rise(shapes):
    assert at(shapes["noseWrinkle_L"], 1.3, -0.6)[1] > 0.2


def test_the_lip_keeps_out_of_the_nose_wrinkle():
    up = {name: np.ones_like(SKIN) for name in NO_SNEER}
    wrinkle = sculpted_shapes(SKIN, np.ones(len(SKIN), bool), sneer=up)["noseWrinkle_L"]

    assert at(wrinkle, 0, -3)[1] == pytest.approx(0, abs=0.02)


def test_corners_drop_and_a_pouch_stands_out_below(shapes):
    assert at(shapes["cornerDrop_L"], 2.6, -3.6)[1] < -0.25
    assert at(shapes["cornerDrop_L"], 3.0, -4.9)[2] > 0.1


def test_corners_are_pulled_outward_by_the_stretch(shapes):
    move = at(shapes["cornerPull_L"], 2.6, -3.5)

    assert move[0] > 0.2
    assert abs(move[1]) < move[0]


def test_the_chin_pushes_up_and_forward(shapes):
    move = at(shapes["chinBoss"], 0, -6)

    assert move[1] > 0.2
    assert move[2] > 0.1


def test_flat_lips_close_in_on_their_line(shapes):
    above = at(shapes["lipFlatten"], 0, LIP_LINE_Y_CM + 0.6)
    below = at(shapes["lipFlatten"], 0, LIP_LINE_Y_CM - 0.6)

    assert above[1] < -0.1
    assert below[1] > 0.1


def test_what_may_not_move_stays(shapes):
    still = sculpted_shapes(SKIN, np.zeros(len(SKIN), bool), sneer=NO_SNEER)

    assert still.keys() == shapes.keys()
    assert all(not shape.any() for shape in still.values())
