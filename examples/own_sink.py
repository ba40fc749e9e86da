"""Writes own results beside rtau's: a sink that keeps the peak of every Action Unit per face.

A sink is any class with the attributes and methods of `rtau.protocols.Sink`. A run calls `write`
once per frame, in order, and `close` at the end, also after a failure.

    python examples/own_sink.py [VIDEO] [OUT.json]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rtau import FrameResult, RunConfig
from rtau.backends import open_engine
from rtau.data import Picture
from rtau.runs.build import build_runner, view_controls
from rtau.sources import open_source

CLIP = Path(__file__).resolve().parent / "one_face.mp4"


class PeakSink:
    """Keeps the highest probability of each AU per face, and writes them as JSON at the end."""

    is_view = False  # its failure ends the run
    is_slow = False  # quick enough to be called between two frames
    wants_overlay = False  # needs the numbers, not the annotated picture

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._peaks: dict[int, dict[str, float]] = {}
        self._is_closed = False

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Takes one frame's result."""
        del picture  # there is one only where `wants_overlay` is true
        for face in result:
            peaks = self._peaks.setdefault(face.id, dict(face.au))
            for label, probability in face.au.items():
                peaks[label] = max(peaks[label], probability)

    def close(self) -> None:
        """Writes the file; may be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._path.write_text(json.dumps(self._peaks, indent=2), encoding="utf-8")


def main(video: str, out: Path) -> None:
    """Runs a video through the bundled model into the sink."""
    config = RunConfig()
    engine = open_engine(config.model.model, provider="auto", threads=0)
    try:
        runner = build_runner(
            open_source(video),
            engine,
            config=config,
            controls=view_controls(config, engine.contract),
            sinks=[PeakSink(out)],
        )
        summary = runner.run()
    finally:
        engine.close()
    print(f"{summary.frames_done} frames, {summary.tracks} faces, {summary.fps:.0f} fps -> {out}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(CLIP), Path((sys.argv[2:] or ["peaks.json"])[0]))
