"""Template matching of faces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.data import Frame
from rtau.faces.template_matching import cut_template, match_template

BOX = np.array([220, 120, 340, 240], np.float32)


def frame(image):
    return Frame(index=0, time_s=0.0, picture=image)


def blobs(shift_xy=(0.0, 0.0), *, seed=0, width=640, height=360):
    """Returns a smooth picture drawn at any shift, exact to a fraction of a pixel."""
    rng = np.random.default_rng(seed)
    x, y = np.arange(width) - shift_xy[0], np.arange(height) - shift_xy[1]
    image = np.full((height, width), 110.0)
    for _ in range(60):
        cx, cy = rng.uniform(150, 410), rng.uniform(60, 300)
        wide, high = rng.uniform(6, 25), rng.uniform(-60, 60)
        bump_y, bump_x = (np.exp(-(at**2) / (2 * wide**2)) for at in (y - cy, x - cx))
        image += high * np.outer(bump_y, bump_x)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@settings(max_examples=25, deadline=None)
@given(dx=st.floats(-14, 14), dy=st.floats(-14, 14), seed=st.integers(0, 3))
def test_a_face_that_moved_is_found_to_an_eightieth_of_itself(dx, dy, seed):
    template = cut_template(frame(blobs(seed=seed)), BOX)
    found = match_template(frame(blobs((dx, dy), seed=seed)), template, near_xyxy=BOX)
    side = BOX[2] - BOX[0]
    assert np.abs(found - (BOX + np.array([dx, dy] * 2))).max() <= side / 80
    assert found.dtype == np.float32


def test_errors_do_not_accumulate_because_the_template_stays():
    template, near = cut_template(frame(blobs()), BOX), BOX
    for k in range(1, 60):
        there = np.array([0.7 * k, -0.4 * k] * 2)
        shown = frame(blobs(there[:2]))
        near = match_template(shown, template, near_xyxy=near)
        assert np.abs(near - (BOX + there)).max() <= 1.2


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(blobs(seed=7), id="something else"),
        pytest.param(np.full((360, 640, 3), 90, np.uint8), id="nothing"),
        pytest.param(blobs((60, 0)), id="too far away"),
    ],
)
def test_a_face_that_looks_different_is_not_matched(after):
    template = cut_template(frame(blobs()), BOX)
    assert match_template(frame(after), template, near_xyxy=BOX) is None


def test_a_flat_template_matches_nowhere():
    grey = frame(np.full((360, 640, 3), 90, np.uint8))
    assert match_template(grey, cut_template(grey, BOX), near_xyxy=BOX) is None


def test_a_lamp_that_dims_changes_nothing():
    template = cut_template(frame(blobs()), BOX)
    dim = (blobs((5, 3)) * 0.6).astype(np.uint8)
    found = match_template(frame(dim), template, near_xyxy=BOX)
    assert np.abs(found - (BOX + np.array([5, 3] * 2))).max() <= 1.2


@pytest.mark.parametrize(("edge", "shift"), [(0, (-8, 0)), (1, (0, -8)), (2, (8, 0)), (3, (0, 8))])
def test_a_face_that_leaves_the_frame_keeps_its_other_sides(edge, shift):
    inside = blobs()[100:260, 200:360]
    left = blobs(shift)[100:260, 200:360]
    box = np.array([20, 20, 140, 140], np.float32)
    box += {0: [-15, 0], 1: [0, -15], 2: [15, 0], 3: [0, 15]}[edge] * 2
    found = match_template(frame(left), cut_template(frame(inside), box), near_xyxy=box)
    expected = np.clip(box + np.array(shift * 2), 0, 160)
    assert expected[edge] in {0, 160}
    assert np.abs(found - expected).max() <= 1.2
    assert ((found >= 0) & (found <= 160)).all()


def test_a_box_clipped_by_the_frame_gives_no_template():
    shown = frame(blobs())
    assert cut_template(shown, np.array([-110, 100, 10, 220], np.float32)) is None
    assert cut_template(shown, np.array([900, 900, 990, 990], np.float32)) is None
    assert cut_template(shown, np.array([10, 10, 18, 18], np.float32)) is None
    # Cut by an edge, which says nothing of how far the face reaches.
    assert cut_template(shown, np.array([0, 100, 100, 220], np.float32)) is None
    assert cut_template(shown, np.array([500, 240, 620, 360], np.float32)) is None
