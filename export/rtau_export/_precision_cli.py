"""The precision flags of `rtau-export onnx`: what they mean, and the steps they add.

Parses and hands over to `rtau_export.precision`, which is loaded only when a lower precision is
asked for; never loads torch. Called by `rtau_export.cli`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtau.errors import BackendUnavailable, UsageError

RANGES = ("best", "minmax", "percentile", "entropy")
NO_SPEED = (
    "FP16 on a CPU proves numbers, never speed: ONNX Runtime casts back and forth there; time it "
    "on a GPU (rtau doctor --gpu)"
)


def add_flags(verb: argparse.ArgumentParser) -> None:
    """Adds the flags to a verb."""
    group = verb.add_argument_group("precision")
    group.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32")
    group.add_argument(
        "--calibrate",
        type=Path,
        metavar="FOLDER",
        help="face crops that set the ranges of int8, cut as the runtime cuts them",
    )
    group.add_argument(
        "--profile",
        choices=("cpu", "trt"),
        default="cpu",
        help="what int8 is for: ONNX Runtime on a CPU, or TensorRT (default: %(default)s)",
    )
    group.add_argument(
        "--ranges",
        choices=RANGES,
        default="best",
        help="how int8 takes its ranges; best tries all (default: %(default)s)",
    )
    group.add_argument(
        "--labelled",
        type=Path,
        metavar="FOLDER",
        help="folder of `rtau-train prepare`: measures the macro-F1 that the precision costs",
    )


def is_reduced(arguments: argparse.Namespace) -> bool:
    """Returns True when a lower precision is asked for.

    Raises:
        UsageError: flags of a lower precision without one.
    """
    if arguments.precision != "int8" and arguments.calibrate is not None:
        raise UsageError(f"--calibrate is for int8, got --precision {arguments.precision}")
    if arguments.precision == "int8" and arguments.calibrate is None:
        raise UsageError(
            "--precision int8 needs --calibrate FOLDER: a few hundred face crops, cut as the "
            "runtime cuts them"
        )
    if arguments.precision == "fp32" and arguments.labelled is not None:
        raise UsageError("--labelled measures what fp16 or int8 changes, got --precision fp32")
    return bool(arguments.precision != "fp32")


@contextlib.contextmanager
def float32_target(arguments: argparse.Namespace) -> Iterator[Path]:
    """Yields where the float32 file goes: `--out`, or a draft that is reduced to it afterwards."""
    if not is_reduced(arguments):
        yield arguments.out
        return
    _library()  # before minutes of export, not after
    if not arguments.out.parent.is_dir():
        raise UsageError(f"{arguments.out}: --out must be NAME.onnx in a folder that exists")
    with tempfile.TemporaryDirectory(dir=arguments.out.parent, prefix=".export-") as folder:
        draft = Path(folder) / arguments.out.name
        yield draft
        reduce(draft, arguments)


def reduce(source: Path, arguments: argparse.Namespace) -> None:
    """Writes `--out` in the precision that is asked for, of a float32 file.

    Raises:
        RtauError: the file, the pictures or the request do not allow it; nothing is written.
    """
    if not is_reduced(arguments):
        raise UsageError(f"{source} is an ONNX file already; ask for --precision fp16 or int8")
    library = _library()
    wanted = library.Reduction(
        precision=arguments.precision,
        profile=arguments.profile,
        calibrate=arguments.calibrate,
        labelled=arguments.labelled,
        ranges=arguments.ranges,
    )
    library.reduce_file(source, arguments.out, wanted, progress=_say)
    if arguments.precision == "fp16":
        _say(NO_SPEED)


def _library() -> Any:
    try:
        return importlib.import_module("rtau_export.precision")
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"a lower precision needs the Python module {error.name!r}, which is not installed; "
            'install it: pip install "rtau[cpu,precision]"'
        ) from None


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
