"""Tables: the CSV's names, rows and digits, whatever they are turned into."""

import csv
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from rtau import Detector, Table, read_csv
from rtau.errors import BackendUnavailable, SinkError, SourceOpenError, UsageError
from rtau.sinks import TableRows
from rtau.sinks.csv_file import CsvSink
from rtau.sinks.table_sinks import ParquetSink, TableSink
from tests.support import media
from tests.support.commands import example_frames, run_here
from tests.support.results import AU_LABELS, THRESHOLDS, make_result

EMOTIONS = ("anger", "happiness", "neutral")
AU_OPTIONS = {"labels": AU_LABELS, "task": "multi_label", "thresholds": THRESHOLDS}
EMOTION_OPTIONS = {"labels": EMOTIONS, "task": "multi_class", "thresholds": None}


def results(count=30, **options):
    """Results with two, one and no face in turn; logits on both sides of every threshold."""
    return [make_result(k, faces=2 - k % 3, **options) for k in range(count)]


def csv_and_table(folder, made, options, **more):
    path = folder / "o.csv"
    sink = CsvSink(path, TableRows(**options, **more))
    memory = TableSink(TableRows(**options, **more))
    for result in made:
        sink.write(result, None)
        memory.write(result, None)
    sink.close()
    return path, memory.table(source="clip.mp4")


def ramp(result):
    rows = len(result.faces)
    return np.linspace(-9, 70, rows * 136, dtype=np.float32).reshape(rows, 68, 2)


