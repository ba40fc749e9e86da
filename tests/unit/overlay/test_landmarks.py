import numpy as np
import pytest

from rtau.overlay._landmarks import draw_landmarks, on_brows
from rtau.overlay.canvas import Canvas


def face(x, y, *, side=100):
    """68 points on a grid of a side, from (x, y)."""
    numbers = np.arange(68)
    places = np.stack([numbers % 9 / 8, numbers // 9 / 7], axis=1)
    return (places * side + (x, y)).astype(np.float32)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_every_point_shows_on_any_background_and_covers_little(grey):
    image = np.full((240, 320, 3), grey, np.uint8)
    points = face(60, 50)

    draw_landmarks(Canvas(image), points)

    changed = np.abs(image.astype(int) - grey).max(axis=2)
    for x, y in on_brows(points):
        assert changed[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() > 40
    assert (changed[50:150, 60:160] > 0).mean() < 0.15


def test_brow_points_are_drawn_nearer_to_their_eyes_and_no_other_point_moves():
    points = np.zeros((68, 2), np.float32)
    points[17:27, 1], points[36:48, 1] = 10, 60
    moved = on_brows(points)
    assert moved[17:27, 1].tolist() == [29.0] * 10
    points[17:27] = moved[17:27]
    assert np.array_equal(moved, points)


def test_points_move_by_less_than_a_pixel():
    images = np.zeros((2, 240, 320, 3), np.uint8)
    for image, shift in zip(images, (0.0, 0.4), strict=True):
        draw_landmarks(Canvas(image), face(60 + shift, 50))
    assert not np.array_equal(*images)


def test_points_outside_the_frame_are_left_out():
    image = np.zeros((240, 320, 3), np.uint8)
    draw_landmarks(Canvas(image), face(-1e9, 1e9))
    assert not image.any()
    draw_landmarks(Canvas(image), face(280, 200))
    assert image[200:, 280:].any()
