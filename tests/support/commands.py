"""Runs the `rtau` command: in this process, or in one of its own where the fault needs it."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import av

from rtau.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "one_face.mp4"


@functools.cache
def example_frames(count: int):
    """Returns the first frames of the example clip: uint8 (360, 640, 3), BGR, one rendered face."""
    with av.open(str(EXAMPLE)) as container:
        frames = container.decode(video=0)
        return tuple(next(frames).to_ndarray(format="bgr24") for _ in range(count))


def run_here(capsys, *arguments) -> tuple[int, str, str]:
    """Returns exit code, standard output and standard error of a command run in this process."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit_:  # argparse's way out
        code = exit_.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def start(*arguments, **options) -> subprocess.Popen:
    """Returns a started `rtau` process with piped standard output and error."""
    return subprocess.Popen(
        [sys.executable, "-m", "rtau", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
