"""Frames read from a file as programs around the peer read them: OpenCV's reader, then RGB.

The peer gets decoded frames, so its times do not include decoding, and rtau's do. With this time
`targets.py` also compares both with decoding.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2

from rtau.errors import SourceOpenError
from rtau.runs.bench.metrics import Cost, timed


def read_as_usual(clip: Path, /, *, frames: int) -> Cost:
    """Returns what it costs to read the first frames of a clip one by one, as RGB pictures.

    Raises:
        SourceOpenError: OpenCV cannot read it.
    """
    reader = cv2.VideoCapture(str(clip))
    count = 0

    def read() -> None:
        nonlocal count
        while count < frames:
            is_read, image_bgr = reader.read()
            if not is_read:
                return
            cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
            count += 1

    cost = timed(read)
    reader.release()
    if not count:
        raise SourceOpenError(f"{clip}: OpenCV reads no frame of it; give another clip")
    return dataclasses.replace(cost, units=count)
