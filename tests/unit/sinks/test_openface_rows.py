"""Tables in OpenFace 2.2's style, read as the programs that ask for them read them."""

import dataclasses

import numpy as np
import pytest

from rtau import read_csv
from rtau.columns import POINTS, OptionalColumns
from rtau.sinks import OpenFaceRows, TableRows
from rtau.sinks.csv_file import CsvSink
from tests.support.results import make_result, with_optional

AUS = ("AU12", "AU04", "AU45")
OPTIONAL = OptionalColumns(pose=True, intensity=True, quality=True)
# FeatureExtraction of OpenFace 2.2.0 without gaze, eyes, 3D points, shape parameters and other AUs.
HEADER = (
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *("pose_Rx", "pose_Ry", "pose_Rz", *POINTS),
    *("AU04_r", "AU12_r", "AU45_r", "AU04_c", "AU12_c", "AU45_c"),
)


def results():
    """Three frames: one face, two of which the second is larger, none."""
    for index, faces in enumerate((1, 2, 0)):
        points = np.tile(np.arange(136, dtype=np.float32).reshape(68, 2), (faces, 1, 1))
        made = make_result(index, faces=faces, labels=AUS, landmarks_xy=points)
        boxes = made.faces.boxes_xyxy.copy()
        boxes[1:, 2:] += 20
        grown = dataclasses.replace(made.faces, boxes_xyxy=boxes)
        yield with_optional(dataclasses.replace(made, faces=grown))


@pytest.fixture(params=[False, True], ids=["plain", "spaces"])
def table(request, tmp_path):
    rows = TableRows(AUS, task="multi_label", landmarks=True, optional=OPTIONAL)
    sink = CsvSink(tmp_path / "au.csv", OpenFaceRows(rows, spaces=request.param))
    for result in results():
        sink.write(result, None)
    sink.close()
    return tmp_path / "au.csv", " " if request.param else ""


def test_the_header_is_openfaces_in_its_order(table):
    path, gap = table
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == [HEADER[0], *(f"{gap}{name}" for name in HEADER[1:])]


def test_er_nerf_and_talking_gaussian_find_a_number_per_frame(table):
    """Both take a column of `pandas.read_csv` by its name and index it by the frame's number."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    path, gap = table
    frame = pandas.read_csv(path)
    blink = frame[f"{gap}AU45_r"].values
    assert blink.dtype == np.float64
    assert len(blink) == 3
    assert ((blink >= 0) & (blink <= 5)).all()
    np.testing.assert_array_equal(np.clip(blink, 0, 2) / 2, [1.0, 1.0, 0.0])
    assert all(kind.kind in "if" for kind in frame.dtypes)


def test_rtau_reads_it_as_openfaces_table(table):
    found = read_csv(table[0])
    assert found["success"].tolist() == [1, 1, 0]
    assert np.isnan(found["AU12_r"][2])
    assert found["AU45_r"][:2].tolist() == [3.25, 3.25]


def test_the_largest_face_has_the_row():
    rows = TableRows(AUS, task="multi_label", landmarks=True, optional=OPTIONAL)
    result = list(results())[1]
    (row,) = OpenFaceRows(rows, spaces=False).cells(result)
    confidence = rows.cells(result)[1][rows.names.index("confidence")]
    assert row[:4] == ["2", "0", "0.040000", confidence]
