"""The CSV sink: OpenFace's conventions, exact numbers, whole rows whatever happens."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau import columns
from rtau.errors import SinkError, UsageError
from rtau.protocols import StopRun
from rtau.sinks import TableRows
from rtau.sinks.csv_file import CsvSink
from tests.support.limits import file_size_limit
from tests.support.results import AU_LABELS, THRESHOLDS, make_result, with_neutral, with_optional

REPOSITORY = Path(__file__).parents[3]
EMOTIONS = ("anger", "happiness", "neutral")


def open_sink(path, *, overwrite=True, **options):
    values = {"labels": AU_LABELS, "task": "multi_label", "thresholds": THRESHOLDS}
    return CsvSink(path, TableRows(**{**values, **options}), overwrite=overwrite)


def write_all(path, results, **options):
    sink = open_sink(path, **options)
    for result in results:
        sink.write(result, None)
    sink.close()
    return path.read_text("utf-8")


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ramp(count):
    """Landmarks (count, 68, 2): x is the point's number and a bit, y is negative."""
    numbers = np.arange(68, dtype=np.float32)
    return np.tile(np.stack([numbers + 0.126, -numbers], axis=1), (count, 1, 1))


def test_landmarks_are_columns_where_they_are_asked_for(tmp_path):
    results = [make_result(k, faces=2 - 2 * k, landmarks_xy=ramp(2 - 2 * k)) for k in (0, 1)]

    write_all(tmp_path / "o.csv", results, landmarks=True)
    write_all(tmp_path / "without.csv", results)

    first, second, empty = rows(tmp_path / "o.csv")
    assert (first["x_0"], first["y_0"], second["x_67"], second["y_67"]) == (
        *("0.13", "0.00"),
        *("67.13", "-67.00"),
    )
    assert {empty[name] for name in (*columns.POINTS, "face_x", "AU12_p")} == {""}
    assert "x_0" not in rows(tmp_path / "without.csv")[0]


def test_a_table_of_landmarks_refuses_results_without_them(tmp_path):
    sink = open_sink(tmp_path / "o.csv", landmarks=True)
    with pytest.raises(ValueError, match="must have landmarks"):
        sink.write(make_result(0), None)
    sink.close()


def test_the_whole_file_of_a_small_run(tmp_path):
    # Logits whose sigmoids are exact on every processor: 0.5, 0 and 1.
    logits = [[0.0, -40.0, 40.0], [-40.0, 0.0, 0.0]]
    results = [
        make_result(0, logits=logits),
        make_result(1, faces=0),
        make_result(7, logits=logits[:1], scored=False),
    ]
    assert write_all(tmp_path / "o.csv", results) == textwrap.dedent("""\
        frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,pose_Rz,\
AU01_c,AU04_c,AU12_c,AU01_p,AU04_p,AU12_p
        1,1,0.000000,0.2500,1,10.123,20.250,30.377,40.539,0.0000,1,0,1,0.5,0.0,1.0
        1,2,0.000000,0.8750,1,13.123,23.250,30.377,40.539,0.0000,0,1,0,0.0,0.5,0.5
        2,0,0.040000,0,0,,,,,,,,,,,
        8,1,0.280000,,1,10.123,20.250,30.377,40.539,0.0000,1,0,1,0.5,0.0,1.0
        """)


def test_emotions_have_one_column_for_the_decision(tmp_path):
    result = make_result(0, logits=[[0, 2, 1]], labels=EMOTIONS, task="multi_class")
    none = make_result(1, faces=0, labels=EMOTIONS, task="multi_class")
    path = tmp_path / "o.csv"
    write_all(path, [result, none], labels=EMOTIONS, task="multi_class", thresholds=None)
    first, second = rows(path)
    assert list(first)[10:] == ["emotion", "anger_p", "happiness_p", "neutral_p"]
    assert first["emotion"] == "happiness"
    assert sum(float(first[f"{label}_p"]) for label in EMOTIONS) == pytest.approx(1)
    assert second["emotion"] == second["anger_p"] == ""


