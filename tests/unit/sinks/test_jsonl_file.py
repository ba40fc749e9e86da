"""The JSON lines sink: one whole object per frame, live through a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from rtau.errors import SinkError
from rtau.sinks.jsonl_file import JsonlSink
from tests.support.limits import file_size_limit
from tests.support.results import THRESHOLDS, make_result, with_optional

REPOSITORY = Path(__file__).parents[3]
PIPED = """
    import sys
    from rtau.protocols import StopRun
    from rtau.sinks.jsonl_file import JsonlSink
    from tests.support.results import make_result

    sink = JsonlSink("-")
    try:
        for index in range(1_000_000):
            sink.write(make_result(index), None)
            if sys.argv[1:] == ["wait"]:
                sys.stdin.readline()
    except StopRun as stop:
        print(stop, file=sys.stderr)
    sink.close()
"""


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PIPED), *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_landmarks_are_pairs_where_they_are_asked_for(tmp_path):
    points = np.full((2, 68, 2), (3.126, -0.001), np.float32)
    result = make_result(0, faces=2, landmarks_xy=points)
    for name, asked in (("with", True), ("without", False)):
        sink = JsonlSink(tmp_path / name, landmarks=asked)
        sink.write(result, None)
        sink.close()

    (told,), (bare,) = lines(tmp_path / "with"), lines(tmp_path / "without")
    assert [face["landmarks_xy"] for face in told["faces"]] == [[[3.13, 0.0]] * 68] * 2
    assert not any("landmarks_xy" in face for face in bare["faces"])


def test_the_whole_object_of_a_frame(tmp_path):
    sink = JsonlSink(tmp_path / "o.jsonl", thresholds=THRESHOLDS)
    sink.write(make_result(3, logits=[[0.0, -40.0, 40.0]]), None)
    sink.write(make_result(4, faces=0), None)
    sink.close()
    assert lines(tmp_path / "o.jsonl") == [
        {
            "schema": 1,
            "frame": 4,
            "time_s": 0.12,
            "faces": [
                {
                    "id": 1,
                    "box_xyxy": [10.123, 20.25, 40.5, 60.789],
                    "roll_rad": 0.0,
                    "confidence": 0.25,
                    "active": ["AU01", "AU12"],
                    "probabilities": {"AU01": 0.5, "AU04": 0.0, "AU12": 1.0},
                }
            ],
        },
        {"schema": 1, "frame": 5, "time_s": 0.16, "faces": []},
    ]


def test_probabilities_read_back_exactly_and_agree_with_the_decisions(tmp_path):
    sink = JsonlSink(tmp_path / "o.jsonl", thresholds=THRESHOLDS)
    results = [make_result(index, faces=3) for index in range(40)]
    for result in results:
        sink.write(result, None)
    sink.close()
    for read, result in zip(lines(tmp_path / "o.jsonl"), results, strict=True):
        values = [list(face["probabilities"].values()) for face in read["faces"]]
        assert np.array_equal(np.array(values, np.float32), result.scores.probabilities)
        assert np.array_equal(np.array(values) >= THRESHOLDS, result.active)


def test_what_the_detector_did_not_say_is_null_and_images_have_their_file(tmp_path):
    sink = JsonlSink(tmp_path / "o.jsonl", file_of=lambda index: f"é{index}.jpg")
    sink.write(make_result(0, scored=False), None)
    sink.close()
    (read,) = lines(tmp_path / "o.jsonl")
    assert read["faces"][0]["confidence"] is None
    assert read["file"] == "é0.jpg"


def test_emotions_name_the_one_that_was_decided(tmp_path):
    labels = ("anger", "happiness")
    sink = JsonlSink(tmp_path / "o.jsonl")
    sink.write(make_result(logits=[[0, 1]], labels=labels, task="multi_class"), None)
    sink.close()
    (read,) = lines(tmp_path / "o.jsonl")
    assert read["faces"][0]["active"] == ["happiness"]
    assert sum(read["faces"][0]["probabilities"].values()) == pytest.approx(1)


def test_a_pipe_is_live():
    with start("wait") as child:
        for frame in (1, 2, 3):
            assert json.loads(child.stdout.readline())["frame"] == frame
            child.stdin.write("\n")
            child.stdin.flush()
        child.kill()


def test_a_reader_that_goes_away_ends_the_run_cleanly():
    with start() as child:
        child.stdout.readline()
        child.stdout.close()
        complaints = child.stderr.read()
        assert child.wait(timeout=20) == 0
    assert complaints == "the reader of stdout closed it\n"


def test_a_full_disk_leaves_whole_lines(tmp_path):
    path = tmp_path / "o.jsonl"
    sink = JsonlSink(path)

    def write_until_full():
        for index in range(1000):
            sink.write(make_result(index, faces=2), None)

    with file_size_limit(9999), pytest.raises(SinkError, match=r"o\.jsonl cannot be written"):
        write_until_full()
    assert [line["frame"] for line in lines(path)] == list(range(1, len(lines(path)) + 1))


def test_pose_intensities_and_sides_are_fields_where_the_model_tells_them(tmp_path):
    sink = JsonlSink(tmp_path / "o.jsonl")
    sink.write(with_optional(make_result(0, faces=1), sides=("AU12",)), None)
    sink.write(make_result(1, faces=1), None)
    sink.close()

    told, plain = (json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines())
    face = told["faces"][0]
    assert face["pose_rad"] == [0.25, -0.5, 0.0]
    assert face["intensities"] == {"AU01": 1.5, "AU04": 0.0, "AU12": 3.25}
    assert face["intensities_left_right"] == {"AU12": [5.0, 1.5]}
    assert not {"pose_rad", "intensities"} & plain["faces"][0].keys()
