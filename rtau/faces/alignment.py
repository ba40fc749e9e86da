"""Alignment: says whether squares of a frame show a face, and where exactly these lie.

Cuts grey pictures along predicted squares, runs a small network on all of them at once, and returns
the squares its points put the faces on. Keeps nothing between calls; `FaceTracker` calls it in
every frame.
"""

from __future__ import annotations

import functools
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Frame, Image
from rtau.faces.alignment_contract import AlignmentContract, OcclusionOutput
from rtau.faces.crops import warp_crop
from rtau.faces.luma import grey_from_y
from rtau.squares import Alignment, FaceSquares, frame_from_crop, squares_from_points

# Appearance is sampled at the points, drawn towards the middle of all points by these factors: no
# sample lies on the background, which changes while a face moves.
SAMPLE_FACTORS = (0.6, 0.3)
# From means of so many pixels either way: points are off by about as much.
SAMPLE_PX = 2
# Where squares may lie: centres this share of a side apart; sides by this logarithm, and rolls by
# this angle. The points follow the last digits of a square that is followed from frame to frame,
# which are other ones on every type of processor: off the grid, such differences grow to 1 % of a
# side within ten frames.
CENTRE_STEP, SIDE_STEP, ROLL_STEP_RAD = 1 / 128, 1 / 32, 1 / 64


class AlignmentOutputs(NamedTuple):
    """What the network says of N crops."""

    presence_logits: npt.NDArray[np.float32]
    """float32 (N,)."""
    points_xy: npt.NDArray[np.float32]
    """float32 (N, K, 2), px in the crop."""
    occlusion_logits: npt.NDArray[np.float32] | None
    """float32 (N,); None of a network whose contract has no `occlusion`."""


class AlignmentNetwork(Protocol):
    """What runs the network: `rtau.backends.face_alignment`, or a function in tests."""

    @property
    def contract(self) -> AlignmentContract:
        """What the network expects and returns."""
        ...

    def __call__(self, crops: Image, /) -> AlignmentOutputs:
        """Returns the outputs of crops, uint8 (N, S, S), grey."""
        ...


class NetworkAligner:
    """Aligns squares with a network. An `Aligner`."""

    def __init__(self, network: AlignmentNetwork, /) -> None:
        """Takes the network; nothing is opened."""
        self._network = network

    def align(
        self, frame: Frame, squares: FaceSquares, /, *, with_mirrored: bool = False
    ) -> Alignment:
        """Returns presence, corrected square, appearance and cover of each square of a frame."""
        contract = self._network.contract
        squares = _on_grid(squares)
        maps = frame_from_crop(squares, size=contract.input_size, expand=contract.expand)
        crops = grey_crops(frame, maps, size=contract.input_size)
        logits, points_xy, occlusion = self._network(crops)
        half = np.float32(0.5)
        if with_mirrored:
            mirrored = self._network(np.ascontiguousarray(crops[:, :, ::-1]))
            logits = half * (logits + mirrored.presence_logits)
            if occlusion is not None and mirrored.occlusion_logits is not None:
                occlusion = half * (occlusion + mirrored.occlusion_logits)
        return Alignment(
            presence=half + half * np.tanh(half * logits),
            squares=squares_from_points(geometry.apply(maps, points_xy), rule=contract.points),
            sample_appearance=functools.partial(_appearance, crops, points_xy),
            covered=_covered(occlusion, contract.occlusion),
        )


def _covered(
    logits: npt.NDArray[np.float32] | None, rule: OcclusionOutput | None
) -> npt.NDArray[np.bool_] | None:
    """Returns bool (N,): probabilities of a cover that reach the limit; None without them."""
    if logits is None or rule is None:
        return None
    return np.asarray(logits >= rule.limit_logit, np.bool_)


def _on_grid(squares: FaceSquares, /) -> FaceSquares:
    """Returns the nearest squares on a grid, so that squares almost alike have the same crop."""
    sides = np.exp(SIDE_STEP * np.round(np.log(squares.sides_px) / SIDE_STEP)).astype(np.float32)
    step_px = sides[:, None] * np.float32(CENTRE_STEP)
    return FaceSquares(
        centres_xy=step_px * np.round(squares.centres_xy / step_px),
        sides_px=sides,
        rolls_rad=np.float32(ROLL_STEP_RAD) * np.round(squares.rolls_rad / ROLL_STEP_RAD),
    )


def grey_crops(frame: Frame, frame_from_crop: geometry.Maps, /, *, size: int) -> Image:
    """Returns the parts of a frame that maps point at, in grey: uint8 (N, size, size).

    Parts outside the frame repeat its border.

    Args:
        frame: to cut from.
        frame_from_crop: float32 (N, 2, 3), similarities, crop space to frame space.
        size: side of each crop, px.
    """
    crops = np.empty((len(frame_from_crop), size, size), np.uint8)
    planes = frame.planes
    for crop, one in zip(crops, frame_from_crop, strict=True):
        if planes is None:
            cv2.cvtColor(warp_crop(frame.image_bgr, one, size=size), cv2.COLOR_BGR2GRAY, dst=crop)
        else:
            crop[:] = grey_from_y(warp_crop(planes.y, one, size=size), planes)
    return crops


def _appearance(crops: Image, points_xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns the grey of each face at places that move with its points: float32 (N, D).

    Rows have mean 0 and length 1: their product is a correlation.
    """
    middle = points_xy.mean(axis=1, keepdims=True)
    parts = [middle + factor * (points_xy - middle) for factor in SAMPLE_FACTORS]
    places = np.concatenate(parts, axis=1) / SAMPLE_PX - np.float32(0.5)  # OpenCV's pixel centres
    small = (crops.shape[1] // SAMPLE_PX,) * 2
    greys = np.empty(places.shape[:2], np.float32)
    for row, crop, place in zip(greys, crops, places, strict=True):
        smooth = cv2.resize(crop, small, interpolation=cv2.INTER_AREA)
        x, y = np.ascontiguousarray(place.T)[:, None]
        border = cv2.BORDER_REPLICATE
        row[:] = cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=border)[0]
    greys -= greys.mean(axis=1, keepdims=True)
    return np.asarray(greys / (np.linalg.norm(greys, axis=1, keepdims=True) + 1e-6), np.float32)
