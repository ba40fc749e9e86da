"""OSC and VMC, taken apart by python-osc as a receiver does."""

from __future__ import annotations

import dataclasses
import socket
import time

import numpy as np
import pytest

pytest.importorskip("pythonosc", reason="needs python-osc (the live extra)")
from pythonosc.osc_bundle import OscBundle

from rtau.errors import SinkError
from rtau.markers import Marker
from rtau.streams.addresses import Address
from rtau.streams.blendshapes import ARKIT, TABLES, UNIFIED, weights
from rtau.streams.datagrams import Datagrams
from rtau.streams.osc import OscSink, part
from rtau.streams.vmc import VmcSink, strength
from tests.support.results import AU_LABELS, THRESHOLDS, make_result, with_neutral


@pytest.fixture
def receiver():
    """A UDP socket, and the bundle it gets next."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(5)
        yield one


def datagrams(receiver):
    return Datagrams(Address("127.0.0.1", receiver.getsockname()[1]), flag="--osc")


def received(receiver):
    bundle = OscBundle(receiver.recv(65536))
    return bundle.timestamp, [(one.address, tuple(one.params)) for one in bundle]


def test_a_frame_is_one_bundle_with_everything_in_it(receiver):
    sink = OscSink(datagrams(receiver))
    result = dataclasses.replace(
        make_result(3, faces=2),
        received_s=time.perf_counter() - 0.25,
        markers=(Marker("go", 0.1),),
    )
    sink.write(result, None)
    stamp, messages = received(receiver)
    sink.close()
    told = dict(messages)
    assert len(told) == len(messages) == 2 + 2 * (3 + 2 * len(AU_LABELS)) + 1
    assert told["/rtau/frame"] == (4, pytest.approx(0.12))
    assert told["/rtau/faces"] == (2,)
    for row, face in enumerate((1, 2)):
        for column, label in enumerate(AU_LABELS):
            (value,) = told[f"/rtau/{face}/{label}"]
            assert np.float32(value) == result.scores.probabilities[row, column]
            assert told[f"/rtau/{face}/{label}/active"] == (int(result.active[row, column]),)
        assert told[f"/rtau/{face}/box"] == tuple(result.faces.boxes_xyxy[row].tolist())
    assert told["/rtau/marker"] == ("go", pytest.approx(0.1))
    assert stamp == pytest.approx(time.time() - 0.25, abs=0.2)
    assert sink.report().note is None


def test_what_is_relative_to_a_neutral_is_sent_of_faces_that_have_one(receiver):
    sink = OscSink(datagrams(receiver))
    sink.write(with_neutral(make_result(0, faces=2)), None)
    told = dict(received(receiver)[1])
    sink.close()
    assert [told[f"/rtau/1/{label}/n"] for label in AU_LABELS] == [(0.75,), (0.25,), (0.5,)]
    assert not [address for address in told if address.startswith("/rtau/2/") and "/n" in address]


def test_a_frame_without_a_face_says_so(receiver):
    sink = OscSink(datagrams(receiver))
    sink.write(make_result(0, faces=0), None)
    assert dict(received(receiver)[1])["/rtau/faces"] == (0,)
    sink.close()


@pytest.mark.parametrize(
    ("name", "kept"), [("left", "left"), ("a b/c*", "a_b_c_"), ("é#", "__"), ("AU12", "AU12")]
)
def test_a_seat_is_one_part_of_an_address(name, kept):
    assert part(name) == kept


def test_an_unknown_host_is_one_clear_error():
    with pytest.raises(SinkError, match="--vmc no-such-host"):
        Datagrams(Address("no-such-host.invalid", 9000), flag="--vmc")


def test_what_cannot_be_sent_is_counted_and_the_run_goes_on(receiver):
    sent = datagrams(receiver)
    sink = OscSink(sent)
    sent._socket.close()
    sink.write(make_result(0), None)
    assert "1 of 1 bundles could not be sent" in sink.report().note
    sink.close()


@pytest.mark.parametrize(
    ("names", "smile"), [("arkit", "mouthSmile"), ("unified", "MouthCornerPull")]
)
def test_an_avatar_gets_values_and_then_apply(receiver, names, smile):
    thresholds = dict(zip(AU_LABELS, THRESHOLDS, strict=True))
    sink = VmcSink(datagrams(receiver), names=names, thresholds=thresholds)
    sink.write(make_result(0, logits=[[-40.0, -40.0, 40.0]]), None)
    _, messages = received(receiver)
    sink.close()
    assert messages[0] == ("/VMC/Ext/OK", (1,))
    assert messages[-1] == ("/VMC/Ext/Blend/Apply", ())
    shapes = {params[0]: params[1] for path, params in messages if path == "/VMC/Ext/Blend/Val"}
    assert shapes[f"{smile}Left"] == shapes[f"{smile}Right"] == 1
    assert sum(shapes.values()) == (2 if names == "arkit" else 4)


def test_the_avatar_stays_with_its_face(receiver):
    sink = VmcSink(datagrams(receiver), names="arkit", thresholds={})
    sink.write(make_result(0, faces=1), None)
    sink.write(make_result(1, faces=3), None)
    assert sink._track_id == 1
    sink.write(make_result(2, faces=0), None)
    for _ in range(2):
        received(receiver)
    assert received(receiver)[1][0] == ("/VMC/Ext/OK", (0,))
    sink.close()


def test_sides_move_sides_and_the_larger_weight_wins():
    found = weights({"AU12": 0.5, "AU12_L": 0.9, "AU12_R": 0.1, "AU25": 1.0, "AU26": 0.5}, ARKIT)
    assert (found["mouthSmileLeft"], found["mouthSmileRight"]) == (0.9, 0.1)
    assert found["jawOpen"] == pytest.approx(0.3)


def test_both_tables_know_the_same_labels_and_no_weight_exceeds_one():
    assert ARKIT.keys() == UNIFIED.keys()
    for table in TABLES.values():
        assert all(0 < share <= 1 for shapes in table.values() for _, share in shapes)
        assert set(weights(dict.fromkeys(table, 7.0), table).values()) <= {
            share for shapes in table.values() for _, share in shapes
        }


def test_a_face_at_rest_does_not_tremble():
    assert strength(0.2, threshold=0.5) == 0
    assert strength(1.0, threshold=0.5) == 1
    assert 0 < strength(0.5, threshold=0.5) < 0.5
