import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rtau_train.geometry_teacher import shape
from tests.support.mesh_points import of_renders


@pytest.fixture(scope="module")
def points():
    return of_renders()[0][:30]


def test_there_are_75_lengths_of_points_of_the_mesh(points):
    template = shape.frontal_template(points)
    values = shape.lengths(shape.upright(points, template).points)

    assert shape.LENGTHS == 75
    assert values.shape == (30, 75)
    assert len(set(shape.DISTANCES)) == 60
    assert np.isfinite(values).all()


@pytest.mark.parametrize("turn_deg", [(0, 0, 30), (0, 25, 0), (-20, 15, 10)])
def test_lengths_know_no_turn_size_or_place(points, turn_deg):
    template = shape.frontal_template(points)
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True)
    moved = np.array([turn.apply(face) for face in points]) * 2.5 + [40, -7, 3]

    before = shape.lengths(shape.upright(points, template).points)
    after = shape.lengths(shape.upright(moved, template).points)

    np.testing.assert_allclose(after, before, atol=1e-9)


def test_a_turn_of_the_head_is_read_back(points):
    template = shape.frontal_template(points)
    still = shape.upright(points, template)
    # x right, y down, z away: a head that turns to its left carries its nose to the right.
    turn = Rotation.from_euler("y", -20, degrees=True)
    moved = points @ turn.as_matrix().T
    nose, eyes = 4, 168

    assert (moved[:, nose, 0] - moved[:, eyes, 0] > points[:, nose, 0] - points[:, eyes, 0]).all()
    turned = shape.upright(moved, template)
    np.testing.assert_allclose(turned.yaw_deg - still.yaw_deg, 20, atol=3)


def test_a_nod_is_read_back(points):
    template = shape.frontal_template(points)
    still = shape.upright(points, template)
    nod = Rotation.from_euler("x", 15, degrees=True)
    moved = points @ nod.as_matrix().T
    nose, temples = 4, [127, 356]

    def height(faces):
        return faces[:, nose, 1] - faces[:, temples, 1].mean(axis=1)

    # The tip of the nose goes down: that is counted from 0 upwards.
    assert (height(moved) > height(points)).all()
    turned = shape.upright(moved, template)
    np.testing.assert_allclose(turned.pitch_deg - still.pitch_deg, 15, atol=1)
