"""A served run, talked to through real sockets: by clients as they should be, and others."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

pytest.importorskip("websockets", reason="needs websockets (the live extra)")
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from rtau.errors import SinkError
from rtau.execution.event_loop import EventLoopThread
from rtau.markers import Markers
from rtau.sinks.frame_json import FrameObjects
from rtau.status import ViewControls
from rtau.streams import hub
from rtau.streams.access import Access
from rtau.streams.addresses import Address
from rtau.streams.server_sink import ServerSink
from tests.support.doubles import make_contract
from tests.support.results import THRESHOLDS, make_result
from tests.support.terminals import make_status

WAIT_S = 10


class Served:
    """A sink with what it was given."""

    def __init__(self, *, token=None, sends_video=False, port=0, controls=None):
        self.objects = FrameObjects(thresholds=THRESHOLDS, markers=True)
        self.controls = controls or ViewControls(cam_labels=("AU01", "AU12"))
        self.markers = Markers()
        self.sink = ServerSink(
            Access(Address("127.0.0.1", port), token),
            loop=EventLoopThread(name="rtau-server"),
            contract=make_contract(),
            objects=self.objects,
            status=make_status,
            controls=self.controls,
            markers=self.markers,
            sends_video=sends_video,
        )
        self.place = f"127.0.0.1:{self.sink.port}"

    def client(self, path="/stream", **options):
        return connect(f"ws://{self.place}{path}", compression=None, **options)

    def get(self, path, **headers):
        asked = urllib.request.Request(f"http://{self.place}{path}", headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=WAIT_S) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def write(self, index, picture=None):
        result = make_result(index, faces=2)
        self.sink.write(result, picture)
        return result


@pytest.fixture
def served():
    made = Served()
    yield made
    made.sink.close()


def receive(client, *, until):
    """Returns the first message for which a predicate is true."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        message = client.recv(timeout=WAIT_S)
        payload = message if isinstance(message, bytes) else json.loads(message)
        if until(payload):
            return payload
    raise AssertionError("no such message came")


def is_frame(payload):
    return isinstance(payload, dict) and "faces" in payload


def is_of(kind):
    return lambda payload: isinstance(payload, dict) and payload.get("type") == kind


def test_a_client_is_told_the_run_and_then_every_frame(served):
    with served.client() as client:
        assert receive(client, until=is_of("run"))["labels"] == ["AU01", "AU04", "AU12"]
        for index in range(3):
            result = served.write(index)
            assert receive(client, until=is_frame) == json.loads(served.objects.text(result))
        assert receive(client, until=is_of("status"))["clients"] == 1


def test_commands_change_the_run_and_nonsense_is_answered(served):
    with served.client() as client:
        client.send('{"command":"mark","value":"stimulus"}')
        client.send('{"command":"heatmap","value":"AU12"}')
        client.send('{"command":"heatmap","value":"AU99"}')
        assert "AU99" not in receive(client, until=is_of("refused"))["reason"]
        client.send("nonsense")
        receive(client, until=is_of("refused"))
        client.send('{"command":"video","value":"on"}')  # not served
        receive(client, until=is_of("refused"))
    assert served.controls.heatmap == "AU12"
    (marker,) = served.markers.take(time_s=1.0, received_s=None)
    assert marker.label == "stimulus"


def test_a_client_pauses_the_run_for_everybody_and_takes_a_neutral_where_there_is_one(served):
    with served.client() as client:
        assert "neutral" not in receive(client, until=is_of("run"))["commands"]
        for value, is_paused in (("on", True), ("off", False)):
            client.send(json.dumps({"command": "pause", "value": value}))
            receive(client, until=is_of("status"))
            assert served.controls.is_paused is is_paused
        for refused in ('{"command":"pause","value":"maybe"}', '{"command":"neutral"}'):
            client.send(refused)
            receive(client, until=is_of("refused"))
    asked = []
    served.controls.ask_neutral = lambda: asked.append(1)
    made = Served(controls=served.controls)
    try:
        with made.client() as client:
            assert "neutral" in receive(client, until=is_of("run"))["commands"]
            client.send('{"command":"neutral"}')
            client.send("nonsense")
            receive(client, until=is_of("refused"))
    finally:
        made.sink.close()
    assert asked == [1]


