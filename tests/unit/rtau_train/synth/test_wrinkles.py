import numpy as np
import pytest

from rtau_train.synth import wrinkles
from rtau_train.synth.wrinkles import FOLDS, MAP_SIZE, height_map, relief, to_map

# Where the manual puts the folds: action -> how far from the midline, lowest, highest; cm.
PLACES = {
    "au1": (3.2, 6.5, 11),
    "au2": (6.5, 5.5, 10.5),
    "au4": (4.2, 3.8, 8),
    "au6": (6.9, -2.8, 5.2),
    "au9": (2.8, -2, 5),
    "au15": (3.8, -6.2, -3),
    "au17": (2.9, -7.5, -4),
    "au20": (4.9, -5.6, -1.8),
}


def energy_in(heights, box):
    right, low, high = box
    columns, rows = to_map([-right, right], [high, low])
    part = heights[int(rows[0]) : int(rows[1]), int(columns[0]) : int(columns[1])]
    return float((part**2).sum() / (heights**2).sum())


def test_a_still_young_face_is_smooth():
    heights = height_map({}, np.random.default_rng(0))

    assert heights.shape == MAP_SIZE[::-1]
    assert not heights.any()


@pytest.mark.parametrize("name", PLACES)
def test_an_action_folds_the_skin_where_it_should(name):
    for seed in range(4):
        heights = height_map({name: 1.0}, np.random.default_rng(seed))
        assert energy_in(heights, PLACES[name]) > 0.9


@pytest.mark.parametrize("name", FOLDS)
def test_folds_are_valleys_of_a_believable_depth(name):
    drawings = [wrinkles.drawn_folds(name, variant) for variant in range(2)]

    assert min(float(heights.min()) for heights in drawings) < -0.01
    assert all(np.abs(heights).max() < 0.35 for heights in drawings)


def test_drawings_of_one_fold_differ():
    assert not np.allclose(wrinkles.drawn_folds("au4", 0), wrinkles.drawn_folds("au4", 1))


def test_one_seed_gives_one_map():
    first, second = (height_map({"au9": 1.0}, np.random.default_rng(8)) for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_the_other_gains_do_not_change_which_drawing_is_used():
    alone = height_map({"au20": 1.0}, np.random.default_rng(8))
    both = height_map({"au20": 1.0, "au1": 1.0}, np.random.default_rng(8))
    rows = slice(int(to_map(0, -1)[1]), None)

    np.testing.assert_allclose(alone[rows], both[rows], atol=1e-6)


def test_the_relief_of_a_slope_is_its_slope():
    x = np.linspace(-10, 10, MAP_SIZE[0], endpoint=False, dtype=np.float32)
    y = np.linspace(12, -12, MAP_SIZE[1], endpoint=False, dtype=np.float32)
    slope_x, slope_y, depth = relief(0.1 * x[None, :] - 0.2 * y[:, None] + 5)

    np.testing.assert_allclose(slope_x[5:-5, 5:-5], 0.1, atol=1e-3)
    np.testing.assert_allclose(slope_y[5:-5, 5:-5], -0.2, atol=1e-3)
    assert not depth.any()


def test_only_valleys_are_deep():
    depth = relief(np.array([[0.1, 0.0, -0.1]] * 3, np.float32))[2]

    np.testing.assert_allclose(depth[1], [0, 0, 0.1])
