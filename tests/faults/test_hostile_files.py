"""What the fuzz tests (tests/fuzz) have found, each refused in one line or read as it is right."""

import dataclasses
import json

import numpy as np
import pytest

from rtau.analysis.coder_files import coder_codes
from rtau.analysis.codes import codes_of_columns
from rtau.analysis.comparison import face_like
from rtau.analysis.elan_files import elan_spans
from rtau.analysis.face_series import files_of
from rtau.errors import SourceOpenError, UsageError
from rtau.runs.result_tables import read_record, read_result
from rtau.table import read_csv

LEADING = "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,pose_Rz,AU01_p\n"
OPENFACE3 = "frame_index,face_id,face_detection,action_units,emotion\n"
ELAN = (
    '<ANNOTATION_DOCUMENT><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="{time}"/><TIER TIER_ID="AU12">'
    '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" '
    'TIME_SLOT_REF2="{end}"/></ANNOTATION></TIER></ANNOTATION_DOCUMENT>'
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            LEADING + "1,1,0,1,1,0,0,9,9,0,1-0.75\n",
            r"AU01_p must be a number, got '1-0.75' in row 1",
        ),
        (LEADING + "1,1,0:,1,1,0,0,9,9,0,1\n", r"timestamp must be a number, got '0:' in row 1"),
        (LEADING + "1,1,0,1,1,0,0,inf,9,0,1\n", r"face_w must be a number up to 1e\+38, got inf"),
        (LEADING + "1,1,0,1,1,0,0,9,9,0,1e308\n", r"AU01_p must .* got 1e\+308 in row 1"),
        (OPENFACE3 + '0,0,3,"[0.1]",2\n', r"a cell must be a list of numbers, got '3'"),
        (OPENFACE3 + '0,0,"[1, 2]","[0.1]",2\n', r"a table without list index out of range"),
        (OPENFACE3.replace(",emotion", "") + "0,0,,\n", r"a table without 'emotion'"),
    ],
)
def test_a_cell_that_is_no_number_names_its_column(text, told, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        read_csv(path)


def test_a_frame_number_of_thirty_digits_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(LEADING + "9" * 30 + ",1,0,1,1,0,0,9,9,0,1\n")
    assert read_csv(path)["frame"].tolist() == [1e30]


def test_a_table_of_openface_3_needs_no_path(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(OPENFACE3 + '0,0,"[1, 2, 31, 42, 0.9]","[0.1]",2\n')
    assert read_csv(path)["face_w"].tolist() == [30]


@pytest.mark.parametrize(("row", "column"), [(",1,0,1", "frame"), ("1,,0,1", "face_id")])
def test_a_row_without_a_number_of_its_face_or_frame_is_named(row, column, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{LEADING}{row},1,0,0,9,9,0,1\n")
    with pytest.raises(UsageError, match=f"the column {column} has empty cells"):
        list(files_of(read_csv(path)))


@pytest.mark.parametrize(
    ("time", "end", "told"),
    [("500", "t2", "annotation 'a1' has the time 't2', which is none"), ("x", "t1", "TIME_VALUE")],
)
def test_a_time_that_an_elan_file_lacks_is_named(time, end, told):
    with pytest.raises(UsageError, match=told):
        elan_spans(ELAN.format(time=time, end=end))


@pytest.mark.parametrize("number", ["inf", "1e308", "9" * 400])
def test_a_code_that_is_too_large_is_refused(number):
    table = f"label,onset,offset,intensity\nAU12,0.5,1.25,{number}\n"
    with pytest.raises(UsageError, match=r"an intensity: must be a number up to 1e\+38, got"):
        coder_codes(table, suffix=".csv")


def test_boxes_without_an_area_overlap_none():
    columns = [np.arange(2.0), np.ones(2), {"AU12": np.ones(2)}]
    flat = dataclasses.replace(codes_of_columns(*columns), boxes=np.zeros((2, 4)))
    assert face_like(flat, [flat]) is None


@pytest.mark.parametrize(
    "record",
    [
        "[" * 100_000,
        json.dumps({"settings": {}, "model": {"labels": ["AU01"], "thresholds": []}}),
        json.dumps({"settings": {}, "model": [1]}),
        json.dumps({"settings": {}, "source": {"name": 3}}),
    ],
)
def test_a_run_record_of_another_form_is_refused(record, tmp_path):
    path = tmp_path / "a.run.json"
    path.write_text(record)
    with pytest.raises(SourceOpenError, match="not a run record"):
        read_record(path)


def test_a_run_record_without_a_model_or_source_is_read(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text(LEADING + "1,1,0,1,1,0,0,9,9,0,1\n")
    (tmp_path / "a.run.json").write_text('{"settings": {}, "model": {"sha256": ""}, "source": {}}')
    result = read_result(table, name=table)
    assert (result.thresholds, result.video) == (None, None)
