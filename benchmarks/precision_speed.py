"""Measures what precision and library do for speed: fp32 and INT8, ONNX Runtime and OpenVINO.

The files are run in turn, round after round, so that a busy machine slows all of them alike.
Printed as Markdown, or written into docs/model-speed.md: the median of milliseconds a face, the
fastest tenth (other work only adds time), and the median of the ratios within a round. Bundled
models are taken as they are; networks by name get random weights, whose speed is that of trained
ones and whose accuracy means nothing. FP16 is not timed: on a CPU it proves numbers, never speed.

    PYTHONPATH=.:train:export python -m benchmarks.precision_speed shufflenetv2-au12 vgg19
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import onnx

from benchmarks.document import origin, write_measured
from rtau.backends import bundled_models, open_engine
from rtau.backends.parity import as_crops, probe_crops
from rtau.data import Image
from rtau_export import int8
from rtau_export.calibration import read_calibration
from rtau_export.onnx_file import read_onnx
from rtau_export.onnx_proto import stamped

FACES = Path(__file__).parent.parent / "tests" / "data" / "synth-facs" / "crops"
THREADS = 2
# Enough to set ranges; speed does not depend on them.
FITTING = 16
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


def float32_file(name: str, folder: Path) -> Path:
    """Returns a bundled model's file, or that of a network with random weights."""
    bundled = bundled_models()
    if name in bundled:
        return bundled[name]
    from benchmarks.cam_cost import write_onnx  # noqa: PLC0415 - needs torch, bundled models do not

    return write_onnx(name, folder / f"{name}.onnx", cam_method=None)


def files_of(source: Path, folder: Path) -> dict[str, Path]:
    """Returns the float32 file and the INT8 one that was made of it."""
    return {"fp32": source, "int8": reduced(source, folder)}


def reduced(source: Path, folder: Path) -> Path:
    """Returns the INT8 file for a CPU that is made of a float32 one."""
    file = read_onnx(source)
    faces = read_calibration(FACES, size=file.contract.input_size).fitting[:FITTING]
    proto = onnx.load_from_string(file.content)
    path = folder / f"{source.stem}-int8.onnx"
    contract = dataclasses.replace(
        file.contract, name=path.stem, precision="int8", int8_profile="cpu"
    )
    small = int8.quantise(proto, faces, profile="cpu", ranges="minmax")
    path.write_bytes(stamped(small, contract))
    return path


def ways_here() -> list[Way]:
    """Returns the rows that the installed libraries allow."""
    has_openvino = importlib.util.find_spec("openvino") is not None
    return [way for way in WAYS if way[0] != "openvino" or has_openvino]


def measure(files: dict[str, Path], *, faces: Image, rounds: int) -> dict[Way, np.ndarray]:
    """Returns the milliseconds a face of each way, round by round, run in turn."""
    crops = as_crops(faces)
    with ExitStack() as opened:
        engines = {
            (provider, kind): opened.enter_context(
                closing(open_engine(str(files[kind]), provider=provider, threads=THREADS))
            )
            for provider, kind in ways_here()
        }
        spent_ms: dict[Way, list[float]] = {way: [] for way in engines}
        for _ in range(rounds + 2):
            for way, engine in engines.items():
                started_s = time.perf_counter()
                engine.infer(crops)
                spent_ms[way].append((time.perf_counter() - started_s) * 1e3 / len(crops))
    return {way: np.array(spent[2:]) for way, spent in spent_ms.items()}


def rows(name: str, count: int, ms: dict[Way, np.ndarray], /) -> Iterator[str]:
    """Yields the rows of one model and number of faces."""
    first = ms["cpu", "fp32"]
    for (provider, kind), spent in ms.items():
        same_precision = ms["cpu", "fp32" if kind == "fp32" else "int8"]
        median, fast = np.percentile(spent, (50, 10))
        yield (
            f"| {name} | {count} | {LIBRARIES[provider]} | {kind} | {median:.2f} | {fast:.2f} "
            f"| {np.median(first / spent):.2f} | {np.median(same_precision / spent):.2f} |"
        )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Measure what precision does for speed.")
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
            source = float32_file(name, Path(folder))
            files = files_of(source, Path(folder))
            size = read_onnx(source).contract.input_size
            for count in arguments.faces:
                faces = probe_crops(count, size=size)
                found = measure(files, faces=faces, rounds=arguments.rounds)
                lines += rows(name, count, found)
    installed = dict.fromkeys(LIBRARY_PACKAGES[provider] for provider, _ in ways_here())
    made = f"{origin(*installed)} {arguments.rounds} rounds, {THREADS} threads."
    text = "\n".join([made, "", *lines])
    if arguments.write:
        write_measured(arguments.write, text, script=SCRIPT)
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
