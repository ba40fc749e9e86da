"""An ONNX file as the engine builder sees it: its bytes, hash and contract, read without onnx.

A Jetson that builds an engine has neither torch nor onnx installed, perhaps not even ONNX Runtime.
Called by `rtau_export.engine`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from rtau.backends.onnx_subgraph import keep_outputs
from rtau.backends.protobuf import fields, texts
from rtau.contract import METADATA_KEY, ModelContract
from rtau.errors import ContractError

# Field numbers of onnx.proto: ModelProto.metadata_props, StringStringEntryProto.key and .value.
MODEL_METADATA, ENTRY_KEY, ENTRY_VALUE = 14, 1, 2
LOGITS = "logits"


@dataclasses.dataclass(frozen=True, slots=True)
class OnnxFile:
    """A model file that was read and whose contract was checked."""

    path: Path
    content: bytes
    contract: ModelContract

    @property
    def sha256(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def content_without_cams(self) -> bytes:
        """The file cut down to what the logits need."""
        return keep_outputs(self.content, frozenset({LOGITS}))


def read_onnx(path: Path) -> OnnxFile:
    """Returns an ONNX file with its contract.

    Raises:
        ContractError: it cannot be read, is no ONNX file, or has no valid contract.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path}: the model cannot be read ({error.strerror})") from None
    try:
        text = metadata(content).get(METADATA_KEY)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    if text is None:
        raise ContractError(
            f"{path}: no rtau contract in the file's metadata (key {METADATA_KEY!r}); "
            "export the model with `rtau-export onnx`"
        )
    return OnnxFile(path, content, ModelContract.from_json(text, origin=str(path)))


def metadata(model: bytes) -> dict[str, str]:
    """Returns the metadata of a serialised ONNX model, key -> value.

    Raises:
        ContractError: the bytes are not protobuf, or end early.
    """
    entries = [
        payload for number, payload, _ in fields(memoryview(model)) if number == MODEL_METADATA
    ]
    return {"".join(texts(one, ENTRY_KEY)): "".join(texts(one, ENTRY_VALUE)) for one in entries}
