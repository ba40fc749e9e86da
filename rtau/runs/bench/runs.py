"""Whole runs, timed: file to table, with every heatmap, to annotated video; and a bare re-encoding.

A run is built by `rtau.runs.build` as the command line builds it, with a model that is open
already; opening and closing the files is in its time. Called by `rtau bench` and by `benchmarks/`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

from rtau.config import RunConfig
from rtau.data import FrameResult, Picture
from rtau.errors import SinkError, UsageError
from rtau.protocols import Engine, Sink, SinkReport
from rtau.runs.bench.clips import transcode
from rtau.runs.bench.metrics import Cost, timed
from rtau.runs.build import build_runner, table_rows, video_sink, view_controls
from rtau.sinks.csv_file import CsvSink
from rtau.sources.video_file import VideoFileSource

Kind = Literal["table", "table with heatmaps", "video", "bare video"]

KINDS: dict[Kind, str] = {
    "table": "file to CSV",
    "table with heatmaps": "file to CSV, all heatmaps",
    "video": "file to annotated mp4",
    "bare video": "bare decode and encode",
}


class Tally:
    """Counts frames, faces and heatmaps on their way to the outputs. A `Sink`."""

    name = "tally"
    wants_overlay = False
    is_view = False
    is_slow = False

    def __init__(self, *, wants_cams: bool = False) -> None:
        """With `wants_cams`, a frame whose faces have no heatmaps is an error."""
        self.frames = self.faces = 0
        self._wants_cams = wants_cams

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Counts one frame.

        Raises:
            SinkError: heatmaps are missing, so the run does not do the work that is timed.
        """
        self.frames += 1
        self.faces += len(result.faces)
        if self._wants_cams and len(result.faces) and result.scores.cams is None:
            raise SinkError(f"frame {result.frame.index} must have heatmaps and has none")

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing."""


def run_file(kind: Kind, clip: Path, engine: Engine, /, *, config: RunConfig, folder: Path) -> Cost:
    """Returns what a run over a clip took; outputs go to `folder`.

    Raises:
        RtauError: the run failed, or did not do its work.
    """
    tally = Tally(wants_cams=kind == "table with heatmaps")

    def run() -> None:
        if kind == "bare video":
            tally.frames = transcode(clip, folder / "bare.mp4", output=config.output)
        else:
            _run(kind, clip, engine, config=config, folder=folder, tally=tally)

    cost = timed(run)
    if tally.frames == 0:
        raise UsageError(f"{clip}: no frame came out, so nothing was timed; give another clip")
    return dataclasses.replace(cost, units=tally.frames, faces=tally.faces / tally.frames)


def _run(
    kind: Kind, clip: Path, engine: Engine, *, config: RunConfig, folder: Path, tally: Tally
) -> None:
    overlay = config.overlay
    if kind == "table":
        overlay = dataclasses.replace(overlay, heatmap="none")
    elif kind == "table with heatmaps":
        # 1000 per second: in every frame.
        overlay = dataclasses.replace(overlay, heatmap="top", heatmap_hz=1000.0)
    config = dataclasses.replace(config, overlay=overlay)
    source = VideoFileSource(clip)
    sinks: list[Sink] = [tally]
    try:
        if kind == "video":
            sinks.append(video_sink(folder / "annotated.mp4", source=source, output=config.output))
        else:
            sinks.append(CsvSink(folder / "table.csv", table_rows(engine.contract)))
        runner = build_runner(
            source,
            engine,
            config=config,
            controls=view_controls(config, engine.contract),
            sinks=sinks,
        )
    except BaseException:
        source.close()
        raise
    runner.run()
