"""A small video server on loopback that behaves like a camera on the network, or misbehaves.

It speaks just enough HTTP to send one clip in pieces, at a pace, and can stall or hang up in the
middle. Used by the tests of the stream source.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Bytes of one write; small, so that a pace is even.
PIECE = 2048


@dataclass(frozen=True)
class Behaviour:
    """What one connection gets."""

    status: str = "200 OK"
    content_type: str = "video/mp2t"
    stall_after: float = 2.0
    """Share of the clip after which nothing more is sent and the line stays open; 2 = never."""
    drop_after: float = 2.0
    """Share of the clip after which the line is closed; 2 = never before the end."""
    seconds: float = 0.0
    """How long sending the whole clip takes."""
    declares_length: bool = False
    """Says Content-Length, as for a file."""
    repeats: bool = False
    """Sends the clip again and again."""
    headers: tuple[str, ...] = ()
    """Further lines of the answer's head: `Content-Encoding: gzip`."""


class StreamServer:
    """Serves a clip on 127.0.0.1: connection k behaves as `behaviours[k]`, then as the last."""

    def __init__(self, clip: Path, behaviours: Sequence[Behaviour] = (Behaviour(),)) -> None:
        self.clip = clip.read_bytes()
        self.connections = 0
        self._behaviours = list(behaviours)
        self._stopped = threading.Event()
        self._server = socketserver.ThreadingTCPServer(
            ("127.0.0.1", 0), self._handler(), bind_and_activate=False
        )
        self._server.allow_reuse_address = True
        self._server.server_bind()
        self._server.server_activate()
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="stream-server"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the clip is."""
        return f"http://127.0.0.1:{self.port}/live"

    def close(self) -> None:
        """Hangs up on everybody and stops listening; may be called twice."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()  # waits for the connections' threads
        self._thread.join()

    def __enter__(self) -> StreamServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(0.2)
                behaviour = server._next_behaviour()
                try:
                    self.request.recv(4096)
                    server._send(self.request.sendall, behaviour)
                except OSError:
                    return  # the client left: what every server lives with

        return Handler

    def _next_behaviour(self) -> Behaviour:
        behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
        self.connections += 1
        return behaviour

    def _send(self, send, behaviour: Behaviour) -> None:
        head = f"HTTP/1.1 {behaviour.status}\r\nContent-Type: {behaviour.content_type}\r\n"
        head += "".join(f"{line}\r\n" for line in behaviour.headers)
        if behaviour.declares_length:
            head += f"Content-Length: {len(self.clip)}\r\n"
        send(f"{head}Connection: close\r\n\r\n".encode())
        if not behaviour.status.startswith("200"):
            return
        while True:
            for start in range(0, len(self.clip), PIECE):
                share = start / len(self.clip)
                if self._stopped.is_set() or share >= behaviour.drop_after:
                    return
                if share >= behaviour.stall_after:
                    self._stopped.wait(30)
                    return
                send(self.clip[start : start + PIECE])
                if behaviour.seconds:
                    self._stopped.wait(behaviour.seconds * PIECE / len(self.clip))
            if not behaviour.repeats:
                return
