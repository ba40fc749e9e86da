"""Whether the scores of a face can be relied on, and why not: pose, small, dark and so on.

The limits are where the card of the model says that scores get worse; docs/data-dictionary.md says
how they were measured. Nothing is deleted by it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Crops, Faces, Frame, Image

# In the order in which they are reported.
POSE, SMALL, DARK, BLURRED = "pose", "small", "dark", "blurred"
OCCLUDED, CUT_OFF = "occluded", "cut off"
# Turned by more than 30 degrees the AUC of the card falls from .91 to .84. The asymmetry of the
# landmarks follows the yaw of renders with r = .98, .0272 a degree.
MAX_ASYMMETRY = 0.82
# Side of the crop in the frame, px. The card's AUC is .912 for 64 px and .894 for 32 px.
MIN_CROP_PX = 48.0
# Mean brightness of the middle of the crop, 0 to 255. Of renders 1 % are darker; of those darkened
# to 30 %, whose AUC is .904, half are.
MIN_LUMA = 35.0
# Mean absolute Laplacian over the standard deviation of brightness. Of renders blurred by 2 % of
# the crop, whose AUC is .880, 99 % lie below; of sharp ones 1 %.
MIN_SHARPNESS = 0.1
# Share of the face's box outside the frame.
MAX_OUTSIDE = 0.1

# Added to the standard deviation: a flat picture is noise, not sharp.
_NOISE = 4.0


def quality_reasons(
    frame: Frame, faces: Faces, crops: Crops, *, landmarks_xy: npt.NDArray[np.float32] | None
) -> tuple[tuple[str, ...], ...]:
    """Returns for each face why its scores may be unreliable; empty where nothing is wrong.

    Args:
        frame: the frame.
        faces: its faces, a row per crop; whether one is covered comes with them.
        crops: the crops that were scored.
        landmarks_xy: float32 (N, 68, 2), px, crop space; None where the model has none, and pose is
            not judged.
    """
    found = []
    for row in range(len(crops)):
        luma = cv2.cvtColor(crops.images_rgb[row], cv2.COLOR_RGB2GRAY)
        quarter, eighth = crops.size // 4, crops.size // 8
        middle = luma[quarter:-quarter, quarter:-quarter]
        side_px = float(np.hypot(*crops.frame_from_crop[row, :, 0])) * crops.size
        checks = (
            (POSE, landmarks_xy is not None and abs(asymmetry(landmarks_xy[row])) > MAX_ASYMMETRY),
            (SMALL, side_px < MIN_CROP_PX),
            (DARK, cv2.mean(middle)[0] < MIN_LUMA),
            (BLURRED, sharpness(luma[eighth:-eighth, eighth:-eighth]) < MIN_SHARPNESS),
            (OCCLUDED, faces.covered is not None and bool(faces.covered[row])),
            (CUT_OFF, outside(faces.boxes_xyxy[row], frame) > MAX_OUTSIDE),
        )
        found.append(tuple(reason for reason, is_so in checks if is_so))
    return tuple(found)


def asymmetry(points_xy: npt.NDArray[np.float32]) -> float:
    """Returns where the tip of the nose lies between the jaw's ends: 0 in the middle, +-1 at one.

    Args:
        points_xy: float32 (68, 2), iBUG order, of an upright face.
    """
    x = points_xy[:, 0]
    left, right = float(x[0:3].mean()), float(x[14:17].mean())
    if right <= left:
        return 1.0
    return (2 * float(x[30]) - left - right) / (right - left)


def sharpness(luma: Image) -> float:
    """Returns the mean absolute Laplacian of a picture over its standard deviation.

    Args:
        luma: uint8 (H, W).
    """
    laplacian = cv2.Laplacian(luma, cv2.CV_16S)[1:-1, 1:-1]
    _, deviation = cv2.meanStdDev(luma)
    mean = cv2.norm(laplacian, cv2.NORM_L1) / laplacian.size
    return float(mean / (deviation[0, 0] + _NOISE))


def outside(box_xyxy: npt.NDArray[np.float32], frame: Frame) -> float:
    """Returns the share of a box that lies outside its frame."""
    x0, y0, x1, y1 = (float(value) for value in box_xyxy)
    whole = (x1 - x0) * (y1 - y0)
    seen = max(0.0, min(x1, frame.width) - max(x0, 0.0)) * max(
        0.0, min(y1, frame.height) - max(y0, 0.0)
    )
    return 0.0 if whole <= 0 else 1 - seen / whole
