import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau_train.synth.window import Window, mirrored, tangents, window_around

FACE = np.random.default_rng(0).uniform([-0.1, -0.12], [0.1, 0.12], (68, 2)).astype(np.float32)


def test_the_side_is_1_9_landmark_boxes():
    window = window_around(FACE)

    assert 2 * window.half == pytest.approx(1.9 * np.ptp(FACE, axis=0).max())


def test_the_face_has_room_on_every_side():
    window = window_around(FACE)
    places = window.pixels(FACE, 100)

    assert places.min() > 18
    assert places.max() < 82


def test_a_shift_moves_the_window():
    still, moved = window_around(FACE), window_around(FACE, shift=(0.1, 0.0))

    assert moved.x - still.x == pytest.approx(0.1 * 2 * still.half)


def test_up_in_the_view_is_up_in_the_picture():
    window = Window(0.0, 0.0, 1.0)

    np.testing.assert_allclose(window.pixels(np.array([[-1.0, 1.0]]), 50), [[0, 0]])


@given(
    x=st.floats(-20, 20), y=st.floats(-20, 20), z=st.floats(-120, -30), shift=st.floats(-0.2, 0.2)
)
def test_opengl_and_the_labels_see_a_point_at_the_same_place(x, y, z, shift):
    window = Window(shift, -shift, 0.3)
    clip = window.projection(10, 200) @ np.array([x, y, z, 1.0])
    seen = (clip[:2] / clip[3] * [0.5, -0.5] + 0.5) * 128

    labelled = window.pixels(tangents(np.array([[x, y, z]])), 128)[0]
    np.testing.assert_allclose(labelled, seen, rtol=1e-4, atol=1e-3)


def test_mirroring_twice_changes_nothing():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    points = rng.uniform(0, 32, (68, 2)).astype(np.float32)

    twice = mirrored(*mirrored(image, points))
    np.testing.assert_array_equal(twice[0], image)
    np.testing.assert_allclose(twice[1], points, rtol=1e-5)


def test_a_mirrored_point_stays_on_what_it_marks():
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:12, 6:8] = 255
    points = np.full((68, 2), 20, np.float32)
    points[36] = (7, 11)  # the right eye's outer corner becomes the left one's

    flipped, moved = mirrored(image, points)
    assert flipped[int(moved[45][1]) - 1, int(moved[45][0]) - 1].all()
