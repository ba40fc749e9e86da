import os
from pathlib import Path

import numpy as np
import pytest

from rtau_train.synth.assets import read_assets
from rtau_train.warping import displacement
from rtau_train.warping.displacement import AUS, SIDED, displacements

# Points of the mesh.
LEFT_BROW, RIGHT_BROW = (336, 334), (107, 105)
LEFT_CORNER, RIGHT_CORNER, CHIN, UPPER_LID = 291, 61, 199, 386


def test_the_points_lie_on_the_head_as_its_own_mirror_image():
    places = displacement.read_places()

    assert places.shape == (478, 2)
    gaps = np.linalg.norm(places[:, None] - places[None] * [-1, 1], axis=2)
    assert gaps.min(axis=1).max() < 0.011
    assert places[LEFT_CORNER, 0] > 2
    assert places[10, 1] > places[152, 1]


def test_intensities_of_both_sides_add_up(by):
    both = by.moves({1: 5.0}, {1: 5.0})

    np.testing.assert_allclose(both, by.left[1] + by.right[1])
    assert not by.moves({1: 0.0}, {}).any()
    assert np.abs(by.moves({1: 2.0}, {})).max() < np.abs(by.moves({1: 4.0}, {})).max()


@pytest.fixture(scope="module")
def real():
    return displacements(read_assets(Path(os.environ["RTAU_SYNTH_ASSETS"])))


@pytest.mark.needs_synth_assets
@pytest.mark.parametrize(
    ("au", "point", "axis", "sign"),
    [
        (1, LEFT_BROW[0], 1, -1),
        (2, LEFT_BROW[1], 1, -1),
        (4, LEFT_BROW[0], 1, 1),
        (4, LEFT_BROW[0], 0, -1),
        (5, UPPER_LID, 1, -1),
        (6, 280, 1, -1),
        (9, 358, 1, -1),
        (12, LEFT_CORNER, 1, -1),
        (12, LEFT_CORNER, 0, 1),
        (15, LEFT_CORNER, 1, 1),
        (17, CHIN, 1, -1),
        (20, LEFT_CORNER, 0, 1),
    ],
)
def test_actions_move_the_face_as_the_manual_says(real, au, point, axis, sign):
    assert sign * (real.left[au] + real.right[au])[point, axis] > 0.04


@pytest.mark.needs_synth_assets
@pytest.mark.parametrize("au", SIDED)
def test_a_side_moves_alone(real, au):
    left = np.linalg.norm(real.left[au], axis=1)
    is_right = real.places_cm[:, 0] < -1.2

    assert left.max() > 0.05
    assert left[is_right].max() < 0.2 * left.max()


@pytest.mark.needs_synth_assets
@pytest.mark.parametrize("au", AUS)
def test_closed_lips_stay_closed(real, au):
    moves = real.left[au] + real.right[au]

    np.testing.assert_allclose(moves[13], moves[14])
    np.testing.assert_allclose(moves[82], moves[87])
