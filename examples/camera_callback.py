"""Calls a function whenever a face begins or ends to smile (AU12), live from a camera.

SOURCE is the number of a camera, the address of a stream, or a video file for a trial:

    python examples/camera_callback.py [SOURCE]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from rtau import Detector, Face, FrameResult

# Called with the time in seconds, the face and whether its AU12 is active now.
OnChange = Callable[[float, Face, bool], None]


def print_change(time_s: float, face: Face, is_active: bool) -> None:
    """Prints one change; replace it with what your program does."""
    word = "smiles" if is_active else "stops smiling"
    print(f"{time_s:8.2f} s: face {face.id} {word} ({face.au['AU12']:.0%})", flush=True)


def watch(results: Iterable[FrameResult], on_change: OnChange, *, label: str = "AU12") -> None:
    """Calls `on_change` for every face whose decision on a label differs from its last one."""
    was_active: dict[int, bool] = {}
    for result in results:
        for face in result:
            is_active = label in face.active
            if was_active.get(face.id, False) != is_active:
                on_change(result.time_s, face, is_active)
            was_active[face.id] = is_active


def main(source: str) -> None:
    """Watches a source until it ends or Ctrl-C is pressed."""
    # Smoothing and hysteresis keep a decision from flickering between two frames.
    with Detector(smooth=0.15, hysteresis=0.4) as detector:
        if source.isdigit():
            results = detector.camera(int(source))
        elif "://" in source:
            results = detector.stream(source)
        else:
            results = detector.detect_video(source)
        watch(results, print_change)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "0")
    except KeyboardInterrupt:
        sys.exit(130)
