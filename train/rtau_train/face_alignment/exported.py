"""Writes the network as an ONNX file with its contract, and runs such a file.

A file that differs from torch is not written. The only place of this package that knows ONNX
Runtime. Called by `command.py`; the evaluation runs the file through `OnnxAlignment`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from rtau.errors import BackendUnavailable, EngineError
from rtau.faces.alignment_contract import (
    INPUT,
    METADATA_KEY,
    OCCLUSION,
    POINTS,
    PRESENCE,
    AlignmentContract,
    AlignmentParity,
)
from rtau_train.face_alignment.examples import SIZE_PX, Floats, Grey
from rtau_train.face_alignment.network import AlignmentNetwork
from rtau_train.whole_file import write_whole

OPSET: Final = 18
# Differences from torch that are rounding, as logits and as px.
_MOST_DLOGIT: Final = 2e-4
_MOST_DPOINT_PX: Final = 2e-4
_BATCHES: Final = (1, 2, 7, 32)
_ERRORS_ONLY: Final = 3


class OnnxAlignment:
    """An open alignment file on one core."""

    def __init__(self, model: Path | bytes, /) -> None:
        """Opens a file, or what one holds.

        Raises:
            BackendUnavailable: ONNX Runtime is not installed.
        """
        self._session = open_session(model if isinstance(model, bytes) else model.read_bytes())
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.contract = AlignmentContract.from_json(metadata[METADATA_KEY], origin="the ONNX file")

    def __call__(self, crops: Grey, /) -> tuple[Floats, Floats]:
        """Returns presence logits float32 (N,) and points float32 (N, 68, 2), px in the crop."""
        logits, points = self._session.run([PRESENCE, POINTS], {INPUT: crops})
        return np.asarray(logits, np.float32), np.asarray(points, np.float32)

    def occlusion(self, crops: Grey, /) -> Floats:
        """Returns occlusion logits float32 (N,) of a file that gives them."""
        (logits,) = self._session.run([OCCLUSION], {INPUT: crops})
        return np.asarray(logits, np.float32)


def open_session(model: bytes, /) -> Any:
    """Returns ONNX Runtime's session of a file, on one core.

    Raises:
        BackendUnavailable: ONNX Runtime is not installed.
    """
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def weights_sha256(network: AlignmentNetwork, /) -> str:
    """Returns the SHA-256 of all weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def exported(network: AlignmentNetwork, contract: AlignmentContract, /) -> bytes:
    """Returns the ONNX file of a network, its contract inside, its parity in the contract.

    Raises:
        EngineError: the file answers otherwise than torch.
    """
    network = network.eval().to(memory_format=torch.contiguous_format)
    program = torch.onnx.export(
        network,
        (torch.from_numpy(probes(2)),),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=[PRESENCE, POINTS],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        verbose=False,
    )
    assert program is not None, "the dynamo exporter returns a program"
    proto = program.model_proto
    _forget_sources(proto)
    entry = proto.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, contract.to_json()
    parity = _parity(network, OnnxAlignment(proto.SerializeToString()))
    entry.value = dataclasses.replace(contract, parity=parity).to_json()
    return bytes(proto.SerializeToString())


def write_files(model: bytes, folder: Path, /, *, name: str) -> Path:
    """Writes NAME.onnx and NAME.json into a folder and returns the first."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    write_whole(path, model)
    contract = OnnxAlignment(model).contract
    write_whole(path.with_suffix(".json"), contract.to_json() + "\n")
    return path


def _onnxruntime() -> Any:
    """Returns the module, which training otherwise does without."""
    try:
        return importlib.import_module("onnxruntime")
    except ModuleNotFoundError:
        raise BackendUnavailable(
            "the exported file is compared with torch in ONNX Runtime, which is not installed; "
            'install it: pip install "rtau[cpu]"'
        ) from None


def _parity(network: AlignmentNetwork, file: OnnxAlignment) -> AlignmentParity:
    """Returns how far a file is from torch.

    Raises:
        EngineError: further than rounding goes.
    """
    dlogit = dpoint = 0.0
    for count in _BATCHES:
        crops = probes(count)
        logits, points = file(crops)
        with torch.inference_mode():
            wanted = [output.numpy() for output in network(torch.from_numpy(crops))]
        dlogit = max(dlogit, float(np.abs(logits - wanted[0]).max()))
        dpoint = max(dpoint, float(np.abs(points - wanted[1]).max()))
    if dlogit > _MOST_DLOGIT or dpoint > _MOST_DPOINT_PX:
        raise EngineError(
            f"the ONNX file must agree with torch to {_MOST_DLOGIT} and {_MOST_DPOINT_PX} px, "
            f"got {dlogit:.2g} and {dpoint:.2g} px; export with another version of torch"
        )
    return AlignmentParity(
        reference=f"torch {torch.__version__.partition('+')[0]} in float32",
        runner=f"onnxruntime {_onnxruntime().__version__}, CPUExecutionProvider",
        crops=sum(_BATCHES),
        max_dlogit=dlogit,
        max_dpoint_px=dpoint,
    )


def probes(count: int) -> Grey:
    """Returns crops of smooth chance: uint8 (count, 64, 64)."""
    rng = np.random.default_rng(count)
    coarse = rng.integers(0, 256, (count, 8, 8)).astype(np.uint8)
    return np.ascontiguousarray(coarse.repeat(SIZE_PX // 8, axis=1).repeat(SIZE_PX // 8, axis=2))


def _forget_sources(proto: Any) -> None:
    """Removes the stack traces the exporter attaches: paths of the machine that exported."""
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        del value.metadata_props[:]
    for tensor in proto.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