def test_images_have_their_file_in_front_quoted_where_needed(tmp_path):
    names = ["plain.jpg", 'odd, "name".jpg', "two\nlines.jpg", os.fsdecode(b"latin-\xe9.jpg")]
    path = tmp_path / "o.csv"
    sink = open_sink(path, file_of=names.__getitem__)
    for index in range(4):
        sink.write(make_result(index, faces=index % 2), None)
    sink.close()
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        read = list(csv.DictReader(file))
    assert [row["file"] for row in read] == names
    assert {len(row) for row in read} == {17}


def test_the_header_is_there_before_the_first_frame(tmp_path):
    sink = open_sink(tmp_path / "o.csv")
    header = ",".join(columns.header(AU_LABELS, task="multi_label")) + "\n"
    assert (tmp_path / "o.csv").read_text() == header
    sink.close()
    assert (tmp_path / "o.csv").read_text() == header


@settings(max_examples=60)
@given(
    logits=st.lists(
        st.lists(st.floats(-30, 30, width=32), min_size=3, max_size=3), min_size=1, max_size=4
    ),
    thresholds=st.tuples(*[st.floats(0, 1)] * 3),
    precision=st.sampled_from((np.float32, np.float64)),
)
def test_decisions_follow_from_the_probabilities_as_read(
    tmp_path_factory, logits, thresholds, precision
):
    """`_c == (_p >= threshold)` for whoever reads the file, whatever compared in the run."""
    free = make_result(logits=logits, active=np.zeros((len(logits), 3)))
    decided = free.scores.probabilities.astype(precision) >= np.array(thresholds, precision)
    path = tmp_path_factory.mktemp("csv") / "o.csv"
    write_all(path, [make_result(logits=logits, active=decided)], thresholds=thresholds)
    for row, probabilities in zip(rows(path), free.scores.probabilities, strict=True):
        for label, threshold, value in zip(AU_LABELS, thresholds, probabilities, strict=True):
            assert int(row[f"{label}_c"]) == (float(row[f"{label}_p"]) >= threshold)
            assert np.float32(row[f"{label}_p"]) == value


def test_two_runs_give_the_same_bytes(tmp_path):
    results = [make_result(index, faces=index % 4) for index in range(30)]
    assert write_all(tmp_path / "a.csv", results) == write_all(tmp_path / "b.csv", results)


def test_results_of_another_model_are_our_own_mistake(tmp_path):
    sink = open_sink(tmp_path / "o.csv")
    with pytest.raises(ValueError, match="labels must be"):
        sink.write(make_result(labels=("AU01",), logits=[[0.0]], active=[[1]]), None)
    sink.close()


def test_rows_are_in_the_file_as_soon_as_they_are_written(tmp_path):
    sink = open_sink(tmp_path / "o.csv")
    for index in range(3):
        sink.write(make_result(index, faces=2), None)
        assert len(rows(tmp_path / "o.csv")) == 2 * (index + 1)
    sink.close()


ENDLESS = """
    import sys
    from pathlib import Path
    from rtau.sinks import TableRows
    from rtau.sinks.csv_file import CsvSink
    from tests.support.results import AU_LABELS, THRESHOLDS, make_result, with_optional

    rows = TableRows(AU_LABELS, task="multi_label", thresholds=THRESHOLDS)
    sink = CsvSink(sys.argv[1], rows)
    results = [make_result(index, faces=3) for index in range(50)]
    print("go", file=sys.stderr, flush=True)
    while True:
        for result in results:
            sink.write(result, None)
"""


def start_endless(target, **pipes):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ENDLESS), str(target)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        **pipes,
    )


