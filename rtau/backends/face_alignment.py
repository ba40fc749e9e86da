"""Runs the face alignment network with ONNX Runtime, on one core of the CPU.

A second small session beside whichever backend runs the AU network: its crops come and go many
times a frame, and a copy to a GPU would take longer than the network. `open_face_alignment` is for
`rtau.runs.build` and for programs.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtau.backends import FACE_ALIGNMENT
from rtau.backends._onnx_messages import loading, log_severity
from rtau.data import Image
from rtau.errors import BackendUnavailable, ContractError, EngineError
from rtau.faces.alignment import AlignmentOutputs
from rtau.faces.alignment_contract import (
    INPUT,
    METADATA_KEY,
    OCCLUSION,
    POINTS,
    PRESENCE,
    AlignmentContract,
)

if TYPE_CHECKING:
    import onnxruntime

# Rows per call: more do not get faster on one core, and a whole frame of windows would take tens of
# megabytes for its activations.
MAX_BATCH = 8


class FaceAlignmentNetwork:
    """The alignment network: presence, points and covers of grey crops. One thread at a time."""

    def __init__(self, model: bytes, /, *, origin: str) -> None:
        """Loads a file and its contract.

        Args:
            model: the ONNX file.
            origin: its name, for error texts.

        Raises:
            BackendUnavailable: ONNX Runtime is not installed.
            ContractError: the file is broken, or has no contract of a face alignment network.
        """
        self._session = _session(model, origin=origin)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ContractError(
                f"{origin}: a face alignment network has the metadata {METADATA_KEY!r}, got "
                f"{', '.join(sorted(metadata)) or 'none'}; make one with `rtau-train face-align`"
            )
        self.contract = AlignmentContract.from_json(metadata[METADATA_KEY], origin=origin)
        self._outputs = [PRESENCE, POINTS]
        if self.contract.occlusion is not None:
            self._outputs.append(OCCLUSION)
        given = {output.name for output in self._session.get_outputs()}
        if missing := sorted(set(self._outputs) - given):
            raise ContractError(
                f"{origin}: its contract promises the output {missing[0]}, the file has "
                f"{', '.join(sorted(given))}; make one with `rtau-train face-occlusion`"
            )

    def __call__(self, crops: Image, /) -> AlignmentOutputs:
        """Returns presence, points and, of a file that gives it, occlusion.

        Args:
            crops: uint8 (N, S, S), grey; any N, 0 included.

        Raises:
            EngineError: a value is not finite.
        """
        points = len(self.contract.points.weights)
        logits = np.empty(len(crops), np.float32)
        points_xy = np.empty((len(crops), points, 2), np.float32)
        occlusion = None if OCCLUSION not in self._outputs else np.empty(len(crops), np.float32)
        arrays = [logits, points_xy, *([] if occlusion is None else [occlusion])]
        for first in range(0, len(crops), MAX_BATCH):
            rows = slice(first, first + MAX_BATCH)
            found = self._session.run(self._outputs, {INPUT: crops[rows]})
            for array, values in zip(arrays, found, strict=True):
                array[rows] = values
        if not all(np.isfinite(array).all() for array in arrays):
            raise EngineError(
                "the face alignment network must return finite values, got NaN or infinity; its "
                "file is broken: install rtau again"
            )
        return AlignmentOutputs(logits, points_xy, occlusion)


def open_face_alignment(path: Path | None = None) -> FaceAlignmentNetwork:
    """Returns the network of a file, or the bundled one.

    Raises:
        BackendUnavailable: ONNX Runtime is not installed.
        ContractError: the file is broken.
    """
    if path is not None:
        return FaceAlignmentNetwork(path.read_bytes(), origin=str(path))
    file = resources.files("rtau_engines") / FACE_ALIGNMENT
    return FaceAlignmentNetwork(file.read_bytes(), origin=FACE_ALIGNMENT)


def _session(model: bytes, *, origin: str) -> onnxruntime.InferenceSession:
    try:
        with loading():
            import onnxruntime  # noqa: PLC0415 - a run on recorded faces does without
    except ModuleNotFoundError:
        raise BackendUnavailable(
            "finding faces needs the Python module 'onnxruntime', which is not installed, beside "
            'any backend; install it: pip install "rtau[cpu]"'
        ) from None
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = log_severity()
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises classes of its own
        raise ContractError(f"{origin}: ONNX Runtime cannot read the file ({error})") from None
