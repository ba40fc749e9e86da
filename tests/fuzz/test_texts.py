"""Damaged texts and model files are read, or refused in one line; nothing else comes of them.

`make test` draws a few of each, `make fuzz` thousands.
"""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.analysis.agreement_text import agreement_markdown, agreement_values
from rtau.backends import engine_file, onnx_file
from rtau.backends._protobuf import length_delimited
from rtau.config import build
from rtau.config_file import read_toml
from rtau.contract import METADATA_KEY, ModelContract
from rtau.data import Frame
from rtau.errors import RtauError
from rtau.faces.recorded import RecordedFaces
from rtau.runs.analyses import SUFFIXES, Selection, event_table_of, events_of, summary_of
from rtau.runs.neutrals import read_neutrals
from rtau.runs.raters import agreement_of, read_rater
from rtau.runs.result_tables import read_result, read_results
from rtau.streams.messages import Command, CommandError, parse_command
from tests.support.doubles import make_contract
from tests.support.mutations import bytes_like, fuzzed, json_like, words_like
from tests.support.tensorrt_double import write_engine

CONTRACT = json.loads(make_contract().to_json())
TOML = b"""\
[source]
max_frames = 3
start = 0.5
[find]
min_face = "12%"
seat = ["left=0,0,0.5,1"]
[decide]
smooth = 0.2
[output]
csv = "a.csv"
"""
TABLE = b"""\
frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,pose_Rz,AU01_c,AU01_p,quality
1,1,0.000,0.9,1,10.5,20.25,100,100,0.125,1,0.75,1
2,1,0.200,0.9,1,11.5,20.25,100,100,0.125,0,0.25,1
2,2,0.200,0.8,1,300,20,50,50,,0,0.1,1
3,0,0.400,0,0,,,,,,,,
"""
OPENFACE = b"""\
frame, face_id, timestamp, confidence, success, AU01_r, AU12_r, AU01_c
1, 0, 0.0, 0.98, 1, 0.5, 2.25, 1
2, 0, 0.2, 0.98, 1, 0.5, 2.25, 1
3, 0, 0.4, 0.02, 0, 0, 0, 0
"""
OPENFACE3 = b"""\
frame_index,face_id,face_detection,action_units,emotion
0,0,"[1, 2, 30, 40, 0.9]","[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]",2
1,,,,
"""
PYFEAT = b"""\
frame,input,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,AU12
0,a.mp4,10,20,30,40,0.9,0.5,0.25
1,a.mp4,10,20,30,40,0.9,0.5,0.25
"""
LIBREFACE = b"""\
frame_idx,frame_time_in_ms,au_1_intensity,au_12,facial_expression
0,0,1.5,1,Happy
1,40,1.5,0,Happy
2,80,1.5,1,Happy
"""
NEUTRALS = b"""\
schema = 1
origin = "a.mp4"
weights_sha256 = "0123"
share = 1.0
labels = ["AU01", "AU12"]
[logits]
"1" = [-2.5, 0.25]
"""
CODED = b"time_s\tAU01\tAU12\n0\t1\t0\n0.04\t0\t3\n0.08\t\t1\n"
EVENTS = b"label,onset,offset,intensity\nAU12,0.5,1.25,3\nAU01,2,2.5,\n"
ELAN = b"""\
<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="500"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="900"/>
</TIME_ORDER><TIER TIER_ID="AU12"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1"
TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>3</ANNOTATION_VALUE>
</ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>
"""
RECORD = {
    "schema": 1,
    "settings": {"source": {"start": 0.0}},
    "model": {"labels": ["AU01"], "thresholds": [0.5]},
    "source": {"name": "a.mp4", "file": {"size_bytes": 3}},
}
FRAME = Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8))


def analysed(path):
    """Reads a table and makes of it what `rtau summary` and `rtau events` do.

    Returns its rows and the number of its events.
    """
    summary_of(read_results([path]), Selection()).csv_text()
    rows, events = 0, 0
    for result in read_results([path]):
        rows += len(result.table)
        for found in events_of(result, Selection()):
            events += len(found.events)
            for kind, suffix in SUFFIXES.items():
                found.text(kind, path)
                found.place(suffix)
        event_table_of([result], Selection()).csv_text()
    return rows, events


def compared(path):
    """Reads a file of codes and compares it with itself, as `rtau compare` does.

    Returns the seconds that are compared of each label.
    """
    rater = read_rater(path, fps=25)
    seconds = {}
    for pair in agreement_of([rater, rater]):
        agreement_markdown(pair.labels, first="a", second="b", remarks=pair.remarks)
        json.dumps(agreement_values(pair.labels))
        seconds |= {label.label: round(label.seconds, 2) for label in pair.labels}
    return seconds


def first_faces(path):
    """Returns boxes and tilts of the faces that a table has in the first frame; None if none."""
    faces = RecordedFaces(path).track(FRAME).faces
    return (faces.boxes_xyxy.tolist(), faces.rolls_rad.tolist()) if len(faces) else None