def test_the_page_and_its_parts_come_with_strict_headers(served):
    for path in ("/", "/dashboard.js", "/dashboard.css", "/uplot.js", "/icon.svg"):
        status, headers, content = served.get(path)
        assert status == 200
        assert content
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    for path in ("/nothing", "/../../etc/passwd", "/%2e%2e/setup.cfg", "/dashboard.py"):
        assert served.get(path)[0] == 404
    assert served.get("/stream")[0] == 426
    assert served.get("/", Host="evil.example")[0] == 403


def test_a_socket_of_another_site_is_refused(served):
    with pytest.raises(InvalidStatus, match="403"):
        served.client(origin="https://evil.example")


def test_a_token_opens_page_and_socket_and_stays_in_a_cookie():
    made = Served(token="correct-horse")
    try:
        assert made.get("/")[0] == made.get("/dashboard.js")[0] == 401
        status, headers, _ = made.get("/?token=correct-horse")
        assert status == 200
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert made.get("/dashboard.js", Cookie=cookie)[0] == 200
        with pytest.raises(InvalidStatus, match="401"):
            made.client()
        with made.client(additional_headers={"Cookie": cookie}) as client:
            receive(client, until=is_of("run"))
    finally:
        made.sink.close()


def test_pictures_go_to_those_who_asked_and_only_if_they_are_served():
    made = Served(sends_video=True)
    assert made.sink.wants_overlay
    picture = np.full((40, 2000, 3), 200, np.uint8)
    try:
        with made.client() as looking, made.client() as other:
            looking.send('{"command":"video","value":"on"}')
            receive(looking, until=is_of("status"))
            made.write(0, picture)
            jpeg = receive(looking, until=lambda payload: isinstance(payload, bytes))
            assert jpeg.startswith(b"\xff\xd8")
            made.write(1)
            assert receive(other, until=is_frame)["frame"] == 1
            assert receive(other, until=is_frame)["frame"] == 2  # and no bytes before
    finally:
        made.sink.close()


def test_clients_are_told_the_end():
    made = Served()
    with made.client() as client:
        made.sink.close()
        receive(client, until=is_of("end"))
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=WAIT_S)


def test_an_address_in_use_is_one_clear_error(served):
    with pytest.raises(SinkError, match=r"--serve cannot listen on 127\.0\.0\.1"):
        Served(port=served.sink.port)


def test_a_client_that_reads_nothing_misses_frames_and_is_dropped(served, monkeypatch):
    monkeypatch.setattr(hub, "STUCK_S", 0.2)
    idle = socket.create_connection(("127.0.0.1", served.sink.port))
    idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    idle.sendall(
        f"GET /stream HTTP/1.1\r\nHost: {served.place}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    clients = served.sink._server.hub
    deadline_s = time.monotonic() + WAIT_S
    slowest_s, index = 0.0, 0
    while time.monotonic() < deadline_s and not (clients.thinned and not len(clients)):
        start_s = time.perf_counter()
        served.write(index)
        slowest_s = max(slowest_s, time.perf_counter() - start_s)
        index += 1
        time.sleep(0.0005)
    idle.close()
    assert clients.thinned > 0
    assert len(clients) == 0
    assert slowest_s < 1  # a write never waits for a client


def test_hostile_clients_do_nothing_to_the_run(served):
    half_open = [socket.create_connection(("127.0.0.1", served.sink.port)) for _ in range(20)]
    for one in half_open[:10]:
        one.sendall(b"\x16\x03\x01" + bytes(range(256)))
    with served.client() as rude:
        rude.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            receive(rude, until=lambda payload: False)
    with served.client() as hasty:
        for _ in range(100):
            try:
                hasty.send('{"command":"heatmap","value":"none"}')
            except ConnectionClosed:
                break
        with pytest.raises(ConnectionClosed):
            receive(hasty, until=lambda payload: False)
    with served.client() as client:
        receive(client, until=is_of("run"))
        result = served.write(5)
        assert receive(client, until=is_frame) == json.loads(served.objects.text(result))
    for one in half_open:
        one.close()


def test_a_hundred_clients_get_the_same_frame(served):
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(served.client(close_timeout=0)) for _ in range(100)]
        for client in clients:
            receive(client, until=is_of("run"))
        payload = json.loads(served.objects.text(served.write(0)))
        assert all(receive(client, until=is_frame) == payload for client in clients)
