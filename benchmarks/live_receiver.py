"""Receives every stream of a live run and says when each frame came: for `live_outputs.py`.

A process of its own, so that the run does not wait for it. `time.perf_counter` is one clock for all
processes of a Linux machine.

    python -m benchmarks.live_receiver WEBSOCKET_PORT OSC_PORT LSL_SOURCE
"""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import sys
import threading
import time
from collections.abc import Callable

import pylsl
from pythonosc.osc_bundle import OscBundle
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from rtau.argument_parser import StrictArgumentParser

Receipts = list[tuple[int, float]]
WAIT_S = 30.0


class Receiver(threading.Thread):
    """Receives one stream until it ends, or until it is told that the run has."""

    def __init__(self, receive: Callable[[Receiver], None]) -> None:
        super().__init__()
        self.receipts: Receipts = []
        self.is_ready, self.is_over = threading.Event(), threading.Event()
        self._receive = receive

    def run(self) -> None:
        """Receives."""
        self._receive(self)

    def take(self, frame: int, at_s: float) -> None:
        """Takes note of a frame."""
        self.receipts.append((frame, at_s))


def receive_websocket(receiver: Receiver, *, port: int) -> None:
    """Takes note of every frame until the run ends."""
    with connect(f"ws://127.0.0.1:{port}/stream", compression=None) as run:
        run.send('{"command":"video","value":"on"}')
        receiver.is_ready.set()
        with contextlib.suppress(ConnectionClosed):
            for text in run:
                at_s = time.perf_counter()
                if isinstance(text, str) and (frame := json.loads(text).get("frame")):
                    receiver.take(frame, at_s)


def receive_osc(receiver: Receiver, *, port: int) -> None:
    """Takes note of every bundle."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", port))
        one.settimeout(0.5)
        receiver.is_ready.set()
        while not receiver.is_over.is_set():
            with contextlib.suppress(TimeoutError):
                datagram, at_s = one.recv(65536), time.perf_counter()
                first = next(iter(OscBundle(datagram)))
                receiver.take(first.params[0], at_s)


def receive_lsl(receiver: Receiver, *, source: str) -> None:
    """Takes note of every sample of the first face."""
    # Fatal errors alone: when the run ends, its outlet goes first, and the library says so.
    pylsl.set_config_content("[log]\nlevel = -3\n")
    (info,) = pylsl.resolve_byprop("source_id", f"rtau-{source}-1", timeout=WAIT_S)
    inlet = pylsl.StreamInlet(info)
    inlet.open_stream(timeout=WAIT_S)
    receiver.is_ready.set()
    while not receiver.is_over.is_set():
        values, _ = inlet.pull_sample(timeout=0.5)
        if values:
            receiver.take(int(values[0]), time.perf_counter())


def main() -> int:
    """Receives until the WebSocket is closed, and prints what came as JSON; returns 0."""
    parser = StrictArgumentParser(description="Receive every stream of a live run.")
    parser.add_argument("port", type=int, help="of the WebSocket")
    parser.add_argument("osc_port", type=int, help="where OSC is sent")
    parser.add_argument("source", help="name of the source of the LSL streams")
    asked = parser.parse_args()
    receivers = {
        "WebSocket": Receiver(functools.partial(receive_websocket, port=asked.port)),
        "OSC": Receiver(functools.partial(receive_osc, port=asked.osc_port)),
        "LSL": Receiver(functools.partial(receive_lsl, source=asked.source)),
    }
    for one in receivers.values():
        one.start()
    if all(one.is_ready.wait(WAIT_S) for one in receivers.values()):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    receivers["WebSocket"].join()
    time.sleep(1.0)  # what is still on its way
    for one in receivers.values():
        one.is_over.set()
        one.join()
    sys.stdout.write(json.dumps({name: one.receipts for name, one in receivers.items()}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
