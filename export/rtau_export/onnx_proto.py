"""ONNX files through the onnx package: one of unknown origin in, one with its contract out.

Trusts nothing it loads: external data, private operators and functions are refused, for they read
other files or name code. Called by the export and by the reduction to FP16 and INT8.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from rtau.contract import METADATA_KEY, ModelContract
from rtau.errors import ContractError
from rtau_train.whole_file import whole_file

PUBLIC_DOMAINS = frozenset({"", "ai.onnx"})


def load_checked(content: bytes, /, *, origin: str) -> onnx.ModelProto:
    """Returns the model in the bytes of an ONNX file.

    Raises:
        ContractError: not an ONNX file, not a valid graph, or more than a plain network.
    """
    try:
        proto = onnx.load_from_string(content)
    except DecodeError as error:
        raise ContractError(f"{origin}: not an ONNX file, or cut short ({error})") from None
    private = sorted({node.domain for node in proto.graph.node} - PUBLIC_DOMAINS)
    if private or proto.functions:
        raise ContractError(
            f"{origin}: must use public ONNX operators only, got "
            f"{', '.join(private) or 'functions'}; export it again with `rtau-export onnx`"
        )
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in proto.graph.initializer):
        raise ContractError(
            f"{origin}: weights must lie in the file, got a reference to another file; export it "
            "again with `rtau-export onnx`"
        )
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise ContractError(f"{origin}: not a valid ONNX graph ({reason})") from None
    return proto


def write_model(out: Path, content: bytes, contract: ModelContract, /) -> None:
    """Writes an ONNX file and its contract beside it, whole or not at all.

    Raises:
        UsageError: another command is writing it.
        SinkError: the disk is full or the folder may not be written.
    """
    with whole_file(out) as model, whole_file(out.with_suffix(".json")) as sidecar:
        model.write_bytes(content)
        sidecar.write_text(contract.to_json() + "\n", encoding="utf-8")


def stamped(proto: onnx.ModelProto, contract: ModelContract, /) -> bytes:
    """Returns the file of a model with the contract as its only metadata; changes the model so."""
    del proto.metadata_props[:]
    proto.metadata_props.add(key=METADATA_KEY, value=contract.to_json())
    proto.producer_name = "rtau-export"
    return bytes(proto.SerializeToString())
