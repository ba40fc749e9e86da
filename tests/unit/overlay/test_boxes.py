import numpy as np
import pytest

from rtau.overlay._boxes import draw_box, draw_tags
from rtau.overlay._placement import Area
from rtau.overlay.canvas import Canvas
from rtau.overlay.palette import track_colour

BLUE = track_colour(1)


def box(*values):
    return np.array(values, np.float32)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_box_shows_on_any_background(grey):
    image = np.full((240, 320, 3), grey, np.uint8)
    draw_box(Canvas(image), box(60, 50, 180, 170), colour=BLUE)
    changed = np.abs(image.astype(int) - grey).max(axis=2)
    assert changed[50, 60:180].min() > 40
    assert changed[50:170, 180].min() > 40
    assert not changed[70:150, 80:160].any()


@pytest.mark.parametrize(
    "corners",
    [(-20, -20, 30, 30), (0, 0, 320, 240), (310, 230, 400, 300), (5, 5, 6, 6), (9, 9, 9, 9)],
)
def test_boxes_at_edges_and_of_no_size_are_drawn_without_complaint(corners):
    image = np.full((240, 320, 3), 90, np.uint8)
    draw_box(Canvas(image), box(*corners), colour=BLUE)
    assert image.shape == (240, 320, 3)


def test_a_box_moves_by_less_than_a_pixel():
    images = []
    for shift in (0.0, 0.4):
        image = np.zeros((240, 320, 3), np.uint8)
        draw_box(Canvas(image), box(60 + shift, 50, 180 + shift, 170), colour=BLUE)
        images.append(image)
    assert not np.array_equal(*images)


def drawn_tags(corners, *, heat=None, top=0, track_id=1, size=(640, 360)):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    area = Area(width=size[0], height=size[1], top=top)
    block = draw_tags(Canvas(image), box(*corners), track_id=track_id, heat_label=heat, area=area)
    rows, columns = np.nonzero(image.any(axis=2))
    return block, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_tags_stand_on_the_box_and_are_part_of_the_block():
    block, inked = drawn_tags((200, 120, 340, 260))
    assert inked[3] <= 120
    assert block[0] <= inked[0]
    assert block[1] <= inked[1]
    assert block[3] >= 260


@pytest.mark.parametrize("corners", [(200, 0, 340, 140), (-30, -30, 60, 60), (600, 100, 700, 200)])
def test_tags_never_leave_the_frame(corners):
    _, inked = drawn_tags(corners, heat="AU12")
    whole, _ = drawn_tags((200, 120, 340, 260), heat="AU12")
    assert inked[0] >= 0
    assert inked[1] >= 0
    assert inked[2] <= 640
    assert whole is not None


def test_tags_stay_below_a_header():
    _, inked = drawn_tags((200, 20, 340, 160), top=30)
    assert inked[1] >= 30


def test_a_heat_tag_names_the_au_in_full_where_there_is_room():
    _, wide = drawn_tags((100, 120, 400, 330), heat="AU12")
    _, narrow = drawn_tags((100, 120, 160, 180), heat="AU12")
    assert wide[2] - wide[0] > 1.5 * (narrow[2] - narrow[0])


def test_the_long_name_of_a_face_gives_way_on_small_boxes():
    _, wide = drawn_tags((100, 120, 300, 320))
    _, narrow = drawn_tags((100, 120, 125, 145))
    assert narrow[2] - narrow[0] < (wide[2] - wide[0]) / 2