CASES = {
    "action units": (AU_OPTIONS, {}, {}),
    "emotions": (EMOTION_OPTIONS, {"labels": EMOTIONS, "task": "multi_class"}, {}),
    "no scores": (AU_OPTIONS, {"scored": False}, {}),
    "files": (AU_OPTIONS, {}, {"file_of": lambda k: f"a, {k}.png"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_table_is_the_csv_to_the_last_digit(tmp_path, case):
    options, made, more = CASES[case]
    path, table = csv_and_table(tmp_path, results(**made), options, **more)
    table.to_csv(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()
    read_csv(path).to_csv(tmp_path / "read.csv")
    assert (tmp_path / "read.csv").read_bytes() == path.read_bytes()


def test_landmarks_are_columns_to_the_last_digit(tmp_path):
    made = [make_result(k, faces=2 - k, landmarks_xy=ramp(make_result(k, faces=2 - k)))
            for k in range(3)]  # fmt: skip
    path, table = csv_and_table(tmp_path, made, AU_OPTIONS, landmarks=True)
    table.to_csv(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()
    assert table.units["x_0"] == "px"


@pytest.mark.parametrize("at", [1, 3])
def test_rows_that_are_put_away_on_the_way_are_all_there(tmp_path, monkeypatch, at):
    module = importlib.import_module("rtau.sinks.table_sinks")
    monkeypatch.setattr(module, "ROWS_AT_ONCE", at)
    path, table = csv_and_table(tmp_path, results(), AU_OPTIONS)
    table.to_csv(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


def test_columns_have_types_and_units(tmp_path):
    _, table = csv_and_table(tmp_path, results(3), AU_OPTIONS)
    assert table["frame"].dtype == table["face_id"].dtype == table["success"].dtype == np.int64
    assert table["AU12_c"].dtype == table["AU12_p"].dtype == np.float64
    assert np.isnan(table["AU12_p"][table["success"] == 0]).all()
    assert table.units["timestamp"] == "s"
    assert table.units["AU12_p"] == "probability"
    assert table.names[:3] == ("frame", "face_id", "timestamp")
    assert list(table.to_dict()) == list(table.names)
    with pytest.raises(ValueError, match="read-only"):
        table["frame"][0] = 1


def test_a_column_that_is_not_there_is_named_with_those_there_are(tmp_path):
    _, table = csv_and_table(tmp_path, results(3), AU_OPTIONS)
    with pytest.raises(KeyError, match=r"no column 'AU99_p'; there are frame, face_id"):
        table["AU99_p"]


def test_a_notebook_shows_what_a_table_is_of(tmp_path):
    _, table = csv_and_table(tmp_path, results(3), AU_OPTIONS)
    assert repr(table) == (
        "Table(4 rows of clip.mp4; 16 columns: frame, face_id, timestamp, confidence, success, "
        "face_x, ...)"
    )


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"equal lengths, got \[1, 2\]"):
        Table({"frame": np.arange(1), "face_id": np.arange(2)})


@pytest.mark.needs_pyarrow
def test_pandas_has_what_pandas_reads_from_the_csv(tmp_path):
    pandas = importlib.import_module("pandas")
    path, table = csv_and_table(tmp_path, results(), AU_OPTIONS)
    frame = table.to_pandas()
    pandas.testing.assert_frame_equal(frame, pandas.read_csv(path), check_exact=True)
    assert frame.attrs["units"]["face_x"] == "px"


@pytest.mark.needs_pyarrow
@pytest.mark.parametrize("case", CASES)
def test_parquet_has_the_values_of_the_csv_and_its_units(tmp_path, case):
    parquet = importlib.import_module("pyarrow.parquet")
    options, made, more = CASES[case]
    path, table = csv_and_table(tmp_path, results(**made), options, **more)
    table.to_parquet(tmp_path / "t.parquet")
    sink = ParquetSink(tmp_path / "s.parquet", TableRows(**options, **more))
    for result in results(**made):
        sink.write(result, None)
    sink.close()

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("t.parquet", "s.parquet"):
        found = parquet.read_table(tmp_path / name)
        assert found.column_names == list(table.names)
        assert found.schema.field("face_x").metadata == {b"unit": b"px"}
        for got, wanted in zip(found.to_pylist(), rows, strict=True):
            for column, cell in wanted.items():
                if isinstance(got[column], str):
                    assert got[column] == cell
                else:
                    assert got[column] == (float(cell) if cell else None)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["o.csv", "s.parquet", "t.parquet"]


@pytest.mark.parametrize(
    ("method", "library"), [("to_pandas", "pandas"), ("to_arrow", "pyarrow"), ("to_feat", "pandas")]
)
def test_a_library_that_is_missing_is_named_with_the_extra(tmp_path, monkeypatch, method, library):
    _, table = csv_and_table(tmp_path, results(3), AU_OPTIONS)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BackendUnavailable, match=rf'needs {library}.*pip install "rtau\[table\]"'):
        getattr(table, method)()


def test_a_file_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path):
    _, table = csv_and_table(tmp_path, results(3), AU_OPTIONS)
    with pytest.raises(SinkError, match="cannot be written"):
        table.to_csv(tmp_path / "nowhere" / "t.csv")


# Py-Feat


@pytest.mark.needs_pyarrow
def test_py_feat_gets_the_columns_it_knows(tmp_path):
    _, table = csv_and_table(tmp_path, results(4), AU_OPTIONS)
    frame = table.to_feat()
    # feat.utils.FEAT_FACEBOX_COLUMNS and FEAT_TIME_COLUMNS of py-feat 2.1.5.
    assert list(frame.columns) == [
        *("frame", "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
        *("AU01", "AU04", "AU12", "timestamp", "face_id", "input"),
    ]
    assert frame["frame"].tolist() == [0, 0, 1, 2, 3, 3]
    assert set(frame["input"]) == {"clip.mp4"}
    np.testing.assert_array_equal(frame["AU12"], table["AU12_p"])
    # Keyword arguments of feat.Fex.
    assert frame.attrs["au_columns"] == ["AU01", "AU04", "AU12"]
    assert frame.attrs["facebox_columns"] == list(frame.columns[1:6])
    assert set(frame.attrs) == {
        *("au_columns", "emotion_columns", "facebox_columns", "landmark_columns"),
        *("time_columns", "detector"),
    }


@pytest.mark.needs_pyarrow
def test_py_feat_gets_the_landmarks_and_the_files_there_are(tmp_path):
    made = [make_result(0, landmarks_xy=ramp(make_result(0)))]
    more = {"landmarks": True, "file_of": lambda k: f"{k}.png"}
    _, table = csv_and_table(tmp_path, made, AU_OPTIONS, **more)
    frame = table.to_feat()
    assert frame.attrs["landmark_columns"] == [f"{axis}_{k}" for axis in "xy" for k in range(68)]
    assert frame["input"].tolist() == ["0.png"]


def test_py_feat_cannot_get_a_table_without_probabilities():
    with pytest.raises(UsageError, match="needs columns of probabilities"):
        Table({"frame": np.arange(2)}).to_feat()


# Detector.table


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = [*example_frames(25), *[np.zeros((360, 640, 3), np.uint8)] * 12]
    return media.write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", frames, fps=25)


@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize("landmarks", [False, True])
def test_the_table_of_a_video_is_its_csv_to_the_last_digit(clip, tmp_path, capsys, landmarks):
    flags = ["--landmarks"] if landmarks else []
    code, _, err = run_here(capsys, "video", clip, "--csv", tmp_path / "c.csv", *flags)
    assert code == 0, err
    with Detector() as detector:
        table = detector.table(clip, landmarks=landmarks)
    table.to_csv(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()
    assert table.source == str(clip)
    assert 0 in table["success"]


@pytest.mark.needs_onnxruntime
def test_the_table_of_images_is_their_csv(tmp_path, capsys):
    cv2 = importlib.import_module("cv2")
    folder = tmp_path / "images"
    folder.mkdir()
    for k, picture in enumerate(example_frames(25)[::8]):
        cv2.imwrite(str(folder / f"{k}.png"), picture)
    code, _, err = run_here(capsys, "image", folder, "--csv", tmp_path / "c.csv")
    assert code == 0, err
    with Detector() as detector:
        for paths in (folder, sorted(folder.iterdir()), str(folder / "*.png")):
            detector.table(paths).to_csv(tmp_path / "t.csv")
            assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()


@pytest.mark.needs_onnxruntime
def test_several_files_have_a_column_that_names_them_and_tell_how_far_they_are(clip, tmp_path):
    other = media.write_clip(tmp_path / "b.mp4", example_frames(8), fps=25)
    told = []
    with Detector() as detector:
        table = detector.table([clip, other], progress=lambda *given: told.append(given))
        alone = detector.table(other)
    assert list(dict.fromkeys(table["file"])) == [str(clip), str(other)]
    assert table.names == ("file", *alone.names)
    assert told[0] == (str(clip), 1, 37)
    assert told[-1] == (str(other), 8, 8)
    rows = table["file"] == str(other)
    for name in alone.names:
        np.testing.assert_array_equal(table[name][rows], alone[name])


@pytest.mark.needs_onnxruntime
def test_progress_is_a_line_on_standard_error(clip, capsys, monkeypatch):
    monkeypatch.setattr("rtau.sinks.progress.LINE_EVERY_S", 0)
    with Detector() as detector:
        detector.table(clip, progress=True)
    assert "frames" in capsys.readouterr().err


@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([], "needs at least one file, got none"),
        ("rtsp://host/x", r"a table is of files; loop over camera\(\) or stream\(\)"),
        ("nowhere.mp4", "there is no such file"),
    ],
)
def test_what_is_no_file_gives_no_table(paths, words):
    with Detector() as detector, pytest.raises((UsageError, SourceOpenError), match=words):
        detector.table(paths)


# Other tools' CSV


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("gap", ["", " "])
def test_openface_2_is_read_with_and_without_spaces_and_zeros_of_failures_are_unknown(
    tmp_path, gap
):
    lines = [
        "frame,face_id,timestamp,confidence,success,pose_Rx,x_0,AU12_r,AU12_c,AU28_c",
        "1,0,0.000,0.98,1,0.102,310.4,1.25,1.00,0.00",
        "2,0,0.033,0.02,0,0,0,0.00,0.00,0.00",
    ]
    table = read_csv(write(tmp_path / "a.csv", "\n".join(lines).replace(",", f",{gap}")))
    assert table.names == tuple(lines[0].split(","))
    assert table["frame"].tolist() == [1, 2]
    assert table["AU12_r"][0] == 1.25
    assert np.isnan([table[name][1] for name in ("pose_Rx", "AU12_r", "AU12_c")]).all()
    assert table["confidence"].tolist() == [0.98, 0.02]
    assert table.units["AU12_r"] == "intensity, 0 to 5"
    assert table.units["pose_Rx"] == "rad"


def test_openface_2_of_one_face_and_its_ports_count_frames_from_1(tmp_path):
    text = "frame,timestamp,success,AU01_r\n0,0.0,True,0.5\n1,0.04,False,0.0\n"
    table = read_csv(write(tmp_path / "a.csv", text))
    assert table["frame"].tolist() == [1, 2]
    assert table["success"].tolist() == [1, 0]
    assert table["face_id"].tolist() == [1, 0]


def test_openface_3_lists_in_cells_become_columns(tmp_path):
    text = (
        "timestamp,video_path,frame_index,face_id,face_detection,landmarks,emotion,gaze_yaw,"
        "gaze_pitch,action_units\n"
        '2026-01-01 10:00:00,a.mp4,0,0.0,"[10.0, 20.0, 40.0, 60.0, 0.99, 1.0]","[[1.0, 2.0]]",1.0,'
        '0.1,-0.2,"[[0.0, 0.1, 0.2, 0.3, 0.4, 0.85, 0.6, 0.7]]"\n'
        "2026-01-01 10:00:01,a.mp4,1,,,,,,,\n"
    )
    table = read_csv(write(tmp_path / "a.csv", text))
    assert table["frame"].tolist() == [1, 2]
    assert table["face_id"].tolist() == [1, 0]
    assert [table[name][0] for name in ("face_x", "face_y", "face_w", "face_h")] == [10, 20, 30, 40]
    assert table["AU12_p"][0] == 0.85
    assert np.isnan(table["AU12_p"][1])
    assert table["emotion"].tolist() == ["happy", None]
    assert table["file"].tolist() == ["a.mp4", "a.mp4"]
    assert "timestamp" not in table.names


def test_py_feat_has_our_names_and_frames_from_1(tmp_path):
    text = (
        "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,AU12,happiness,input,frame\n"
        "10.5,20,30,40,0.99,0.1,0.9,0.8,a.mp4,0\n"
        "50.5,20,30,40,0.98,0.2,0.7,0.1,a.mp4,0\n"
        ",,,,,,,,a.mp4,1\n"
    )
    table = read_csv(write(tmp_path / "a.csv", text))
    assert table["frame"].tolist() == [1, 1, 2]
    assert table["face_id"].tolist() == [1, 2, 0]
    assert table["success"].tolist() == [1, 1, 0]
    assert table["face_x"][:2].tolist() == [10.5, 50.5]
    assert table["AU12_p"][:2].tolist() == [0.9, 0.7]
    assert np.isnan(table["AU12_p"][2])
    assert table["happiness"][0] == 0.8
    assert set(table["file"]) == {"a.mp4"}


@pytest.mark.parametrize(("times", "unit"), [(("0.0", "0.04"), "s"), (("0.0", "40.0"), "ms")])
def test_libreface_has_our_names_and_seconds(tmp_path, times, unit):
    text = (
        "frame_idx,frame_time_in_ms,pitch,au_1,au_12,au_12_intensity,facial_expression\n"
        f"0,{times[0]},1.5,0,1,2.512,Happiness\n1,{times[1]},1.4,0,0,0.3,Neutral\n"
    )
    table = read_csv(write(tmp_path / "a.csv", text))
    assert table["frame"].tolist() == [1, 2]
    assert table["timestamp"].tolist() == [0, 0.04], unit
    assert table["AU12_r"].tolist() == [2.512, 0.3]
    assert table["AU12_c"].tolist() == [1, 0]
    assert table["facial_expression"].tolist() == ["Happiness", "Neutral"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "expected a CSV of rtau, OpenFace 2 or 3, Py-Feat or LibreFace; got the"),
        ("", "not a CSV with a header"),
        ("\0\x80", "."),
    ],
)
def test_what_is_no_table_of_faces_is_one_line(tmp_path, text, words):
    path = write(tmp_path / "a.csv", text)
    with pytest.raises((UsageError, SourceOpenError), match=words) as caught:
        read_csv(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_is_one_line():
    with pytest.raises(SourceOpenError, match=r"nowhere\.csv: cannot be read"):
        read_csv(Path("nowhere.csv"))
