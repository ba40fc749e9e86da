"""The metadata of an ONNX file, read without the onnx package and without ONNX Runtime.

A Jetson that builds an engine and a desktop that runs OpenVINO may have neither. Called by
`backends/openvino.py` and by `rtau_export.onnx_file`.
"""

from __future__ import annotations

from rtau.backends._protobuf import fields, texts
from rtau.contract import METADATA_KEY, ModelContract
from rtau.errors import ContractError

# Field numbers of onnx.proto: ModelProto.metadata_props, StringStringEntryProto.key and .value.
MODEL_METADATA, ENTRY_KEY, ENTRY_VALUE = 14, 1, 2


def metadata(model: bytes) -> dict[str, str]:
    """Returns the metadata of a serialised ONNX model, key -> value.

    Raises:
        ContractError: the bytes are not protobuf, or end early.
    """
    entries = [
        payload for number, payload, _ in fields(memoryview(model)) if number == MODEL_METADATA
    ]
    return {"".join(texts(one, ENTRY_KEY)): "".join(texts(one, ENTRY_VALUE)) for one in entries}


def contract_in(model: bytes, /, *, origin: str) -> ModelContract:
    """Returns the contract in a serialised ONNX model; `origin` names the file in error texts.

    Raises:
        ContractError: it is no ONNX file, or has no valid contract.
    """
    try:
        text = metadata(model).get(METADATA_KEY)
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    if text is None:
        raise ContractError(
            f"{origin}: no rtau contract in the file's metadata (key {METADATA_KEY!r}); "
            "export the model with `rtau-export onnx`"
        )
    return ModelContract.from_json(text, origin=origin)