def test_kill_9_leaves_whole_rows(tmp_path):
    path = tmp_path / "o.csv"
    with start_endless(path) as child:
        child.stderr.readline()
        while path.stat().st_size < 200_000:
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
    text = path.read_text()
    assert text.endswith("\n")
    assert {line.count(",") for line in text.splitlines()} == {15}


@pytest.mark.parametrize("limit", [5000, 5001, 5040, 5077])
def test_a_full_disk_leaves_whole_rows(tmp_path, limit):
    path = tmp_path / "o.csv"
    sink = open_sink(path)

    def write_until_full():
        for index in range(1000):
            sink.write(make_result(index, faces=2), None)

    with file_size_limit(limit), pytest.raises(SinkError, match=r"o\.csv cannot be written"):
        write_until_full()
    sink.close()
    text = path.read_text()
    assert 4500 < len(text) <= limit
    assert text.endswith("\n")
    assert {line.count(",") for line in text.splitlines()} == {15}


def test_a_full_device_is_an_error_at_once():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with pytest.raises(SinkError, match="/dev/full cannot be written"):
        open_sink("/dev/full")


def test_a_dash_is_standard_output(capfd):
    sink = open_sink("-")
    sink.write(make_result(faces=0), None)
    sink.close()
    sys.stdout.write("others may go on printing\n")
    out = capfd.readouterr().out.splitlines()
    assert sink.name == "stdout"
    assert out[0].startswith("frame,face_id,")
    assert out[1].startswith("1,0,0.000000,0,0,")
    assert out[2] == "others may go on printing"


def test_a_reader_that_goes_away_stops_the_run(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    sink = open_sink(tmp_path / "pipe")
    os.close(reader)
    with pytest.raises(StopRun):
        sink.write(make_result(), None)
    sink.close()


@pytest.mark.parametrize("options", [{}, {"overwrite": False}])
def test_an_old_file_is_replaced_only_if_it_may_be(tmp_path, options):
    path = tmp_path / "o.csv"
    path.write_text("old")
    if options:
        with pytest.raises(UsageError, match="already exists"):
            open_sink(path, **options)
        assert path.read_text() == "old"
    else:
        assert "old" not in write_all(path, [make_result()])


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is a directory"):
        open_sink(tmp_path)


def test_what_a_model_tells_beside_its_labels_is_columns(tmp_path):
    optional = columns.OptionalColumns(pose=True, intensity=True, sides=("AU12",))
    result = with_optional(make_result(0, faces=1), sides=("AU12",))
    empty = with_optional(make_result(1, faces=0), sides=("AU12",))

    write_all(tmp_path / "o.csv", [result, empty], optional=optional)

    first, second = rows(tmp_path / "o.csv")
    assert (first["pose_Rx"], first["pose_Ry"], first["pose_Rz"]) == ("0.2500", "-0.5000", "0.0000")
    assert (first["AU01_r"], first["AU12_r"]) == ("1.50", "3.25")
    assert (first["AU12_L_r"], first["AU12_R_r"]) == ("5.00", "1.50")
    assert second["AU12_r"] == second["pose_Rx"] == second["AU12_L_r"] == ""
    assert list(first).index("pose_Rx") + 1 == list(first).index("pose_Ry")


def test_a_result_without_what_was_promised_is_refused(tmp_path):
    sink = open_sink(tmp_path / "o.csv", optional=columns.OptionalColumns(intensity=True))

    with pytest.raises(ValueError, match="must have intensities"):
        sink.write(make_result(0), None)
    sink.close()


def test_what_is_relative_to_a_neutral_has_columns_of_its_own(tmp_path):
    results = (make_result(0), with_neutral(make_result(1, faces=2)), make_result(2, faces=0))
    write_all(tmp_path / "o.csv", results, optional=columns.OptionalColumns(neutral=True))
    cells = [[row[f"{label}_n"] for label in AU_LABELS] for row in rows(tmp_path / "o.csv")]
    assert cells == [[""] * 3, ["0.75", "0.25", "0.5"], [""] * 3, [""] * 3]
