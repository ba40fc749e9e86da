"""Functions of boxes and affine maps.

All boxes are `xyxy`, half-open, in coordinates where pixel i covers [i, i + 1) and its centre is
i + 0.5 (docs/coordinates.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
Maps = npt.NDArray[np.float32]

# Boxes that overlap at least this much (intersection over union) are on one face: Haar boxes on two
# faces cheek to cheek share under .2.
SAME_FACE_IOU = 0.3
# No picture is that large; float32 holds it with room.
MAX_PX = 1e9


def areas(boxes_xyxy: Boxes) -> npt.NDArray[np.float32]:
    """Returns the areas, float32 (N,), px^2; 0 for a box with x1 < x0 or y1 < y0."""
    sides = np.maximum(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float32)


def iou(a_xyxy: Boxes, b_xyxy: Boxes) -> npt.NDArray[np.float32]:
    """Returns intersection over union of every pair: float32 (N, M) in [0, 1].

    For two empty boxes it is 0, not NaN.
    """
    low = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    high = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]  # (N, M)
    union = areas(a_xyxy)[:, None] + areas(b_xyxy) - shared
    ratio = np.zeros(shared.shape, np.float32)
    np.divide(shared, union, out=ratio, where=union > 0)
    return np.asarray(ratio, dtype=np.float32)


def clip(boxes_xyxy: Boxes, *, width: int, height: int) -> Boxes:
    """Returns the boxes cut to the frame [0, width] x [0, height], px: float32 (N, 4)."""
    limit = np.array([width, height, width, height], dtype=np.float32)
    return np.clip(boxes_xyxy, 0, limit).astype(np.float32)


def expand(boxes_xyxy: Boxes, factor: float) -> Boxes:
    """Returns the boxes scaled about their centres by `factor`: float32 (N, 4)."""
    centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    half = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * (factor / 2)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def square(
    boxes_xyxy: Boxes, *, expand: float = 1.0, offset_x: float = 0.0, offset_y: float = 0.0
) -> Boxes:
    """Returns the square around each box: float32 (N, 4), same space.

    The side is the longer side of the box times `expand`; the centre moves by `offset_x`,
    `offset_y` in units of the longer side of the box (positive = right, down).
    """
    longer = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).max(axis=1, keepdims=True)  # (N, 1)
    shift = longer * np.array([[offset_x, offset_y]], dtype=np.float32)
    centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2 + shift
    half = longer * (expand / 2)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def frame_from_crop(squares_xyxy: Boxes, *, size: int) -> Maps:
    """Returns the affine maps from crops of `size` px to their squares: float32 (N, 2, 3).

    `point_in_frame = frame_from_crop @ (x, y, 1)`, both in continuous pixel coordinates.
    """
    scale = (squares_xyxy[:, 2:] - squares_xyxy[:, :2]) / size  # (N, 2)
    maps = np.zeros((len(squares_xyxy), 2, 3), dtype=np.float32)
    maps[:, 0, 0], maps[:, 1, 1] = scale[:, 0], scale[:, 1]
    maps[:, :, 2] = squares_xyxy[:, :2]
    return maps


def invert(maps: Maps) -> Maps:
    """Returns the inverse of each 2x3 affine map: float32 (N, 2, 3).

    Raises:
        ValueError: a map is singular (a square of side 0).
    """
    linear = maps[:, :, :2].astype(np.float64)
    determinant = np.linalg.det(linear)
    if np.any(determinant == 0):
        rows = np.flatnonzero(determinant == 0).tolist()
        raise ValueError(f"maps must be invertible, got zero determinant in rows {rows}")
    inverse = np.linalg.inv(linear)
    shift = -inverse @ maps[:, :, 2:].astype(np.float64)
    return np.concatenate([inverse, shift], axis=2).astype(np.float32)


def apply(maps: Maps, points_xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Applies one map to each row of points: maps (N, 2, 3), points (N, K, 2) -> (N, K, 2)."""
    moved = np.einsum("nij,nkj->nki", maps[:, :, :2], points_xy) + maps[:, None, :, 2]
    return np.asarray(moved, dtype=np.float32)


def warp_matrix(continuous: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Returns the 2x3 matrix for `cv2.warpAffine` of a map in continuous coordinates.

    OpenCV's warp puts the centre of pixel i at i, not at i + 0.5: p' + 0.5 = A (p + 0.5) + t.
    """
    matrix = continuous.astype(np.float64).copy()
    matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return np.asarray(matrix, dtype=np.float64)
