"""Frames with drawn heads and results over them, for tests of what is drawn."""

from __future__ import annotations

import cv2
import numpy as np

from rtau.contract import CropRule, ModelContract
from rtau.data import Faces, Frame, FrameResult, Scores
from rtau.facs import DISFA_PLUS_AUS
from rtau.geometry import frame_from_crop, square

AUS = tuple(au.label for au in DISFA_PLUS_AUS)
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
CROP_PX = 112


def drawn_contract(labels=AUS, task="multi_label", *, cams=True) -> ModelContract:
    """Returns a contract for any labels; thresholds 0.5, heat scale 1."""
    return ModelContract(
        name="drawn-model",
        network="none",
        task=task,
        labels=tuple(labels),
        input_size=CROP_PX,
        crop=CropRule("haar", 1.3, 0.0, 0.05),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        thresholds=tuple(0.5 if task == "multi_label" else 0.0 for _ in labels),
        thresholds_origin="test",
        weights_sha256="0",
        recipe="none",
        git_commit="0",
        licence="none",
        training_data="none",
        cam_method="gradcam" if cams else None,
        cam_scale=tuple(1.0 for _ in labels) if cams else None,
    )


def sampled_frame(width: int, height: int, boxes) -> np.ndarray:
    """Returns grey steps with an oval head in each box: uint8 (height, width, 3)."""
    ramp = np.linspace(60, 190, width)[None, :, None] + np.linspace(-30, 30, height)[:, None, None]
    image = np.repeat(ramp // 16 * 16, 3, axis=2).astype(np.uint8)
    for x0, y0, x1, y1 in np.asarray(boxes, float).reshape(-1, 4):
        centre = (round((x0 + x1) / 2), round((y0 + y1) / 2))
        half = (max(1, round((x1 - x0) / 2.2)), max(1, round((y1 - y0) / 1.8)))
        cv2.ellipse(image, centre, half, 0, 0, 360, (120, 160, 205), -1)
        for side in (-1, 1):
            eye = (round(centre[0] + side * half[0] * 0.4), round(centre[1] - half[1] * 0.2))
            cv2.circle(image, eye, max(1, half[0] // 8), (30, 30, 30), -1)
    return image


def drawn_result(
    boxes,
    *,
    width=1280,
    height=720,
    index=0,
    time_s=None,
    ids=None,
    probabilities=None,
    labels=AUS,
    task="multi_label",
    cams=None,
    tentative=(),
    image=None,
) -> FrameResult:
    """Returns a result with a face per box; by default every third label is active."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    rows = len(boxes)
    if probabilities is None:
        wave = (np.arange(rows)[:, None] * 5 + np.arange(len(labels))[None, :] * 7) % 20
        probabilities = 0.05 + wave * 0.045
    probabilities = np.asarray(probabilities, np.float32).reshape(rows, len(labels))
    logits = np.log(probabilities / (1 - probabilities)).astype(np.float32)
    scores = Scores(labels=tuple(labels), task=task, logits=logits, cams=cams)
    if task == "multi_class":
        active = np.eye(len(labels), dtype=bool)[scores.probabilities.argmax(axis=1)]
    else:
        active = scores.probabilities >= 0.5
    track_ids = np.arange(1, rows + 1) if ids is None else np.asarray(ids)
    return FrameResult(
        frame=Frame(
            index=index,
            time_s=index / 25 if time_s is None else time_s,
            picture=sampled_frame(width, height, boxes) if image is None else image,
        ),
        faces=Faces(
            boxes_xyxy=boxes,
            scores=np.ones(rows, np.float32),
            track_ids=track_ids.astype(np.int64),
        ),
        frame_from_crop=frame_from_crop(square(boxes, expand=1.3, offset_y=0.05), size=CROP_PX),
        scores=scores,
        active=active.reshape(rows, len(labels)),
        tentative_xyxy=np.asarray(tentative, np.float32).reshape(-1, 4),
    )


def spot_cams(rows: int, labels: int = len(AUS), *, at=(3, 3), side=7, value=1.0) -> np.ndarray:
    """Returns CAMs that are hot in one cell (x, y) alone: float32 (rows, labels, side, side)."""
    cams = np.zeros((rows, labels, side, side), np.float32)
    cams[:, :, at[1], at[0]] = value
    return cams
