import numpy as np
import pytest

from rtau_train.geometry_teacher.pictures import Portrait
from rtau_train.warping.displacement import AUS, Displacements, read_places
from rtau_train.warping.faces import base_face
from tests.support.mesh_points import fitted_teacher, recorded
from tests.support.recorded_pictures import PICTURES

SIZE = 96


@pytest.fixture(scope="session")
def by():
    """Made-up moves: every action lifts its side of the face by a tenth of the eyes' distance."""
    places = read_places()
    halves = [np.zeros((478, 3)) for _ in range(2)]
    for half, is_side in zip(halves, (places[:, 0] > 0.3, places[:, 0] < -0.3), strict=True):
        half[is_side, 1] = -0.1
    left, right = halves
    return Displacements(places, dict.fromkeys(AUS, left), dict.fromkeys(AUS, right))


@pytest.fixture(scope="session")
def face():
    """A generated portrait."""
    row = len(PICTURES) - 1
    portrait = Portrait(PICTURES[row], "portraits/one.jpg", "one", "portraits")
    return base_face(portrait, recorded().points[row], fitted_teacher(), size=SIZE)
