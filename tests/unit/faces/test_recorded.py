"""Faces replayed from a table or a list."""

import numpy as np
import pytest

from rtau.data import Faces, Frame
from rtau.errors import ConfigError
from rtau.faces.recorded import ListedFaces, RecordedFaces

HEADER = "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,pose_Rz,AU12_p\n"


def frame(index, *, width=200, height=100):
    return Frame(index=index, time_s=0.0, picture=np.zeros((height, width, 3), np.uint8))


def written(tmp_path, body, header=HEADER):
    path = tmp_path / "faces.csv"
    path.write_text(header + body, encoding="utf-8")
    return path


def test_faces_come_back_on_their_frames_with_ids_presence_and_tilt(tmp_path):
    body = (
        "1,4,0.0,0.9,1,10,20,30,40,0.25,0.5\n"
        "2,0,0.04,0,0,,,,,,\n"
        "3,4,0.08,0.8,1,11,20,30,40,0.3,0.5\n"
        "3,2,0.08,0.7,1,90.5,20,30,40,,0.5\n"
    )
    recorded = RecordedFaces(written(tmp_path, body))
    first = recorded.track(frame(0)).faces
    np.testing.assert_array_equal(first.boxes_xyxy, [[10, 20, 40, 60]])
    np.testing.assert_allclose(first.scores, [0.9])
    np.testing.assert_allclose(first.rolls_rad, [0.25])
    assert first.track_ids.tolist() == [4]
    assert len(recorded.track(frame(1)).faces) == 0
    third = recorded.track(frame(2)).faces
    np.testing.assert_array_equal(third.boxes_xyxy, [[11, 20, 41, 60], [90.5, 20, 120.5, 60]])
    assert third.track_ids.tolist() == [4, 2]
    assert len(recorded.track(frame(3)).faces) == 0


def test_without_ids_the_rows_of_a_frame_are_numbered(tmp_path):
    path = written(
        tmp_path, "1,1,2,9,9\n1,20,2,9,9\n2,1,2,9,9\n", "frame,face_x,face_y,face_w,face_h\n"
    )
    recorded = RecordedFaces(path)
    assert recorded.track(frame(0)).faces.track_ids.tolist() == [1, 2]
    assert recorded.track(frame(1)).faces.track_ids.tolist() == [1]


def test_faces_outside_the_frame_are_left_out():
    faces = Faces(
        boxes_xyxy=np.array([[180, 80, 260, 160], [300, 300, 400, 400]], np.float32),
        track_ids=np.array([1, 2], np.int64),
    )
    found = ListedFaces([faces]).track(frame(0)).faces
    np.testing.assert_array_equal(found.boxes_xyxy, [[180, 80, 260, 160]])
    assert found.track_ids.tolist() == [1]


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("one,1,0,0.9,1,10,20,30,40,0,0\n", "line 2: a number was expected"),
        ("1,1,0,0.9,1,10,,30,40,0,0\n", "line 2: a number was expected"),
        ("1,1,0,0.9,1,10,20,0,40,0,0\n", "width and height over 0"),
        ("1,1,0,0.9,1,nan,20,30,40,0,0\n", "finite box"),
        ("1,1,0,0.9,1,1e39,20,30,40,0,0\n", "finite box"),
        ("1,1,0,0.9,1,10,20,30,40,inf,0\n", "a finite box"),
        ("1,1,0,0.9,1,10,20,30,40,1e39,0\n", "a finite box"),
        ("0,1,0,0.9,1,10,20,30,40,0,0\n", "a frame from 1"),
        ("1,-1,0,0.9,1,10,20,30,40,0,0\n", "face_id from 1"),
        ("1,1,0,1.5,1,10,20,30,40,0,0\n", "confidence in"),
        ("1,3,0,1,1,10,20,30,40,0,0\n1,3,0,1,1,60,20,30,40,0,0\n", "face_id 3 twice"),
    ],
)
def test_a_bad_cell_is_an_error_that_names_its_line(tmp_path, body, match):
    with pytest.raises(ConfigError, match=match):
        RecordedFaces(written(tmp_path, body))


def test_a_table_of_something_else_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="none named 'face_h'"):
        RecordedFaces(written(tmp_path, "1,2\n", header="frame,face_x,face_y,face_w\n"))


def test_a_missing_file_and_a_binary_one_are_errors(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        RecordedFaces(tmp_path / "none.csv")
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01" * 9)
    with pytest.raises(ConfigError, match="not a CSV table"):
        RecordedFaces(binary)
