import cv2
import numpy as np
import pytest

from rtau.contract import CropRule
from rtau.data import Faces, Frame
from rtau.errors import SourceError, SourceOpenError
from rtau.faces.recorded import ListedFaces
from rtau_train.explaining.largest_face import find_largest, read_image

RULE = CropRule(detector="haar", expand=1.0, offset_x=0.0, offset_y=0.0)


def tracker_of(*boxes):
    """Returns a tracker that finds the given boxes."""
    return ListedFaces(
        [
            Faces(
                boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
                track_ids=np.arange(1, 1 + len(boxes)),
            )
        ]
    )


def frame():
    image = np.zeros((100, 120, 3), np.uint8)
    image[20:60, 30:70] = (10, 20, 200)  # BGR
    return Frame(index=0, time_s=0.0, picture=image)


def test_the_largest_face_is_cut_in_rgb():
    face = find_largest(frame(), tracker_of((0, 0, 20, 20), (30, 20, 70, 60)))

    assert face.count == 2
    assert face.box_xyxy == [30, 20, 70, 60]
    crop = face.cut(RULE, size=16)
    assert crop.shape == (16, 16, 3)
    assert (crop[4:12, 4:12] == (200, 20, 10)).all()


def test_an_image_without_a_face_says_what_to_do():
    with pytest.raises(SourceError, match=r"no face was found; .*--crop whole"):
        find_largest(frame(), tracker_of())


def test_a_face_too_small_to_read_is_told():
    face = find_largest(frame(), tracker_of((0, 0, 5, 5)))

    with pytest.raises(SourceError, match="smaller than 8 px"):
        face.cut(RULE, size=16)


def test_an_image_is_read_upright_or_refused(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), frame().image_bgr)
    np.testing.assert_array_equal(read_image(path).image_bgr, frame().image_bgr)
    path.write_bytes(b"no picture")

    with pytest.raises(SourceOpenError, match=r"a\.png"):
        read_image(path)
