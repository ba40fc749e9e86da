"""Measures what precision and library do for speed: fp32 and INT8, ONNX Runtime and OpenVINO.

The files run in turn, round after round, so that a busy machine slows all of them alike. Printed as
Markdown, or written into docs/model-speed.md: the median of milliseconds per face, the fastest
tenth (other work only adds time), and the median of the ratios within a round. Bundled models are
taken as they are; networks by name get random weights, which do not change their speed. FP16 is not
timed: CPUs compute it in float32.

    PYTHONPATH=.:train:export python benchmarks/precision_speed.py shufflenetv2-au14 vgg19
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from benchmarks.document import origin, write_measured
from benchmarks.int8_files import write_int8
from benchmarks.pairs import ratios
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import bundled_models, open_engine
from rtau.backends.parity import as_crops, probe_crops
from rtau.runs.bench.metrics import Cost, in_turn, timed
from rtau_export.onnx_file import read_onnx

THREADS = 2
# Library and file of each row.
WAYS = (
    ("cpu", "fp32"),
    ("openvino", "fp32"),
    ("cpu", "int8"),
    ("openvino", "int8"),
)
LIBRARIES = {"cpu": "ONNX Runtime", "openvino": "OpenVINO"}
LIBRARY_PACKAGES = {"cpu": "onnxruntime", "openvino": "openvino"}
SCRIPT = "benchmarks/precision_speed.py"

Way = tuple[str, str]


def files_of(name: str, folder: Path) -> dict[str, Path]:
    """Returns the float32 and the INT8 file of a bundled model, or of a network by name."""
    source = bundled_models().get(name)
    if source is None:
        # Needs torch, which bundled models do not.
        from benchmarks.random_weights import untrained_network, write_float32  # noqa: PLC0415

        source = write_float32(untrained_network(name), folder / f"{name}.onnx", cam_method=None)
    return {"fp32": source, "int8": write_int8(source, folder)}


def ways_here() -> list[Way]:
    """Returns the rows that the installed libraries allow."""
    has_openvino = importlib.util.find_spec("openvino") is not None
    return [way for way in WAYS if way[0] != "openvino" or has_openvino]


def measure(files: dict[str, Path], *, count: int, rounds: int) -> dict[Way, list[Cost]]:
    """Returns the costs of each way per face, round by round, for so many faces in a call."""
    size = read_onnx(files["fp32"]).contract.input_size
    crops = as_crops(probe_crops(count, size=size))
    with ExitStack() as opened:
        calls = {}
        for provider, kind in ways_here():
            engine = opened.enter_context(
                closing(open_engine(str(files[kind]), provider=provider, threads=THREADS))
            )
            infer = functools.partial(engine.infer, crops)
            calls[provider, kind] = functools.partial(timed, infer, units=count)
        return in_turn(calls, rounds=rounds)


def rows(name: str, count: int, costs: dict[Way, list[Cost]], /) -> Iterator[str]:
    """Yields the rows of one model and number of faces."""
    for (provider, kind), own in costs.items():
        to_first = np.median(ratios(costs["cpu", "fp32"], own))
        to_same_precision = np.median(ratios(costs["cpu", kind], own))
        median, fast = np.percentile([cost.ms for cost in own], (50, 10))
        yield (
            f"| {name} | {count} | {LIBRARIES[provider]} | {kind} | {median:.2f} | {fast:.2f} "
            f"| {to_first:.2f} | {to_same_precision:.2f} |"
        )


def main() -> None:
    """Prints the table."""
    parser = StrictArgumentParser(description="Measure what precision does for speed.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="bundled name, or a network")
    parser.add_argument("--faces", type=int, nargs="+", default=[1, 8], metavar="N")
    parser.add_argument("--rounds", type=int, default=30, metavar="N")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT.md")
    arguments = parser.parse_args()
    lines = [
        "| model | faces | library | file | median, ms a face | fastest tenth "
        "| x fp32 ONNX Runtime | x ONNX Runtime, same precision |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            files = files_of(name, Path(folder))
            for count in arguments.faces:
                lines += rows(name, count, measure(files, count=count, rounds=arguments.rounds))
    installed = dict.fromkeys(LIBRARY_PACKAGES[provider] for provider, _ in ways_here())
    made = f"{origin(*installed)} {arguments.rounds} rounds, {THREADS} threads."
    text = "\n".join([made, "", *lines])
    if arguments.write:
        write_measured(arguments.write, text, script=SCRIPT)
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
