"""The square on a face's landmarks that networks are trained on, and the box it is the crop of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.contract import CropRule


def canonical_squares(
    points_xy: npt.NDArray[np.float32], /, *, side_over_landmark_box: float, lift: float
) -> geometry.Boxes:
    """Returns the square of each face: float32 (N, 4) xyxy, in the space of the points.

    Centred on the box of the points, moved up by `lift` of its side.

    Args:
        points_xy: float32 (N, K, 2), continuous px.
        side_over_landmark_box: side of the square over the longer side of the box.
        lift: in sides of the square.
    """
    # Coordinates that lie side by side in memory are compared several times as fast.
    axes = np.ascontiguousarray(points_xy.transpose(0, 2, 1))  # (N, 2, K)
    boxes = np.concatenate([axes.min(axis=2), axes.max(axis=2)], axis=1)
    scale = side_over_landmark_box
    return geometry.square(boxes.astype(np.float32), expand=scale, offset_y=-lift * scale)


def boxes_under(squares_xyxy: geometry.Boxes, rule: CropRule, /) -> geometry.Boxes:
    """Returns the square boxes whose crops, cut by a rule, are the given squares: float32 (N, 4).

    They may reach out of the frame, as a crop may.
    """
    side = (squares_xyxy[:, 2:] - squares_xyxy[:, :2]) / np.float32(rule.expand)  # (N, 2)
    shift = side * np.array([[rule.offset_x, rule.offset_y]], np.float32)
    centre = (squares_xyxy[:, :2] + squares_xyxy[:, 2:]) / 2 - shift
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)
