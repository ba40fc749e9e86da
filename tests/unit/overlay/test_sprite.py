import numpy as np
import pytest

from rtau.overlay.sprite import Sprite, composite, plate, rounded, write


def test_an_opaque_plate_covers_and_its_corners_do_not():
    image = np.full((40, 60, 3), 200, np.uint8)
    composite(image, plate(30, 20, radius=8, colour=(10, 20, 30), opacity=1.0), x=5, y=5)
    assert image[15, 20].tolist() == [10, 20, 30]
    assert image[5, 5].tolist() == [200, 200, 200]
    assert (image[30:] == 200).all()


@pytest.mark.parametrize(("x", "y"), [(-10, -10), (50, 30), (-100, 5), (5, 300), (58, -19)])
def test_a_sprite_is_cut_at_the_edges(x, y):
    image = np.full((40, 60, 3), 200, np.uint8)
    expected = np.full((200, 300, 3), 200, np.uint8)
    sprite = plate(30, 20, radius=1, colour=(9, 9, 9), opacity=1.0)
    composite(image, sprite, x=x, y=y)
    if x > -30 and y < 100:
        composite(expected, sprite, x=x + 110, y=y + 40)
    assert np.array_equal(image, expected[40:80, 110:170])


def test_rounded_alpha_is_symmetric():
    mask = rounded(31, 17, radius=6)
    assert np.array_equal(mask, mask[:, ::-1])
    assert np.array_equal(mask, mask[::-1])
    assert mask[8, 15] == 255


def test_writing_is_opaque_whatever_lies_below():
    sprite = plate(20, 10, radius=1, colour=(0, 0, 0), opacity=0.5)
    write(sprite, np.full((4, 4), 255, np.uint8), x=3, y=3, colour=(1, 2, 3))
    for grey in (0, 255):
        image = np.full((10, 20, 3), grey, np.uint8)
        composite(image, sprite, x=0, y=0)
        assert image[5, 5].tolist() == [1, 2, 3]


def test_a_sprite_knows_its_size():
    sprite = Sprite(bgr=np.zeros((3, 7, 3), np.uint8), inverse_alpha=np.zeros((3, 7, 3), np.uint8))
    assert (sprite.width, sprite.height) == (7, 3)
