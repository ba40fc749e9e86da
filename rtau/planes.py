"""A picture as a video decoder returns it: brightness and colours in planes of their own.

`rtau.data` re-exports the names; a `Frame` holds such a picture or a BGR one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rtau._records import check_array, freeze, shapes

Image = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Planes:
    """A picture as YUV 4:2:0 planes, as video decoders return it.

    It has half the bytes of a BGR picture, which most frames never need: faces are detected in the
    brightness, and the network takes crops.
    """

    y: Image
    """uint8 (H, W), luma, frame space."""
    u: Image
    """uint8 (ceil(H / 2), ceil(W / 2)), blue difference, one sample per 2 x 2 pixels of `y`."""
    v: Image
    """uint8 (ceil(H / 2), ceil(W / 2)), red difference."""
    rgb_from_yuv: npt.NDArray[np.float32]
    """float32 (3, 4): RGB, each 0 to 255, of the column (y, u, v, 1)."""
    convert: Callable[[], Image] = dataclasses.field(repr=False)
    """Returns the whole picture, uint8 (H, W, 3), BGR, a new array at each call."""

    def __post_init__(self) -> None:
        check_array("y", self.y, dtype=np.uint8, shape=("H", "W"))
        half = ((self.y.shape[0] + 1) // 2, (self.y.shape[1] + 1) // 2)
        check_array("u", self.u, dtype=np.uint8, shape=half)
        check_array("v", self.v, dtype=np.uint8, shape=half)
        check_array("rgb_from_yuv", self.rgb_from_yuv, dtype=np.float32, shape=(3, 4))
        for field in ("y", "u", "v", "rgb_from_yuv"):
            freeze(self, field)

    @functools.cached_property
    def image_bgr(self) -> Image:
        """uint8 (H, W, 3), BGR, read-only; converted on first access."""
        image = self.canvas_bgr()
        image.setflags(write=False)
        return image

    def canvas_bgr(self) -> Image:
        """Returns uint8 (H, W, 3), BGR, a new array that the caller may change."""
        image = self.convert()
        check_array("image_bgr", image, dtype=np.uint8, shape=(*self.y.shape, 3))
        return image

    __repr__ = shapes


# A picture: uint8 (H, W, 3), BGR, read-only, or planes.
Picture: TypeAlias = Image | Planes
