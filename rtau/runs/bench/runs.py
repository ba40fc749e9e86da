"""Whole runs, timed: file to table, with every heatmap, to annotated video; and a bare re-encoding.

A run is built by `rtau.runs.build` as the command line builds it, with a model that is open
already; opening and closing the files is in its time. Called by `rtau bench` and by `benchmarks/`.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Literal

from rtau.config import RunConfig
from rtau.data import FrameResult, Picture
from rtau.errors import SinkError, UsageError
from rtau.protocols import Engine, Sink
from rtau.runs.bench.clips import transcode
from rtau.runs.build import build_runner, csv_sink, detection_policy, video_sink, view_controls
from rtau.sources.video_file import VideoFileSource

Kind = Literal["table", "table with heatmaps", "video", "bare video"]

KINDS: dict[Kind, str] = {
    "table": "file to CSV",
    "table with heatmaps": "file to CSV, all heatmaps",
    "video": "file to annotated mp4",
    "bare video": "bare decode and encode",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, and proof that it did the work."""

    frames: int
    """Frames that reached the output."""
    wall_s: float
    """From before the file was opened to after the last output was closed, seconds."""
    cpu_s: float
    """Processor time of all threads, seconds."""
    faces: float = 0.0
    """Faces per frame that were scored, on average."""

    @property
    def ms(self) -> float:
        """Milliseconds per frame."""
        return self.wall_s / self.frames * 1e3

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds per frame."""
        return self.cpu_s / self.frames * 1e3

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames / self.wall_s


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
            SinkError: heatmaps are missing, so what was timed is not what was asked for.
        """
        self.frames += 1
        self.faces += len(result.faces)
        if self._wants_cams and len(result.faces) and result.scores.cams is None:
            raise SinkError(f"frame {result.frame.index} must have heatmaps and has none")

    def close(self) -> None:
        """Does nothing."""


def config_for(kind: Kind, config: RunConfig, /) -> RunConfig:
    """Returns the settings of a kind of run: which heatmaps it computes."""
    if kind == "table with heatmaps":
        # Every frame is later than a thousandth of a second after the one before.
        overlay = dataclasses.replace(config.overlay, heatmap="top", heatmap_hz=1000.0)
    elif kind == "table":
        overlay = dataclasses.replace(config.overlay, heatmap="none")
    else:
        return config
    return dataclasses.replace(config, overlay=overlay)


def run_file(kind: Kind, clip: Path, engine: Engine, /, *, config: RunConfig, folder: Path) -> Cost:
    """Returns what a run over a clip took; outputs go to `folder`.

    Raises:
        RtauError: the run failed, or did not do its work.
    """
    cpu_start_s, start_s = time.process_time(), time.perf_counter()
    tally = Tally(wants_cams=kind == "table with heatmaps")
    if kind == "bare video":
        tally.frames = transcode(clip, folder / "bare.mp4", output=config.output)
    else:
        _run(kind, clip, engine, config=config_for(kind, config), folder=folder, tally=tally)
    wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_start_s
    if tally.frames == 0:
        raise UsageError(f"{clip}: no frame came out, so nothing was timed; give another clip")
    return Cost(tally.frames, wall_s, cpu_s=cpu_s, faces=tally.faces / tally.frames)


def _run(
    kind: Kind, clip: Path, engine: Engine, *, config: RunConfig, folder: Path, tally: Tally
) -> None:
    source = VideoFileSource(clip)
    sinks: list[Sink] = [tally]
    try:
        if kind == "video":
            sinks.append(video_sink(folder / "annotated.mp4", source=source, output=config.output))
        else:
            sinks.append(csv_sink(folder / "table.csv", contract=engine.contract))
        runner = build_runner(
            source,
            engine,
            config=config,
            controls=view_controls(config, engine.contract),
            sinks=sinks,
            policy=detection_policy(config),
        )
    except BaseException:
        source.close()
        raise
    runner.run()
