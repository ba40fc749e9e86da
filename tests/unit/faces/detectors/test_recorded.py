"""Boxes replayed from a table or a list."""

import numpy as np
import pytest

from rtau.data import Faces, Frame
from rtau.errors import ConfigError
from rtau.faces.detectors.recorded import ListDetector, RecordedDetector

HEADER = "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,AU12_p\n"


def frame(index, *, width=200, height=100):
    return Frame(index=index, time_s=0.0, picture=np.zeros((height, width, 3), np.uint8))


def written(tmp_path, body, header=HEADER):
    path = tmp_path / "faces.csv"
    path.write_text(header + body, encoding="utf-8")
    return path


def test_boxes_come_back_on_their_frames(tmp_path):
    body = (
        "1,1,0.0,0.9,1,10,20,30,40,0.5\n"
        "2,0,0.04,0,0,,,,,\n"
        "3,1,0.08,0.8,1,11,20,30,40,0.5\n"
        "3,2,0.08,0.7,1,90.5,20,30,40,0.5\n"
    )
    detector = RecordedDetector(written(tmp_path, body))
    first = detector.detect(frame(0))
    np.testing.assert_array_equal(first.boxes_xyxy, [[10, 20, 40, 60]])
    np.testing.assert_allclose(first.scores, [0.9])
    assert len(detector.detect(frame(1))) == 0
    np.testing.assert_array_equal(
        detector.detect(frame(2)).boxes_xyxy, [[11, 20, 41, 60], [90.5, 20, 120.5, 60]]
    )
    assert len(detector.detect(frame(3))) == 0


def test_near_picks_the_overlapping(tmp_path):
    detector = ListDetector([[(0, 0, 10, 10), (50, 50, 60, 60)]])
    near = Faces(boxes_xyxy=np.array([[55, 55, 70, 70]], np.float32))
    np.testing.assert_array_equal(
        detector.detect(frame(0), near=near).boxes_xyxy, [[50, 50, 60, 60]]
    )


def test_boxes_of_a_larger_video_are_cut_to_the_frame(tmp_path):
    detector = ListDetector([[(180, 80, 260, 160), (300, 300, 400, 400)]])
    np.testing.assert_array_equal(detector.detect(frame(0)).boxes_xyxy, [[180, 80, 200, 100]])


def test_scores_must_fit_the_boxes():
    with pytest.raises(ValueError, match="one value per box"):
        ListDetector([[(0, 0, 9, 9)]], scores=[[0.5, 0.6]])


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("one,1,0,0.9,1,10,20,30,40,0\n", "line 2: a number was expected"),
        ("1,1,0,0.9,1,10,,30,40,0\n", "line 2: a number was expected"),
        ("1,1,0,0.9,1,10,20,0,40,0\n", "width and height over 0"),
        ("1,1,0,0.9,1,nan,20,30,40,0\n", "finite box"),
        ("0,1,0,0.9,1,10,20,30,40,0\n", "a frame from 1"),
        ("1,1,0,1.5,1,10,20,30,40,0\n", "confidence in"),
    ],
)
def test_a_bad_cell_is_an_error_that_names_its_line(tmp_path, body, match):
    with pytest.raises(ConfigError, match=match):
        RecordedDetector(written(tmp_path, body))


def test_a_table_of_something_else_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="none named 'face_h'"):
        RecordedDetector(written(tmp_path, "1,2\n", header="frame,face_x,face_y,face_w\n"))


def test_a_missing_file_and_a_binary_one_are_errors(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        RecordedDetector(tmp_path / "none.csv")
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01" * 9)
    with pytest.raises(ConfigError, match="not a CSV table"):
        RecordedDetector(binary)
