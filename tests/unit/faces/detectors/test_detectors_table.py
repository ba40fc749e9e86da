"""Opening a detector from a run's settings."""

import pytest

from rtau.errors import ConfigError
from rtau.faces.detectors import open_detector, parse_min_face
from rtau.faces.detectors.haar import HaarDetector
from rtau.faces.detectors.recorded import RecordedDetector


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("auto", {}),
        ("60", {"min_face_px": 60.0}),
        ("12%", {"min_face_share": 0.12}),
        ("7.5%", {"min_face_share": 0.075}),
    ],
)
def test_a_size_is_px_a_share_or_auto(text, wanted):
    assert parse_min_face(text) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["", "big", "0", "-4", "0%", "101%", "nan", "inf", "1e999", "%"])
def test_any_other_size_is_an_error(text):
    with pytest.raises(ConfigError, match="--min-face must be"):
        parse_min_face(text)


def test_a_table_of_faces_replaces_the_detector(tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text("frame,face_x,face_y,face_w,face_h\n", encoding="utf-8")
    assert isinstance(open_detector(faces=path), RecordedDetector)
    assert isinstance(open_detector(min_face="10%"), HaarDetector)
