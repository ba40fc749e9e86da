"""The clients of a served run, and what is sent to each: everything, less, or nothing any more.

Lives on the event loop. A client that reads too slowly misses frames; one that reads nothing for
`STUCK_S` is disconnected. No client waits for another.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection, broadcast

# More than these are refused.
MAX_CLIENTS = 128
# Bytes that may wait for a client in this process before it misses frames, and in the kernel, which
# would otherwise hold megabytes: seconds of frames that nobody wants any more.
WAITING_BYTES = 1 << 16
KERNEL_BYTES = 1 << 16
STUCK_S = 10.0


class Hub:
    """The open connections of one server."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Has no client yet; `clock` counts seconds."""
        self._clock = clock
        self._full_since_s: dict[ServerConnection, float | None] = {}
        self._wants_video: set[ServerConnection] = set()
        self.thinned = 0
        """Messages that clients missed because they read too slowly."""

    def __len__(self) -> int:
        return len(self._full_since_s)

    @property
    def is_full(self) -> bool:
        """True when no further client is taken."""
        return len(self) >= MAX_CLIENTS

    @property
    def wants_video(self) -> bool:
        """True when some client asked for pictures."""
        return bool(self._wants_video)

    def add(self, connection: ServerConnection) -> None:
        """Takes a client."""
        found = connection.transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        self._full_since_s[connection] = None

    def remove(self, connection: ServerConnection) -> None:
        """Forgets a client."""
        self._full_since_s.pop(connection, None)
        self._wants_video.discard(connection)

    def set_video(self, connection: ServerConnection, *, is_wanted: bool) -> None:
        """Starts or ends sending pictures to a client."""
        if is_wanted:
            self._wants_video.add(connection)
        else:
            self._wants_video.discard(connection)

    def send(self, text: str) -> None:
        """Sends a text to every client that reads fast enough."""
        self._send(list(self._full_since_s), text)

    def send_picture(self, jpeg: bytes) -> None:
        """Sends a picture to the clients that asked for pictures and have read all else."""
        self._send([one for one in self._wants_video if not _waiting(one)], jpeg)

    def _send(self, connections: list[ServerConnection], message: str | bytes) -> None:
        ready = []
        for connection in connections:
            if _waiting(connection) <= WAITING_BYTES:
                self._full_since_s[connection] = None
                ready.append(connection)
                continue
            self.thinned += 1
            now_s = self._clock()
            since_s = self._full_since_s[connection]
            if since_s is None:
                self._full_since_s[connection] = now_s
            elif now_s - since_s > STUCK_S:
                connection.transport.abort()
        broadcast(ready, message)


def _waiting(connection: ServerConnection) -> int:
    return connection.transport.get_write_buffer_size()
