"""What a person has in hand becomes one picture: arrays, PIL images, tensors, paths, file contents.

Converts, or says what was wanted, what came, and the line that converts it; detects nothing and
imports neither PIL nor torch. Called by `rtau.Detector.detect`.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.errors import UsageError
from rtau.sources.images import decode_image, read_image

Colour = Literal["bgr", "rgb"]

CHANNELS = (1, 3, 4)
WANTED = (
    "an image must be an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of numbers, a PIL image, "
    "a CPU tensor (H, W, C) or (C, H, W), a path, or the bytes of an image file"
)
# 16-bit pictures that reach no further hold 8, 10 or 12 bits: at full range they would be black.
LEAST_OF_16_BITS = 1 << 12


def picture_from(image: Any, *, color: str = "bgr") -> Image:
    """Returns a picture of its own memory: uint8 (H, W, 3), BGR.

    Integers hold 0 to 255, uint16 its full range (0 to 65535), floats 0 to 1. Grey becomes BGR,
    alpha is dropped. PIL images are turned upright by their EXIF tag, as files are; they and files
    know their own colour order.

    Args:
        image: see `WANTED`.
        color: order of the channels of arrays and tensors, `bgr` or `rgb`.

    Raises:
        UsageError: what came is not understood, or its values do not say what they mean.
        SourceOpenError: a path or bytes that hold no image that can be read.
    """
    if color not in ("bgr", "rgb"):
        raise UsageError(f'color must be "bgr" or "rgb", got {color!r}')
    if isinstance(image, (str, os.PathLike)):
        return read_image(Path(image))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return decode_image(bytes(image), name=f"{len(image)} bytes")
    library = type(image).__module__.partition(".")[0]
    if library == "PIL":
        return _from_array(_array_of_pil(image), is_rgb=True)
    if library == "torch":
        image = _array_of_tensor(image)
    if not isinstance(image, np.ndarray):
        hint = "numpy.asarray(image)" if hasattr(image, "__array__") else "numpy.array(image)"
        raise UsageError(f"{WANTED}; got {type(image).__name__}; convert: {hint}")
    return _from_array(image, is_rgb=color == "rgb")


def _array_of_pil(image: Any) -> npt.NDArray[Any]:
    upright = importlib.import_module("PIL.ImageOps").exif_transpose(image)
    if not upright.mode.startswith(("I", "F")):  # those are 16 or 32 bits of grey
        upright = upright.convert("L" if upright.mode in ("1", "L") else "RGB")
    return np.asarray(upright)


def _array_of_tensor(tensor: Any) -> npt.NDArray[Any]:
    """Returns the values of a CPU tensor as (H, W) or (H, W, C)."""
    if tensor.device.type != "cpu":
        raise UsageError(
            f"a tensor must be on the CPU, got one on {tensor.device}; convert: image.cpu()"
        )
    try:
        array: npt.NDArray[Any] = tensor.detach().numpy()
    except TypeError:  # bfloat16 and the like
        raise UsageError(
            f"a tensor must be of a type NumPy has, got {tensor.dtype}; convert: image.float()"
        ) from None
    if array.ndim != 3:
        return array
    is_chw, is_hwc = array.shape[0] in CHANNELS, array.shape[2] in CHANNELS
    if is_chw and is_hwc:
        raise UsageError(
            f"a tensor must be (H, W, C) or (C, H, W), and {tuple(array.shape)} may be either; "
            "convert: image.permute(1, 2, 0).numpy() for (C, H, W), or image.numpy()"
        )
    return array.transpose(1, 2, 0) if is_chw else array


def _from_array(array: npt.NDArray[Any], *, is_rgb: bool) -> Image:
    _check_shape(array)
    values = _as_8_bits(array)
    if values.ndim == 2 or values.shape[2] == 1:
        grey = values.reshape(values.shape[:2])
        return np.repeat(grey[:, :, None], 3, axis=2)
    picture: Image = (values[:, :, 2::-1] if is_rgb else values[:, :, :3]).copy()
    return picture


def _check_shape(array: npt.NDArray[Any]) -> None:
    shape = array.shape
    if array.size and (len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNELS)):
        return
    hint = ""
    if len(shape) == 3 and shape[0] in CHANNELS:
        hint = "; convert: image.transpose(1, 2, 0)"
    elif len(shape) == 4:
        hint = "; several images: detect them one by one, image[0] is the first"
    elif len(shape) == 1 and array.dtype == np.uint8:
        hint = "; the bytes of a file: image.tobytes()"
    raise UsageError(f"{WANTED}; got an array {shape} of {array.dtype}{hint}")


def _as_8_bits(array: npt.NDArray[Any]) -> Image:
    """Returns the values as uint8, 0 to 255."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        raise UsageError(
            "an image must hold brightness, got an array of bool; convert: "
            "image.astype(numpy.uint8) * 255"
        )
    if array.dtype.kind not in "iuf":
        raise UsageError(f"{WANTED}; got an array of {array.dtype}")
    low, high = array.min(), array.max()
    if array.dtype.kind == "f":
        return _from_floats(array, low=float(low), high=float(high))
    if array.dtype == np.uint16:
        return _from_16_bits(array, high=int(high))
    if low < 0 or high > 255:
        is_16_bits = low >= 0 and LEAST_OF_16_BITS <= high < 1 << 16
        hint = "astype(numpy.uint16)" if is_16_bits else "clip(0, 255)"
        raise UsageError(
            f"an image of {array.dtype} must hold 0 to 255, got {low} to {high}; convert: "
            f"image.{hint}"
        )
    return array.astype(np.uint8)


def _from_floats(array: npt.NDArray[Any], *, low: float, high: float) -> Image:
    if low >= 0 and high <= 1:  # written so that NaN fails too
        return np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    if not np.isfinite([low, high]).all():
        hint = "numpy.nan_to_num(image)"
    elif low < 0 or high <= 2:
        hint = "numpy.clip(image, 0, 1)"
    else:
        hint = "image / 255 if 255 is white"
    raise UsageError(
        f"an image of {array.dtype} must hold 0 to 1, got {low:g} to {high:g}; convert: {hint}"
    )


def _from_16_bits(array: npt.NDArray[Any], *, high: int) -> Image:
    if 0 < high < LEAST_OF_16_BITS:
        bits = max(8, high.bit_length())
        hint = "image" if bits == 8 else f"(image >> {bits - 8})"
        raise UsageError(
            f"an image of uint16 must use its full range, 0 to 65535, got 0 to {high} ({bits} "
            f"bits?); convert: {hint}.astype(numpy.uint8)"
        )
    return (array >> 8).astype(np.uint8)  # as 16-bit files are read
