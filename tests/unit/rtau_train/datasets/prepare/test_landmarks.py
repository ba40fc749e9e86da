import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau import geometry
from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare.landmarks import COLUMNS, in_crop, read_landmarks
from tests.support.prepared import write_csv


def row(file, value="1.5", **changes):
    return {"file": file, **dict.fromkeys(COLUMNS, value), **changes}


def test_points_are_read_in_pairs(tmp_path):
    path = write_csv(tmp_path / "l.csv", [row("a/1.jpg", x67="7", y67="8"), row("./b.jpg")])

    landmarks = read_landmarks(path)

    points = landmarks.of("a/1.jpg")
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    assert points[0].tolist() == [1.5, 1.5]
    assert points[67].tolist() == [7, 8]
    assert landmarks.of("b.jpg").shape == (68, 2)


def test_what_an_image_lacks_is_said(tmp_path):
    rows = [row("a.jpg", y3=""), row("b.jpg", x0="nan"), row("c.jpg"), row("c.jpg")]
    rows.append(row("e.jpg", y9="1e39"))
    landmarks = read_landmarks(write_csv(tmp_path / "l.csv", rows))

    for name, reason in (
        ("a.jpg", "l.csv: a landmark in data row 1 is no number"),
        ("b.jpg", "l.csv: a landmark in data row 2 is no number"),
        ("e.jpg", "l.csv: a landmark in data row 5 is no number"),
        ("c.jpg", "l.csv: the image is listed twice"),
        ("d.jpg", "no landmarks in l.csv"),
    ):
        with pytest.raises(ValueError, match=reason):
            landmarks.of(name)


def test_a_table_of_fewer_points_is_refused(tmp_path):
    path = write_csv(tmp_path / "l.csv", [{"file": "a.jpg", "x0": "1", "y0": "2"}])

    with pytest.raises(SourceOpenError, match="column x1 is missing; landmarks need the columns"):
        read_landmarks(path)


SIDES = st.floats(20, 900)
CORNERS = st.tuples(st.floats(-100, 800), st.floats(-100, 800))


@given(CORNERS, SIDES, st.sampled_from([48, 244, 350]))
def test_points_travel_with_the_crop(corner, side, size_px):
    square = np.array([*corner, corner[0] + side, corner[1] + side], np.float32)
    shares = np.random.default_rng(0).uniform(0.1, 0.9, (68, 2)).astype(np.float32)
    points = square[:2] + shares * (square[2:] - square[:2])

    image_from_crop = geometry.frame_from_crop(square[None], size=size_px)
    moved = in_crop(points, image_from_crop[0], size_px=size_px)

    np.testing.assert_allclose(moved, shares * size_px, atol=size_px * 2e-4)
    back = geometry.apply(image_from_crop, moved[None])[0]
    np.testing.assert_allclose(back, points, atol=0.01)


def test_landmarks_of_another_face_are_refused():
    square = np.array([[0, 0, 100, 100]], np.float32)
    image_from_crop = geometry.frame_from_crop(square, size=48)[0]

    with pytest.raises(ValueError, match="belong to another face than the one found"):
        in_crop(np.full((68, 2), 150, np.float32), image_from_crop, size_px=48)
