"""Pictures in planes for tests: smooth colours, coded as video codes them."""

import itertools

import av
import cv2
import numpy as np

from rtau.data import Planes
from rtau.sources.pictures import PictureMaker

# Matrix tags (unspecified among them) and range tags that keep their planes.
TAGS = tuple(itertools.product(("yuv420p", "yuvj420p"), (1, 2, 5, 6), (0, 1, 2)))


def smooth_bgr(width, height, *, seed=0):
    """A picture of all colours without edges: uint8 (height, width, 3)."""
    few = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC)


def coded(image_bgr, *, kind="yuv420p", matrix=1, span=1):
    """A frame as a decoder gives it, with its tags."""
    frame = av.VideoFrame.from_ndarray(image_bgr, format="bgr24").reformat(format=kind)
    frame.colorspace, frame.color_range = matrix, span
    return frame


def planes_from(frame):
    """The planes of a coded frame."""
    planes = PictureMaker(name="test").picture(frame, aspect=None)
    assert isinstance(planes, Planes)
    return planes


def smooth_planes(width, height, *, seed=0, kind="yuv420p", matrix=1, span=1):
    """A smooth picture in planes."""
    image_bgr = smooth_bgr(width, height, seed=seed)
    return planes_from(coded(image_bgr, kind=kind, matrix=matrix, span=span))
