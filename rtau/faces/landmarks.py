"""Predicts a face's next box from its landmarks, by the canonical square of the landmarks.

Pure functions on arrays. The networks are trained on the canonical square
(`rtau_train.datasets.augmentation`), so the predicted box is the one whose crop is that square.
`rtau.pipeline` calls it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.contract import CropRule, ModelContract
from rtau.data import Faces, Scores

# Beyond these, crops are outside the training distribution (twice and three times the standard
# deviation of its shifts and sizes), and no face moves or grows as much from one frame to the next:
# the landmarks are then rejected.
MAX_SHIFT = 0.25
"""Of the square's centre from the crop's, in sides of the crop."""
MAX_RATIO = 1.35
"""Of the larger of square and crop over the smaller."""


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

    They may extend beyond the frame, as a crop may.
    """
    side = (squares_xyxy[:, 2:] - squares_xyxy[:, :2]) / np.float32(rule.expand)  # (N, 2)
    shift = side * np.array([[rule.offset_x, rule.offset_y]], np.float32)
    centre = (squares_xyxy[:, :2] + squares_xyxy[:, 2:]) / 2 - shift
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)


def predict_from_landmarks(
    faces: Faces, scores: Scores, /, *, frame_from_crop: geometry.Maps, contract: ModelContract
) -> Faces:
    """Returns the faces with plausible landmarks, with the boxes that those predict.

    Args:
        faces: N faces that were scored.
        scores: of a model with landmarks, N rows.
        frame_from_crop: float32 (N, 2, 3), the map of each face's crop.
        contract: of the model.
    """
    rule, points = contract.landmarks, scores.landmarks_xy
    assert rule is not None, "prediction from landmarks needs a model with landmarks"
    assert points is not None, "a model with landmarks returns them with every batch"
    squares = canonical_squares(
        points, side_over_landmark_box=rule.side_over_landmark_box, lift=rule.lift
    )
    corners = geometry.apply(frame_from_crop, squares.reshape(-1, 2, 2))
    boxes = boxes_under(corners.reshape(-1, 4), contract.crop)
    moved = Faces(boxes_xyxy=boxes, scores=faces.scores, track_ids=faces.track_ids)
    return moved.select(plausible(squares, crop_px=contract.input_size))


def plausible(squares_xyxy: geometry.Boxes, /, *, crop_px: int) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): the square differs from its crop by at most a frame's movement.

    This does not verify that there is a face: on a wall the network returns a mean face, which is
    plausible as well. Only a detector can verify it (docs/detection.md).

    Args:
        squares_xyxy: float32 (N, 4), crop space.
        crop_px: side of the crop.
    """
    sides = squares_xyxy[:, 2] - squares_xyxy[:, 0]
    centres = (squares_xyxy[:, :2] + squares_xyxy[:, 2:]) / 2
    is_near = np.abs(centres - crop_px / 2).max(axis=1) <= MAX_SHIFT * crop_px
    is_sized = (sides <= MAX_RATIO * crop_px) & (sides * MAX_RATIO >= crop_px)
    return np.asarray(is_near & is_sized, dtype=np.bool_)
