"""Tells the left of a face from the right: the network looks at each half and its mirror image.

Beside its own reflection, the left half of a face makes one that does on both sides what the real
one does on its left (Sackeim, Gur and Saucy, Science 202, 1978, judged such composites). So any
model tells sides without an output of its own, and nobody pays for them who does not ask.
`rtau.pipeline` calls it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Crops, Image
from rtau.protocols import Engine

Values = npt.NDArray[np.float32]


def composites(images_rgb: Image, /) -> Image:
    """Returns faces made of the person's left halves, then of the right ones: (2 N, S, S, 3).

    Args:
        images_rgb: uint8 (N, S, S, 3), crops; the person's left is on the picture's right.
    """
    half = images_rgb.shape[2] // 2
    mirrored = images_rgb[:, :, ::-1]
    left, right = images_rgb.copy(), images_rgb.copy()
    left[:, :, :half] = mirrored[:, :, :half]
    right[:, :, -half:] = mirrored[:, :, -half:]
    return np.concatenate([left, right])


def differences(crops: Crops, engine: Engine, /) -> Values:
    """Returns left minus right of each label with sides: float32 (N, S), intensities.

    Args:
        crops: N faces.
        engine: of a contract with sides.

    Raises:
        EngineError: the network failed.
    """
    contract = engine.contract
    halves = Crops(
        images_rgb=composites(crops.images_rgb),
        frame_from_crop=np.tile(crops.frame_from_crop, (2, 1, 1)),
        face_rows=np.tile(crops.face_rows, 2),
    )
    left, right = np.split(engine.infer(halves).logits[:, columns_of_sides(contract)], 2)
    return (left - right) * np.array(contract.side_gains, np.float32)


def columns_of_sides(contract: ModelContract, /) -> list[int]:
    """Returns where the labels with sides stand among all labels."""
    return [contract.labels.index(label) for label in contract.sides or ()]
