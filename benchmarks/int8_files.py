"""Writes the INT8 file for CPUs that belongs to a float32 ONNX file; needs onnx but no torch.

Its ranges are set from a few crops: enough for its speed, not for its accuracy.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import onnx

from rtau_export import int8
from rtau_export.calibration import read_calibration
from rtau_export.onnx_file import read_onnx
from rtau_export.onnx_proto import stamped

FACES = Path(__file__).parent.parent / "tests" / "data" / "synth-facs" / "crops"
# Enough to set ranges; speed does not depend on them.
CALIBRATION_CROPS = 16


def write_int8(source: Path, folder: Path, /) -> Path:
    """Returns the path of the INT8 file for a CPU that is made of a float32 one."""
    file = read_onnx(source)
    faces = read_calibration(FACES, size=file.contract.input_size).fitting[:CALIBRATION_CROPS]
    path = folder / f"{source.stem}-int8.onnx"
    contract = dataclasses.replace(
        file.contract, name=path.stem, precision="int8", int8_profile="cpu"
    )
    proto = onnx.load_from_string(file.content)
    reduced = int8.quantise(proto, faces, profile="cpu", ranges="minmax")
    path.write_bytes(stamped(reduced, contract))
    return path
