"""`rtau` with a clip played at a camera's rate in place of a camera: for tests of live runs.

python -m tests.support.paced_run FPS SECONDS webcam 0 --serve 127.0.0.1:0 ...
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

from rtau.cli import webcam
from rtau.cli.main import main
from rtau.data import Frame
from rtau.protocols import SourceInfo, SourceReport
from rtau.sources.video_file import VideoFileSource

CLIP = Path(__file__).parents[2] / "examples" / "one_face.mp4"


class PacedSource:
    """Plays the sample clip over and over, each frame at its time. A live `Source`."""

    is_live = True

    def __init__(self, *, fps: float, seconds: float) -> None:
        with VideoFileSource(CLIP) as source:
            self.info = SourceInfo(
                name="paced clip",
                width=source.info.width,
                height=source.info.height,
                nominal_fps=Fraction(fps),
                frame_count=None,
            )
        self._fps = fps
        self._count = round(fps * seconds)
        self._closing = threading.Event()

    def __iter__(self):
        start_s = time.monotonic()
        pictures = itertools.chain.from_iterable(map(self._pictures, itertools.count()))
        for index, picture in enumerate(itertools.islice(pictures, self._count)):
            self._closing.wait(max(0.0, start_s + index / self._fps - time.monotonic()))
            if self._closing.is_set():
                return
            yield Frame(index=index, time_s=time.monotonic() - start_s, picture=picture)

    def report(self):
        return SourceReport()

    def close(self):
        self._closing.set()

    def _pictures(self, _):
        with VideoFileSource(CLIP) as source:
            for frame in source:
                yield frame.picture


if __name__ == "__main__":
    fps, seconds = float(sys.argv[1]), float(sys.argv[2])
    webcam.open_source = lambda *_, **__: PacedSource(fps=fps, seconds=seconds)
    sys.exit(main(sys.argv[3:]))
