import numpy as np
import pytest

from rtau.overlay.palette import (
    ACTIVE,
    BAR_IDLE,
    TRACKS,
    Decal,
    lay,
    plate,
    rounded,
    track_colour,
    write,
)


def luminance(colour):
    b, g, r = colour
    return 0.0722 * b + 0.7152 * g + 0.2126 * r


def test_active_and_inactive_bars_differ_in_brightness_not_only_in_colour():
    assert luminance(ACTIVE) > 1.3 * luminance(BAR_IDLE)


def test_a_track_keeps_its_colour_and_neighbours_differ():
    assert track_colour(3) == track_colour(3 + len(TRACKS))
    assert len({track_colour(track_id) for track_id in range(1, 7)}) == 6


def test_an_opaque_plate_covers_and_its_corners_do_not():
    image = np.full((40, 60, 3), 200, np.uint8)
    lay(image, plate(30, 20, radius=8, colour=(10, 20, 30), opacity=1.0), x=5, y=5)
    assert image[15, 20].tolist() == [10, 20, 30]
    assert image[5, 5].tolist() == [200, 200, 200]
    assert (image[30:] == 200).all()


@pytest.mark.parametrize(("x", "y"), [(-10, -10), (50, 30), (-100, 5), (5, 300), (58, -19)])
def test_a_decal_is_cut_at_the_edges(x, y):
    image = np.full((40, 60, 3), 200, np.uint8)
    expected = np.full((200, 300, 3), 200, np.uint8)
    decal = plate(30, 20, radius=1, colour=(9, 9, 9), opacity=1.0)
    lay(image, decal, x=x, y=y)
    if x > -30 and y < 100:
        lay(expected, decal, x=x + 110, y=y + 40)
    assert np.array_equal(image, expected[40:80, 110:170])


def test_rounded_coverage_is_symmetric():
    mask = rounded(31, 17, radius=6)
    assert np.array_equal(mask, mask[:, ::-1])
    assert np.array_equal(mask, mask[::-1])
    assert mask[8, 15] == 255


def test_writing_is_opaque_whatever_lies_below():
    decal = plate(20, 10, radius=1, colour=(0, 0, 0), opacity=0.5)
    write(decal, np.full((4, 4), 255, np.uint8), x=3, y=3, colour=(1, 2, 3))
    for grey in (0, 255):
        image = np.full((10, 20, 3), grey, np.uint8)
        lay(image, decal, x=0, y=0)
        assert image[5, 5].tolist() == [1, 2, 3]


def test_a_decal_knows_its_size():
    decal = Decal(paint=np.zeros((3, 7, 3), np.uint8), keep=np.zeros((3, 7, 3), np.uint8))
    assert (decal.width, decal.height) == (7, 3)
