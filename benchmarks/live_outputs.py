"""Runs live for minutes with every output on: when each stream has a frame, and what grows.

The sample clip is played at 30 frames a second in place of a camera; table, JSON lines, annotated
video, dashboard with its pictures, OSC, VMC and LSL are on, and a process of its own receives.
Before, a tenth as long, the same without any output, for the frames that are dropped anyway.

    PYTHONPATH=. python benchmarks/live_outputs.py --minutes 10 --write     # make soak-outputs
"""

from __future__ import annotations

import dataclasses
import functools
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.document import loads, origin, publish
from benchmarks.soak import growth_per_minute
from rtau.argument_parser import StrictArgumentParser
from rtau.config import RunConfig, build
from rtau.data import FrameResult, Picture
from rtau.protocols import Sink, SinkReport
from rtau.runs.bench.live import LIVE_FPS, WARM_UP_S, PacedClip
from rtau.runs.bench.machine import load
from rtau.runs.bench.processes import resident_mib
from rtau.runs.outputs import Outputs
from rtau.runs.session import Session, run_source
from rtau.runs.streams import open_streams

ROOT = Path(__file__).parents[1]
CLIP = ROOT / "examples" / "one_face.mp4"
DOCUMENT = ROOT / "docs" / "live.md"
Milliseconds = npt.NDArray[np.float64]
STREAMS = ("LSL", "OSC", "WebSocket")
PIECES = 10
# What the process holds at one moment: a column of `Log.held` each.
HELD = ("memory, MiB", "threads", "open files")


