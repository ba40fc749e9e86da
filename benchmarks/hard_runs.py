"""What the checks of `hard_use.py` share: rtau in a process of its own, a row of the table."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import av

ROOT = Path(__file__).parents[1]
CLIP = ROOT / "examples" / "one_face.mp4"
RTAU = (sys.executable, "-m", "rtau")
TIMEOUT_S = 900.0


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is tried."""

    kills: int = 50
    frames: int = 250
    """Of the clip that is run under a limit."""
    faces: tuple[int, ...] = (1, 50, 200)
    large: tuple[int, int] = (7680, 4320)
    large_frames: int = 12
    portraits: Path = ROOT / "examples" / "portraits"


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the table."""

    where: str
    asked: str
    came: str
    holds: bool | None
    """None for what could not be tried here."""

    def __str__(self) -> str:
        """The row in Markdown."""
        mark = {True: "", False: "**FAILS:** ", None: "not tried: "}[self.holds]
        return f"| {self.where} | {self.asked} | {mark}{self.came} |"


@dataclasses.dataclass(frozen=True)
class Done:
    """A run that has ended."""

    code: int
    err: str
    seconds: float
    cpu_s: float
    """Processor time of all its threads: other jobs of the machine change it less."""
    peak_mib: float
    """Largest resident memory of its process."""

    @property
    def last_line(self) -> str:
        """The last line on standard error."""
        return (self.err.strip().splitlines() or ["(no message)"])[-1]

    @property
    def is_told(self) -> bool:
        """Whether it failed with an exit code and words of its own, without a traceback."""
        return self.code in (1, 2) and "Traceback" not in self.err and "rtau: " in self.err


def run(
    *words: object, before: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Done:
    """Returns what a command of rtau did; `before` is a program that starts it."""
    command = [*before, *RTAU, *map(str, words)]
    with tempfile.TemporaryFile("w+") as err:
        started_s = time.monotonic()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=err, env=surroundings(environment)
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started_s
        err.seek(0)
        cpu_s = used.ru_utime + used.ru_stime
        return Done(process.returncode, err.read(), seconds, cpu_s, used.ru_maxrss / 1024)


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment of a run: this rtau, whatever folder it starts in."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **(more or {})}


def rows_of(table: Path) -> int:
    """Returns how many whole rows a CSV has.

    Raises:
        ValueError: a row but the last, which may have been cut, has other cells than the header.
    """
    text = table.read_text(encoding="utf-8")
    lines = text.split("\n")[:-1]  # what follows the last line break is no whole row
    if not lines:
        return 0
    header, *rows = csv.reader(lines)
    if any(len(row) != len(header) for row in rows):
        raise ValueError(f"{table}: a row is cut")
    return len(rows)


def lines_of(lines: Path) -> int:
    """Returns how many whole JSON lines a file has.

    Raises:
        ValueError: one is no JSON.
    """
    found = lines.read_text(encoding="utf-8").split("\n")[:-1]
    for line in found:
        json.loads(line)
    return len(found)


def frames_of(video: Path) -> int:
    """Returns how many pictures of a video can be played."""
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))
