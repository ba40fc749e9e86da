"""The objects of a served run, against the published schema, and the commands of clients."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from rtau.markers import Marker
from rtau.sinks.frame_json import FrameObjects
from rtau.streams import messages
from tests.support.doubles import make_contract
from tests.support.results import THRESHOLDS, make_result, with_neutral
from tests.support.terminals import make_status

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/stream.schema.json").read_text("utf-8"))
KNOWN = ("mark", "heatmap")


def check(payload):
    jsonschema.Draft202012Validator(SCHEMA).validate(payload)


def of(result, **options):
    return json.loads(FrameObjects(thresholds=THRESHOLDS, **options).text(result))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "result",
    [
        make_result(0, faces=0),
        make_result(3, faces=4),
        make_result(1, scored=False),
        make_result(0, faces=2, landmarks_xy=np.full((2, 68, 2), -3.5, np.float32)),
        with_neutral(make_result(0, faces=2)),
    ],
    ids=["nobody", "four faces", "unscored", "landmarks", "neutral"],
)
def test_frames_follow_the_schema(result):
    check(of(result, landmarks=True, file_of=str))


def test_the_schema_refuses_other_frames():
    payload = of(make_result(0))
    payload["faces"][0]["probabilities"]["AU01"] = 1.5
    with pytest.raises(jsonschema.ValidationError):
        check(payload)


def test_a_frame_carries_its_markers_in_a_run_that_takes_some():
    result = make_result(2)
    marked = type(result)(
        **{
            name: getattr(result, name)
            for name in result.__dataclass_fields__
            if name not in ("markers",)
        },
        markers=(Marker("stimulus", 0.07123456789),),
    )
    payload = of(marked, markers=True)
    check(payload)
    assert payload["markers"] == [{"label": "stimulus", "time_s": 0.071235}]
    assert "markers" not in of(marked)


def test_run_status_end_and_refusal_follow_the_schema():
    status = make_status(notices=("lost view window: gone",), latency_p50_s=0.0123456)
    check(
        messages.run_object(
            make_contract(),
            status,
            run="ab",
            commands=KNOWN,
            heatmaps=("none", "top"),
            has_video=False,
        )
    )
    told = messages.status_object(status, heatmap="none", clients=3, thinned=0, since_frame_s=None)
    check(told)
    assert told["latency_p50_s"] == 0.01235
    check(messages.end_object())
    check(messages.refused_object("no"))


def test_a_command_is_read():
    command = messages.parse_command('{"command":"mark","value":"x"}', known=KNOWN)
    assert command == messages.Command("mark", "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 100_000,
        '{"command":"rm"}',
        '{"command":["mark"]}',
        '{"command":"mark","value":7}',
        '{"command":"mark","more":1}',
        b"\xff\xfe\x00",
        '{"command":"mark","value":' + "9" * 5000 + "}",
    ],
)
def test_anything_else_is_refused_in_words(text):
    with pytest.raises(messages.CommandError, match="command"):
        messages.parse_command(text, known=KNOWN)
