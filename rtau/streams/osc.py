"""Results as OSC, a bundle per frame: for Max, Pure Data, TouchDesigner and the like.

docs/live.md lists the addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtau.data import FrameResult, Picture
from rtau.protocols import SinkReport
from rtau.streams.datagrams import Datagrams, Message

# What an address of OSC may not hold (OSC 1.0 specification), and what is no ASCII.
_RESERVED = re.compile(r"[^!-~]|[#*,/?\[\]{}]")


class OscSink:
    """Sends every frame as a bundle. Satisfies `rtau.protocols.Sink`."""

    name = "OSC"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(self, datagrams: Datagrams) -> None:
        """Owns the socket."""
        self._datagrams = datagrams

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Sends the frame's bundle."""
        self._datagrams.send(list(messages_of(result)), result=result)

    def report(self) -> SinkReport:
        """Returns a note if some bundles could not be sent."""
        return self._datagrams.report()

    def close(self) -> None:
        """Closes the socket; may be called twice."""
        self._datagrams.close()


def messages_of(result: FrameResult) -> Iterator[Message]:
    """Yields the messages of a frame: first the frame, then its faces, then its events."""
    yield "/rtau/frame", (result.frame.index + 1, result.frame.time_s)
    yield "/rtau/faces", (len(result),)
    probabilities, labels = result.scores.probabilities.tolist(), result.scores.labels
    for row, track_id in enumerate(result.track_ids):
        base = f"/rtau/{part(result.faces.seat_of(row) or str(track_id))}"
        if result.faces.scores is not None:
            yield f"{base}/presence", (float(result.faces.scores[row]),)
        yield f"{base}/box", tuple(result.faces.boxes_xyxy[row].tolist())
        yield f"{base}/roll", (result.faces.roll_of(row),)
        if result.quality_reasons is not None:
            yield f"{base}/quality", (int(not result.quality_reasons[row]),)
        for column, label in enumerate(labels):
            yield f"{base}/{part(label)}", (probabilities[row][column],)
            yield f"{base}/{part(label)}/active", (int(result.active[row, column]),)
        relative = None if result.calibrated is None else result.calibrated.of(row, labels)
        for label, value in (relative or {}).items():
            yield f"{base}/{part(label)}/n", (value,)
    for marker in result.markers:
        yield "/rtau/marker", (marker.label, marker.time_s)


def part(name: str) -> str:
    """Returns a name as one part of an OSC address."""
    return _RESERVED.sub("_", name)