class Log:
    """Takes every annotated picture, as a window does, and what the process holds. A `Sink`.

    Its arrays are as long as the run from the beginning: what grows is not its own record.
    """

    name = "log"
    wants_overlay = True
    is_view = False
    is_slow = False

    def __init__(self, frames: int) -> None:
        # From 1; NaN for what was dropped or came during the warm-up.
        self.received_s = np.full(frames + 1, np.nan)
        self.drawn_s = np.full(frames + 1, np.nan)
        self.held = np.zeros((frames // LIVE_FPS + 1, len(HELD)))
        self.count = 0

    def write(self, result: FrameResult, _: Picture | None, /) -> None:
        """Takes note of a frame; once a second of what the process holds."""
        assert result.received_s is not None  # the run is live and takes events
        if result.time_s >= WARM_UP_S:
            self.received_s[result.index + 1] = result.received_s
            self.drawn_s[result.index + 1] = time.perf_counter()
        if result.time_s >= self.count + WARM_UP_S and self.count < len(self.held):
            files = sum(1 for _ in Path("/proc/self/fd").iterdir())
            self.held[self.count] = resident_mib() or 0.0, threading.active_count(), files
            self.count += 1

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """One run."""

    log: Log
    captured: int
    dropped: int
    receipts: dict[str, list[tuple[int, float]]]
    """Stream -> number and time of each frame that came."""

    def overlay_ms(self) -> Milliseconds:
        """Returns how long each frame took from capture to the drawn overlay."""
        return _known_ms(self.log.drawn_s - self.log.received_s)

    def delays_ms(self, stream: str) -> Milliseconds:
        """Returns how long each frame took from capture to a receiver."""
        frames, at_s = np.array(self.receipts[stream]).T
        return _known_ms(at_s - self.log.received_s[frames.astype(int)])


def _known_ms(delays_s: npt.NDArray[np.float64]) -> Milliseconds:
    return 1e3 * delays_s[~np.isnan(delays_s)]


def measure(minutes: float, *, folder: Path, outputs: bool) -> Measured:
    """Returns what a live run of so many minutes did."""
    name, log = PacedClip(CLIP, seconds=1).info.name, Log(round(60 * minutes * LIVE_FPS))
    osc_port = free_port()
    # Without outputs OSC stays: a run with a stream gives results their time of receipt.
    bare = build({("stream", "osc"): f"127.0.0.1:{osc_port}"})
    config = settings(folder, osc_port=osc_port) if outputs else bare
    receivers: list[subprocess.Popen[str]] = []

    def views(session: Session) -> Iterator[Sink]:
        if outputs:
            sinks = open_streams(session)
            yield from sinks
            port = next(getattr(one, "port", 0) for one in sinks if one.name == "server")
            receivers.append(receiver(port, osc_port, name))
        yield log

    summary = run_source(
        lambda: PacedClip(CLIP, seconds=60 * minutes),
        config,
        outputs=Outputs.of(config),
        views=views,
        command=["benchmarks/live_outputs.py"],
    ).summary
    receipts = json.loads(receivers[0].communicate()[0]) if receivers else {}
    return Measured(log, summary.frames_read, summary.frames_dropped, receipts)


def settings(folder: Path, *, osc_port: int) -> RunConfig:
    """Returns the settings of a run with every output."""
    return build(
        {
            ("output", "csv"): str(folder / "run.csv"),
            ("output", "jsonl"): str(folder / "run.jsonl"),
            ("output", "out"): folder / "run.mp4",
            ("stream", "serve"): "127.0.0.1:0",
            ("stream", "serve_video"): True,
            ("stream", "osc"): f"127.0.0.1:{osc_port}",
            ("stream", "vmc"): f"127.0.0.1:{free_port()}",
            ("stream", "lsl"): True,
            ("stream", "lsl_markers"): "*",
        }
    )


def free_port() -> int:
    """Returns a port of this machine that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def receiver(port: int, osc_port: int, source: str) -> subprocess.Popen[str]:
    """Returns a process that receives all streams, once it does."""
    found = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.live_receiver", str(port), str(osc_port), source],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert found.stdout is not None
    if found.stdout.readline() != "ready\n":
        found.kill()
        raise SystemExit("a stream could not be received within 30 s")
    return found


def delay_rows(measured: Measured) -> Iterator[str]:
    """Yields a Markdown table of the delays."""
    drawn_ms = measured.overlay_ms()
    overlay_ms = float(np.percentile(drawn_ms, 95))
    yield "| from capture to | p50, ms | p95, ms | p95 less the overlay's, ms | frames lost |"
    yield "|---|---|---|---|---|"
    yield _delay_row("drawn overlay", drawn_ms, overlay_ms, lost=0)
    for stream in STREAMS:
        delays_ms = measured.delays_ms(stream)
        lost = len(drawn_ms) - len(delays_ms)
        yield _delay_row(f"receiver of {stream}", delays_ms, overlay_ms, lost=lost)


def _delay_row(name: str, delays_ms: Milliseconds, overlay_ms: float, *, lost: int) -> str:
    p50, p95 = np.percentile(delays_ms, [50, 95])
    return f"| {name} | {p50:.1f} | {p95:.1f} | {p95 - overlay_ms:+.1f} | {lost} |"


def held_rows(held: npt.NDArray[np.float64], *, minutes: float) -> Iterator[str]:
    """Yields a Markdown table of what the process holds, in pieces of equal length."""
    yield "| | first tenth | last tenth | growth a minute |"
    yield "|---|---|---|---|"
    for name, values in zip(HELD, held.T, strict=True):
        pieces = np.array_split(values, min(PIECES, len(values)))
        highest = tuple(float(piece.max()) for piece in pieces)
        slope = growth_per_minute(highest, minutes=minutes) if len(highest) > 2 else float("nan")
        yield f"| {name} | {highest[0]:.0f} | {highest[-1]:.0f} | {slope:+.2f} |"


def text_of(with_outputs: Measured, without: Measured, *, minutes: float, loads: str) -> str:
    """Returns what was measured, for the document."""
    dropped, bare = (
        f"{one.dropped} of {one.captured} frames ({one.dropped / one.captured:.1%})"
        for one in (with_outputs, without)
    )
    where = origin("onnxruntime", "websockets", "pylsl", "python-osc")
    return "\n".join(
        [
            f"{minutes:g} minutes, {LIVE_FPS} frames a second, 640x360, one face. {where} {loads}",
            "",
            *delay_rows(with_outputs),
            "",
            f"Dropped: {dropped}; without any output, for a tenth of the time before: {bare}.",
            "",
            *held_rows(with_outputs.log.held[: with_outputs.log.count], minutes=minutes),
        ]
    )


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description="Run live with every output on.")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M")
    parser.add_argument("--smoke", action="store_true", help="seconds: shows that the code runs")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    minutes = 5 / 60 if arguments.smoke else arguments.minutes
    before = load() or 0.0
    with tempfile.TemporaryDirectory() as name:
        run = functools.partial(measure, folder=Path(name))
        without = run(max(minutes / 10, 3 / 60), outputs=False)
        measured = run(minutes, outputs=True)
    text = text_of(measured, without, minutes=minutes, loads=loads(before))
    publish(
        text, document=DOCUMENT if arguments.write else None, script="benchmarks/live_outputs.py"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
