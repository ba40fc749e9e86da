"""Frames read from a file as programs around the peer read them: OpenCV's reader, then RGB.

The peer is handed decoded frames, and its figures have no decoding in them. rtau's have; this says
what the comparison would be with decoding on both sides. `targets.py` calls it.
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2

from rtau.errors import SourceOpenError
from rtau.runs.bench.runs import Cost


def read_as_usual(clip: Path, /, *, frames: int) -> Cost:
    """Returns what it costs to read the first frames of a clip one by one, as RGB pictures.

    Raises:
        SourceOpenError: OpenCV cannot read it.
    """
    cpu_start_s, start_s = time.process_time(), time.perf_counter()
    reader = cv2.VideoCapture(str(clip))
    read = 0
    while read < frames:
        is_read, image_bgr = reader.read()
        if not is_read:
            break
        cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
        read += 1
    reader.release()
    wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_start_s
    if not read:
        raise SourceOpenError(f"{clip}: OpenCV reads no frame of it; give another clip")
    return Cost(read, wall_s, cpu_s=cpu_s)
