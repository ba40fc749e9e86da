"""The maps that the alignment network makes of crops, of its file: what the branch takes.

ONNX Runtime runs the file; nothing of it is changed. Called by `fit.py` and `graft.py`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor

from rtau.errors import ContractError
from rtau.faces.alignment_contract import INPUT
from rtau_train.face_alignment.examples import Grey
from rtau_train.face_alignment.exported import open_session
from rtau_train.face_alignment.network import STRIDES

# The branch takes what the third convolution makes, 16 px, and the fifth, 8 px.
FINE: Final = 2
COARSE: Final = 4
_BATCH: Final = 256

Maps = tuple[Tensor, Tensor]


class AlignmentBackbone:
    """Makes the maps of crops that a branch takes."""

    def __init__(self, model: onnx.ModelProto, /) -> None:
        """Opens a file.

        Raises:
            ContractError: the file has other layers than an alignment network.
        """
        layers = convolutions(model)
        shapes = {one.name: tuple(one.dims) for one in model.graph.initializer}
        self.channels = (shapes[layers[FINE].input[1]][0], shapes[layers[COARSE].input[1]][0])
        """Of the fine and of the coarse maps."""
        self._names = [map_after(model, number) for number in (FINE, COARSE)]
        told = onnx.ModelProto()
        told.CopyFrom(model)
        told.graph.output.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self._names
        )
        self._session = open_session(told.SerializeToString())

    def __call__(self, crops: Grey, /) -> Maps:
        """Returns fine maps, float16 (N, C, 16, 16), and coarse ones, float16 (N, D, 8, 8).

        Args:
            crops: uint8 (N, 64, 64).
        """
        parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for first in range(0, len(crops), _BATCH):
            batch = np.ascontiguousarray(crops[first : first + _BATCH])
            for part, maps in zip(
                parts, self._session.run(self._names, {INPUT: batch}), strict=True
            ):
                part.append(maps.astype(np.float16))
        fine, coarse = (torch.from_numpy(np.concatenate(part)) for part in parts)
        return fine, coarse


def convolutions(model: onnx.ModelProto, /) -> list[onnx.NodeProto]:
    """Returns the convolutions of an alignment network, in order.

    Raises:
        ContractError: there are not as many as an alignment network has.
    """
    found = [node for node in model.graph.node if node.op_type == "Conv"]
    if len(found) != len(STRIDES):
        raise ContractError(
            f"an alignment network has {len(STRIDES)} convolutions, the file has {len(found)}; "
            "take engines/face-align.onnx or one that `rtau-train face-align` made"
        )
    return found


def map_after(model: onnx.ModelProto, number: int, /) -> str:
    """Returns the name of what the rectifier after a convolution gives."""
    given = convolutions(model)[number].output[0]
    (relu,) = [one for one in model.graph.node if list(one.input) == [given]]
    return str(relu.output[0])