# Name -> (suffix, the file as it is right, what reads it, what that finds there).
OPENFACE3_AUS = ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26")
FILES = {
    "settings": (".toml", TOML, lambda path: build(read_toml(path)).output.csv, "a.csv"),
    "faces": (".csv", TABLE, first_faces, ([[10.5, 20.25, 110.5, 120.25]], [0.125])),
    "neutrals": (".toml", NEUTRALS, lambda p: read_neutrals(p).logits, {"1": (-2.5, 0.25)}),
    "results": (".csv", TABLE, analysed, (4, 1)),
    "OpenFace 2": (".csv", OPENFACE, analysed, (3, 1)),
    "OpenFace 3": (".csv", OPENFACE3, compared, dict.fromkeys(OPENFACE3_AUS, 0.04)),
    "Py-Feat": (".csv", PYFEAT, compared, {"AU01": 0.08, "AU12": 0.08}),
    "LibreFace": (".csv", LIBREFACE, analysed, (3, 1)),
    "codes": (".csv", EVENTS, compared, {"AU01": 2.52, "AU12": 2.52}),
    "coded columns": (".tsv", CODED, compared, {"AU01": 0.08, "AU12": 0.12}),
    "ELAN": (".eaf", ELAN, compared, {"AU12": 0.92}),
    "rater": (".csv", TABLE, compared, {"AU01": 0.08}),
}


def read_or_refused(read, *arguments, **options):
    """Reads, or is refused as a user's file is: in one line (`rtau.cli.main` sees to that)."""
    with contextlib.suppress(RtauError):
        read(*arguments, **options)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused(name, tmp_path):
    suffix, seed, read, found = FILES[name]
    path = tmp_path / f"file{suffix}"
    path.write_bytes(seed)
    assert read(path) == found

    @fuzzed
    @given(st.one_of(words_like(seed), bytes_like(seed)))
    def damaged(data):
        path.write_bytes(data)
        read_or_refused(read, path)

    damaged()


def test_a_damaged_run_record_is_read_or_refused(tmp_path):
    table, path = tmp_path / "a.csv", tmp_path / "a.run.json"
    table.write_bytes(TABLE)
    path.write_text(json.dumps(RECORD))
    right = read_result(table, name=table)
    assert (right.video, right.thresholds) == ("a.mp4", {"AU01": 0.5})

    @fuzzed
    @given(st.one_of(json_like(RECORD), bytes_like(json.dumps(RECORD).encode())))
    def damaged(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with contextlib.suppress(RtauError):
            result = read_result(table, name=table)
            assert result.video is None or isinstance(result.video, str)
            assert result.thresholds is None or isinstance(result.thresholds, dict)

    damaged()


def test_a_contract_with_other_values_is_read_or_refused():
    assert ModelContract.from_json(json.dumps(CONTRACT), origin="m.json") == make_contract()

    @fuzzed
    @given(json_like(CONTRACT))
    def damaged(text):
        read_or_refused(ModelContract.from_json, text, origin="m.json")

    damaged()


def model_file():
    """A small model file: metadata in the wire format of protobuf, and a graph of one node."""
    key, value = METADATA_KEY.encode(), make_contract().to_json().encode()
    entry = length_delimited(1, key) + length_delimited(2, value)
    node = length_delimited(1, b"crops") + length_delimited(2, b"logits")
    output = length_delimited(1, b"logits")
    graph = length_delimited(1, node) + length_delimited(12, output)
    return length_delimited(14, entry) + length_delimited(7, graph)


def test_a_damaged_model_file_is_read_or_refused():
    seed, outputs = model_file(), frozenset(["logits"])
    assert onnx_file.contract_in(seed, origin="m.onnx") == make_contract()
    assert onnx_file.keep_outputs(seed, outputs) == seed

    @fuzzed
    @given(bytes_like(seed))
    def damaged(data):
        read_or_refused(onnx_file.contract_in, data, origin="m.onnx")
        read_or_refused(onnx_file.keep_outputs, data, outputs)

    damaged()


def test_damaged_json_of_an_engine_is_read_or_refused(tmp_path):
    engine = write_engine(tmp_path)
    sidecar = engine_file.sidecar_path(engine)
    seed = sidecar.read_text()
    assert engine_file.read_sidecar(engine)[1].library == "tensorrt"

    @fuzzed
    @given(st.one_of(json_like(json.loads(seed)), bytes_like(seed.encode())))
    def damaged(text):
        sidecar.write_bytes(text if isinstance(text, bytes) else text.encode())
        read_or_refused(engine_file.read_sidecar, engine)

    damaged()


def test_a_message_of_a_client_is_a_command_or_refused():
    seed = b'{"command": "mark", "value": "smile"}'
    assert parse_command(seed, known=["mark"]) == Command("mark", "smile")

    @fuzzed
    @given(st.one_of(bytes_like(seed), st.binary()))
    def damaged(text):
        with contextlib.suppress(CommandError):
            parse_command(text, known=["mark"])

    damaged()
