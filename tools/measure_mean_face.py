"""Measures the mean face of labelled renders into train/rtau_train/explaining/mean_face.json.

    python tools/measure_mean_face.py --data faces --of "4,000 of 22,000 rendered faces of 128 px"

`--data` names a folder in the layout of train/README.md with landmarks. Each face's 68 points are
expressed in the longer side of their own box and in that of the box the runtime's detector gives,
averaged, and averaged once more with their mirror image. Pictures are padded by their border for
the detector, which needs some room around a face.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Frame, Image
from rtau.faces.detectors.haar import HaarDetector
from rtau.facs import DISFA_PLUS_AUS
from rtau_train.datasets.augmentation import mirrored_order
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.explaining import mean_face

TARGET = Path(mean_face.__file__).with_name(mean_face.FILE)
SEED = 1
# A box whose centre lies further from the landmarks' (in longer sides) is on something else.
SAME_FACE = 0.3
DIGITS = 4

Points = npt.NDArray[np.float64]


def main() -> int:
    """Measures and writes; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--faces", type=int, default=4000, metavar="N", help="faces to take")
    parser.add_argument("--of", required=True, metavar="TEXT", help="what the faces are")
    arguments = parser.parse_args()
    data = read_folder(arguments.data, labels=tuple(au.label for au in DISFA_PLUS_AUS))
    if data.landmarks is None:
        parser.error(f"{arguments.data} holds no landmarks68.npz")
    chosen = np.random.default_rng(SEED).permutation(len(data))[: arguments.faces]
    own, found = [], []
    detector = HaarDetector(min_face_share=1 / 4)
    for row in np.sort(chosen):
        points = data.landmarks[row].astype(np.float64)
        own.append(in_box(points, np.concatenate([points.min(axis=0), points.max(axis=0)])))
        box = haar_box(data.images(np.array([row]))[0], detector)
        if box is None:
            continue
        seen = in_box(points, box)
        if np.abs((seen.min(axis=0) + seen.max(axis=0)) / 2).max() < SAME_FACE:
            found.append(seen)
    measured = {
        "made_by": "tools/measure_mean_face.py",
        "of": arguments.of,
        "landmark_box": summary(np.stack(own)),
        "haar_box": summary(np.stack(found)),
    }
    TARGET.write_text(json.dumps(measured) + "\n", encoding="utf-8")
    print(TARGET, len(own), "faces,", len(found), "found by the detector")
    return 0


def in_box(points: Points, box_xyxy: npt.NDArray[np.floating]) -> Points:
    """Returns points in longer sides of a box, from its centre."""
    centre = (box_xyxy[:2] + box_xyxy[2:]) / 2
    return np.asarray((points - centre) / (box_xyxy[2:] - box_xyxy[:2]).max())


def haar_box(image_rgb: Image, detector: HaarDetector) -> npt.NDArray[np.float64] | None:
    """Returns the largest box the detector proposes, px; None without one."""
    pad = len(image_rgb) // 2
    padded = cv2.copyMakeBorder(image_rgb, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    frame = Frame(index=0, time_s=0.0, picture=np.ascontiguousarray(padded[:, :, ::-1]))
    boxes = detector.detect(frame).boxes_xyxy
    if not len(boxes):
        return None
    return np.asarray(boxes[int((boxes[:, 2] - boxes[:, 0]).argmax())] - pad, np.float64)


def summary(points: Points) -> dict[str, object]:
    """Returns the mean face of (N, 68, 2) and how far single points lie from it."""
    mirrored = points[:, mirrored_order()] * np.array([-1.0, 1.0])
    mean = (points.mean(axis=0) + mirrored.mean(axis=0)) / 2
    return {
        "faces": len(points),
        "sd": round(float(np.sqrt(((points - mean) ** 2).mean())), DIGITS),
        "points": np.round(mean, DIGITS).tolist(),
    }


if __name__ == "__main__":
    sys.exit(main())
