"""An ONNX file as the engine builder sees it: its bytes, hash and contract, read without onnx.

A Jetson that builds an engine has neither torch nor onnx installed, perhaps not even ONNX Runtime.
Called by `rtau_export.engine`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from rtau.backends.onnx_file import contract_in, keep_outputs
from rtau.backends.tensors import output_names
from rtau.contract import ModelContract
from rtau.errors import ContractError


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
        """The file cut down to what its other outputs need."""
        return keep_outputs(self.content, frozenset(output_names(self.contract, cams=False)))


def read_onnx(path: Path) -> OnnxFile:
    """Returns an ONNX file with its contract.

    Raises:
        ContractError: it cannot be read, is no ONNX file, or has no valid contract.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path}: the model cannot be read ({error.strerror})") from None
    return OnnxFile(path, content, contract_in(content, origin=str(path)))
