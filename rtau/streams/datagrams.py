"""OSC bundles as UDP datagrams: sent at once or not at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Any, cast

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from rtau.data import FrameResult
from rtau.errors import SinkError
from rtau.protocols import SinkReport
from rtau.streams.addresses import Address

Message = tuple[str, Sequence[str | int | float]]


class Datagrams:
    """A UDP socket that sends a bundle per frame and counts what could not be sent."""

    def __init__(self, address: Address, *, flag: str) -> None:
        """Looks the host up once.

        Raises:
            SinkError: there is no such host.
        """
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise SinkError(
                f"{flag} {address}: the host is not known ({error.strerror or error}); "
                "check the name, or give its IP address"
            ) from error
        family, kind, protocol, _, place = found[0]
        self._place: Any = place
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._flag = f"{flag} {address}"
        self._sent = self._lost = 0
        self._reason = ""

    def send(self, messages: Sequence[Message], *, result: FrameResult) -> None:
        """Sends messages as one bundle, whose time tag is when the frame was received."""
        age_s = 0.0
        if result.received_s is not None:
            age_s = time.perf_counter() - result.received_s
        # Declared as int; fractions of a second are kept.
        bundle = OscBundleBuilder(cast(int, time.time() - age_s))
        for path, values in messages:
            message = OscMessageBuilder(path)
            for value in values:
                message.add_arg(value)
            bundle.add_content(message.build())
        try:
            self._socket.sendto(bundle.build().dgram, self._place)
            self._sent += 1
        except OSError as error:  # a full buffer, or no route: the next frame may get through
            self._lost += 1
            self._reason = error.strerror or str(error)

    def report(self) -> SinkReport:
        """Returns a note if some bundles could not be sent."""
        if not self._lost:
            return SinkReport()
        total = self._sent + self._lost
        return SinkReport(
            note=f"{self._flag}: {self._lost} of {total} bundles could not be sent ({self._reason})"
        )

    def close(self) -> None:
        """Closes the socket; may be called twice."""
        self._socket.close()
