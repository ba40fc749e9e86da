"""Streams, clocks and status for tests of views."""

from __future__ import annotations

import io

from rtau.status import ViewStatus


class Stream(io.StringIO):
    """Text that may say it is a terminal, and may break."""

    encoding = "utf-8"

    def __init__(self, *, terminal):
        super().__init__()
        self.terminal = terminal
        self.broken = False

    def isatty(self):
        return self.terminal

    def write(self, text):
        if self.broken:
            raise OSError(5, "Input/output error")
        return super().write(text)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def make_status(**changes):
    """Returns the status of a file a quarter done."""
    values = {
        "source": "clip.mp4",
        "model": "net-au12",
        "device": "onnxruntime, CPUExecutionProvider",
        "is_live": False,
        "frames_done": 30,
        "frames_total": 120,
        "fps": 15.0,
    }
    return ViewStatus(**{**values, **changes})
