import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.data import Frame, Planes
from rtau.overlay._blur import hide
from rtau.overlay._boxes import draw_box
from rtau.overlay._landmarks import draw_landmarks
from rtau.overlay.canvas import Canvas, PlanesCanvas, canvas_of
from rtau.overlay.sprite import Sprite, plate
from rtau.overlay.video_colours import write_planes
from tests.support.planes import smooth_bgr, smooth_planes

WIDTH, HEIGHT = 96, 64
CYAN = (240, 196, 92)


def planes_of(image_bgr):
    """A picture in planes, as the encoder makes them: y, u, v."""
    height, width = image_bgr.shape[:2]
    y = np.empty((height, width), np.uint8)
    u, v = np.empty((2, height // 2, width // 2), np.uint8)
    write_planes(image_bgr, y=y, u=u, v=v)
    return y, u, v


def drawn_both_ways(draw, *, seed=0):
    """The same drawing on planes, and on BGR that becomes planes afterwards: two times y, u, v."""
    image = smooth_bgr(WIDTH, HEIGHT, seed=seed)
    planes = PlanesCanvas(*planes_of(image))
    draw(planes)
    bgr = Canvas(image.copy())
    draw(bgr)
    found = planes.picture()
    return (found.y, found.u, found.v), planes_of(bgr.picture())


def heat(seed=0):
    """Small layers as a coloured heatmap has them: paint by its alpha, and keep; empty edges."""
    rng = np.random.default_rng(seed)
    cover = np.zeros((24, 24), np.float32)
    cover[6:18, 4:20] = cv2.resize(rng.uniform(0.1, 0.6, (3, 4)), (16, 12))
    cover = cv2.GaussianBlur(cover, (7, 7), 0)
    paint = (cover[:, :, None] * rng.integers(0, 256, 3)).astype(np.uint8)
    return np.dstack([paint, np.round(255 * (1 - cover)).astype(np.uint8)])


@given(
    x=st.integers(-20, WIDTH),
    y=st.integers(-20, HEIGHT),
    size=st.tuples(st.integers(1, 40), st.integers(1, 30)),
    opacity=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_a_sprite_on_planes_is_what_it_is_on_bgr(x, y, size, opacity, seed):
    sprite = plate(*size, radius=3, colour=CYAN, opacity=opacity)
    got, wanted = drawn_both_ways(lambda canvas: canvas.composite(sprite, x=x, y=y), seed=seed)

    assert np.abs(got[0].astype(int) - wanted[0]).max() <= 3
    # An odd edge paints no whole value of colour; everywhere else they agree.
    left, top = (x + 1) // 2, (y + 1) // 2
    right, bottom = (x + size[0]) // 2, (y + size[1]) // 2
    inner = np.s_[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    for one, other in zip(got[1:], wanted[1:], strict=True):
        assert np.abs(one[inner].astype(int) - other[inner]).max(initial=0) <= 3


@given(
    x=st.integers(-20, WIDTH // 2).map(lambda k: 2 * k),
    y=st.integers(-20, HEIGHT // 2).map(lambda k: 2 * k),
    width=st.integers(1, 20).map(lambda k: 2 * k),
    heights=st.lists(st.integers(1, 8).map(lambda k: 2 * k), min_size=1, max_size=5),
    seed=st.integers(0, 5),
)
def test_a_stack_is_its_parts_below_each_other(x, y, width, heights, seed):
    parts = [
        plate(width, height, radius=2, colour=(40 * k, 200 - 30 * k, 90), opacity=0.8)
        for k, height in enumerate(heights)
    ]

    def one_by_one(canvas):
        top = y
        for part in parts:
            canvas.composite(part, x=x, y=top)
            top += part.height

    together = drawn_both_ways(lambda canvas: canvas.composite_stack(parts, x=x, y=y), seed=seed)
    for got, wanted in zip(together, drawn_both_ways(one_by_one, seed=seed), strict=True):
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


@given(
    x=st.integers(0, 20).map(lambda k: 2 * k),
    y=st.integers(0, 10).map(lambda k: 2 * k),
    size=st.tuples(st.integers(12, 48), st.integers(12, 32)),
    seed=st.integers(0, 9),
)
def test_heat_on_planes_is_what_it_is_on_bgr(x, y, size, seed):
    region = (x, y, min(x + 2 * size[0], WIDTH), min(y + 2 * size[1], HEIGHT))
    got, wanted = drawn_both_ways(
        lambda canvas: canvas.composite_resized(heat(seed), region), seed=seed
    )

    for one, other in zip(got, wanted, strict=True):
        away = np.abs(one.astype(int) - other)
        # Colour is enlarged to its own size, half the picture's: heat has no edges that would tell.
        assert away.mean() < 0.7
        assert away.max() <= 8


def test_what_is_not_drawn_on_stays_as_it_was_to_the_bit():
    frame = Frame(index=0, time_s=0.0, picture=smooth_planes(WIDTH, HEIGHT))
    canvas = canvas_of(frame)
    canvas.composite(plate(10, 6, radius=0, colour=CYAN, opacity=1.0), x=20, y=10)
    canvas.composite_resized(
        np.zeros((8, 8, 4), np.uint8) + np.uint8([0, 0, 0, 255]), (50, 20, 80, 40)
    )
    picture = canvas.picture()

    y = picture.y.astype(int) - frame.planes.y
    assert (y[10:16, 20:30] != 0).any()
    y[10:16, 20:30] = 0
    assert not y.any()
    for plane, before in ((picture.u, frame.planes.u), (picture.v, frame.planes.v)):
        away = plane.astype(int) - before
        away[5:8, 10:15] = 0
        assert not away.any()


def test_the_frame_itself_is_never_drawn_on():
    frame = Frame(index=0, time_s=0.0, picture=smooth_planes(WIDTH, HEIGHT))
    before = frame.planes.y.copy(), frame.planes.u.copy(), frame.planes.v.copy()
    canvas = canvas_of(frame)
    canvas.composite(plate(40, 40, radius=0, colour=CYAN, opacity=1.0), x=0, y=0)

    for plane, was in zip((frame.planes.y, frame.planes.u, frame.planes.v), before, strict=True):
        np.testing.assert_array_equal(plane, was)


def test_lines_and_dots_have_their_colour_on_planes():
    def draw(canvas):
        draw_box(canvas, np.array([10, 8, 70, 56], np.float32), colour=CYAN)
        points = np.stack([np.linspace(20, 60, 68), np.full(68, 30.0)], axis=1)
        draw_landmarks(canvas, points.astype(np.float32))

    got, wanted = drawn_both_ways(draw)

    np.testing.assert_array_equal(got[0] != 0, wanted[0] != 0)
    assert np.abs(got[0].astype(int) - wanted[0]).max() <= 3
    for one, other in zip(got[1:], wanted[1:], strict=True):
        # A line of colour is as wide as its whole values: the picture is blue in the same places.
        assert np.abs(one.astype(int) - other).mean() < 6
    corner = got[1][4:8, 5:10]
    assert corner.max() > 150, "cyan is bluer than grey"


def test_a_hidden_face_leaves_nothing_in_any_plane():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    u, v = rng.integers(0, 256, (2, HEIGHT // 2, WIDTH // 2), dtype=np.uint8)
    canvas = PlanesCanvas(y, u, v)
    hide(canvas, np.array([16, 8, 80, 56], np.float32))
    picture = canvas.picture()

    for plane, step in ((picture.y, 1), (picture.u, 2), (picture.v, 2)):
        inner = plane[20 // step : 44 // step, 32 // step : 64 // step].astype(float)
        assert inner.std() < 25, "blocks of noise are near grey"
        assert np.abs(np.diff(inner, axis=1)).max() < 40


@pytest.mark.parametrize(
    ("size", "matrix", "span", "in_planes"),
    [
        ((64, 48), 1, 1, True),
        ((64, 48), 1, 2, False),
        ((64, 48), 5, 1, False),
        ((63, 48), 1, 1, False),
    ],
    ids=["BT.709", "full range", "BT.601", "odd width"],
)
def test_only_a_picture_coded_as_the_output_is_drawn_on_in_planes(size, matrix, span, in_planes):
    planes = smooth_planes(*size, matrix=matrix, span=span)
    picture = canvas_of(Frame(index=0, time_s=0.0, picture=planes)).picture()

    assert isinstance(picture, Planes) == in_planes
    if in_planes:
        for plane in ("y", "u", "v"):
            np.testing.assert_array_equal(getattr(picture, plane), getattr(planes, plane))
    else:
        np.testing.assert_array_equal(picture, planes.image_bgr)


def test_a_bgr_frame_is_drawn_on_in_bgr():
    image = smooth_bgr(WIDTH, HEIGHT)
    image.flags.writeable = False
    picture = canvas_of(Frame(index=0, time_s=0.0, picture=image)).picture()

    np.testing.assert_array_equal(picture, image)
    assert not picture.flags.writeable


def test_a_sprite_outside_paints_nothing():
    sprite = Sprite(bgr=np.zeros((4, 4, 3), np.uint8), inverse_alpha=np.zeros((4, 4, 3), np.uint8))
    got, wanted = drawn_both_ways(lambda canvas: canvas.composite(sprite, x=WIDTH, y=0))

    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
