"""The Lab Streaming Layer, with an inlet and an outlet in another process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import textwrap
import time
import uuid

import numpy as np
import pytest

pytest.importorskip("pylsl", reason="needs pylsl with liblsl (the live extra)", exc_type=Exception)
import pylsl

from rtau.markers import Marker, Markers
from rtau.streams.lsl import LEADING, LslSink, MarkerInlet
from tests.support.doubles import make_contract
from tests.support.results import AU_LABELS, make_result, with_neutral

FRAMES = 60
WAIT_S = 30
# Receives FRAMES samples and all markers, and prints them with their times as JSON.
RECEIVER = f"""
    import json, sys, time, pylsl
    pylsl.set_config_content("[log]\\nlevel = -2\\n")
    source = sys.argv[1]
    def inlet(name):
        (info,) = pylsl.resolve_byprop("source_id", f"rtau-{{source}}-{{name}}", timeout={WAIT_S})
        one = pylsl.StreamInlet(info)
        one.open_stream()
        return one
    faces, markers = inlet("1"), inlet("markers")
    print("ready", flush=True)
    info = faces.info()
    channel, labels = info.desc().child("channels").child("channel"), []
    while not channel.empty():
        labels.append([channel.child_value(key) for key in ("label", "type", "unit")])
        channel = channel.next_sibling()
    samples = [faces.pull_sample(timeout={WAIT_S}) for _ in range({FRAMES})]
    told, last = [], time.time()
    while len(told) < int(sys.argv[2]) and time.time() < last + {WAIT_S}:
        marker, stamp = markers.pull_sample(timeout=1)
        told += [] if marker is None else [[marker[0], stamp]]
    found = {{"type": info.type(), "labels": labels, "samples": samples, "markers": told}}
    print(json.dumps(found))
"""
SENDER = """
    import sys, time, pylsl
    pylsl.set_config_content("[log]\\nlevel = -2\\n")
    info = pylsl.StreamInfo("stimuli", "Markers", 1, 0, "string", sys.argv[1])
    outlet = pylsl.StreamOutlet(info)
    outlet.wait_for_consumers(30)
    time.sleep(0.3)
    stamp = pylsl.local_clock()
    outlet.push_sample(["picture 7"], stamp)
    print(stamp, flush=True)
    sys.stdin.readline()
"""


def child(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def changes(results):
    """Returns the onsets and offsets of face 1, as the markers name them."""
    before, told = set(), []
    for result in results:
        now = {label for label, on in zip(AU_LABELS, result.active[0], strict=True) if on}
        told += [f"{label} on 1" for label in sorted(now - before)]
        told += [f"{label} off 1" for label in sorted(before - now)]
        before = now
    return told


def test_an_inlet_in_another_process_gets_equal_values_at_the_time_of_capture():
    source = uuid.uuid4().hex
    results = [make_result(0), *(with_neutral(make_result(k)) for k in range(1, FRAMES))]
    expected = [*changes(results), "go"]
    sink = LslSink(make_contract(), source=source, device="none", neutral=True)
    with child(RECEIVER, source, str(len(expected))) as receiver:
        assert receiver.stdout.readline() == "ready\n"
        captured_s = []
        for index, result in enumerate(results):
            captured_s.append(time.perf_counter())
            markers = (Marker("go", result.time_s - 0.5),) if index == FRAMES - 1 else ()
            sink.write(
                dataclasses.replace(result, received_s=captured_s[-1], markers=markers), None
            )
        told = json.loads(receiver.stdout.readline())
    sink.close()
    sink.close()

    offset_s = pylsl.local_clock() - time.perf_counter()
    assert told["type"] == "FACS"
    assert told["labels"] == [
        *map(list, LEADING),
        *([f"{label}_p", "AU", "probability"] for label in AU_LABELS),
        *([f"{label}_c", "AU", "0 or 1"] for label in AU_LABELS),
        *([f"{label}_n", "AU", "probability"] for label in AU_LABELS),
    ]
    assert np.isnan(told["samples"][0][0][-len(AU_LABELS) :]).all()
    for result, at_s, (values, stamp_s) in zip(results, captured_s, told["samples"], strict=True):
        assert values[:2] == [result.index + 1, 1]
        raw, active, relative = np.split(np.float32(values[len(LEADING) :]), 3)
        assert np.array_equal(raw, result.scores.probabilities[0])
        assert active.tolist() == result.active[0].tolist()
        assert result.index == 0 or relative.tolist() == [0.75, 0.25, 0.5]
        assert stamp_s == pytest.approx(at_s + offset_s, abs=0.001)
    assert [label for label, _ in told["markers"]] == expected
    assert told["markers"][-1][1] == pytest.approx(captured_s[-1] - 0.5 + offset_s, abs=0.001)


def test_faces_take_the_lowest_free_number_and_seats_their_name():
    sink = LslSink(make_contract(), source=uuid.uuid4().hex, device="none")
    both, second = make_result(0, faces=2), make_result(1, faces=2)
    second = dataclasses.replace(
        second,
        faces=dataclasses.replace(second.faces, track_ids=np.array([2, 9], np.int64)),
    )
    assert sink._names(both) == ["1", "2"]
    assert sink._names(second) == ["2", "1"]  # face 2 keeps its outlet, the new one fills the gap
    seated = dataclasses.replace(both, faces=dataclasses.replace(both.faces, seats=("left", None)))
    assert sink._names(seated) == ["left", "2"]
    sink.close()


def test_a_marker_of_another_program_arrives_with_its_time():
    markers = Markers()
    with child(SENDER, uuid.uuid4().hex) as sender:
        inlet = MarkerInlet(markers, name="stimuli")
        deadline_s = time.monotonic() + WAIT_S
        while not markers.waiting and time.monotonic() < deadline_s:
            inlet.poll()
            time.sleep(0.02)
        sent_s = float(sender.stdout.readline())
        sender.stdin.write("\n")
        sender.stdin.close()
    now_s = time.perf_counter()
    (marker,) = markers.take(time_s=100.0, received_s=now_s)
    assert marker.label == "picture 7"
    offset_s = pylsl.local_clock() - time.perf_counter()
    assert marker.time_s == pytest.approx(100.0 - (now_s - (sent_s - offset_s)), abs=0.001)
