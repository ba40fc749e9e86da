import numpy as np
import pytest

from rtau_train.warping import pixels

SIZE = 96


@pytest.fixture(scope="module")
def points():
    """478 points of a round face in the middle; the outline's are on its rim."""
    rng = np.random.default_rng(0)
    inner = rng.uniform(-0.7, 0.7, (478, 2))
    turns = np.linspace(0, 2 * np.pi, len(pixels._OUTLINE), endpoint=False)
    inner[list(pixels._OUTLINE)] = np.stack([np.sin(turns), -np.cos(turns)], axis=1)
    return 48 + 28 * inner


@pytest.fixture(scope="module")
def on(points):
    return pixels.grid(points, size=SIZE, eyes_px=24)


def picture():
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    return np.dstack([2 * x, 2 * y, x + y]).astype(np.uint8)


def test_values_of_the_points_are_found_where_they_lie(points, on):
    field = pixels.spread(points, on)
    columns, rows = points.astype(int).T
    inside = np.linalg.norm(points - 48, axis=1) < 15

    here = np.stack([columns, rows], axis=1) + 0.5
    np.testing.assert_allclose(field[rows, columns][inside], here[inside], atol=1.5)


def test_nothing_moves_without_a_move(on):
    image = picture()

    np.testing.assert_array_equal(pixels.warped(image, np.zeros((478, 2)), on), image)


def test_the_face_moves_and_what_is_around_it_stays(on):
    image = picture()
    moved = pixels.warped(image, np.full((478, 2), 4.0), on)

    # The picture's red and blue say where a pixel came from.
    middle = moved[40:56, 40:56].astype(int) - image[40:56, 40:56]
    np.testing.assert_allclose(middle[..., :2], -8, atol=1)
    np.testing.assert_array_equal(moved[:8], image[:8])
    np.testing.assert_array_equal(moved[:, -8:], image[:, -8:])
