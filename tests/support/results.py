"""Makes the records sinks receive, with as many faces and whatever probabilities a test wants."""

from __future__ import annotations

import dataclasses

import numpy as np

from rtau.baseline import Calibrated
from rtau.data import Faces, Frame, FrameResult, Scores
from rtau.intensity import Intensities

AU_LABELS = ("AU01", "AU04", "AU12")
THRESHOLDS = (0.5, 0.4, 0.6)


def make_result(
    index=0,
    *,
    time_s=None,
    image_bgr=None,
    faces=1,
    logits=None,
    active=None,
    labels=AU_LABELS,
    task="multi_label",
    scored=True,
    landmarks_xy=None,
    cams=None,
    has_heatmaps=False,
):
    """Returns a result with `faces` faces of ids 1, 2, ...; decided by `THRESHOLDS` or argmax.

    `logits` (N, A) sets the faces' number; `scored=False` leaves the detector's scores out;
    `landmarks_xy` (N, 68, 2) are px in the crop, which is the frame's upper left part.
    """
    if logits is None:
        rng = np.random.default_rng(1000 + index)
        logits = rng.normal(0, 2, (faces, len(labels)))
    logits = np.asarray(logits, np.float32).reshape(-1, len(labels))
    rows = len(logits)
    scores = Scores(labels=labels, task=task, logits=logits, cams=cams, landmarks_xy=landmarks_xy)
    if active is None and task == "multi_class":
        active = np.eye(len(labels), dtype=bool)[scores.probabilities.argmax(axis=1)]
    elif active is None:
        active = scores.probabilities >= np.float32(THRESHOLDS)
    if image_bgr is None:
        image_bgr = np.full((48, 64, 3), index % 250, np.uint8)
    corners = np.array([10.1234, 20.25, 40.5, 60.7891], np.float32)
    return FrameResult(
        frame=Frame(
            index=index, time_s=index / 25 if time_s is None else time_s, picture=image_bgr
        ),
        faces=Faces(
            boxes_xyxy=corners + np.arange(rows, dtype=np.float32)[:, None] * 3,
            scores=np.linspace(0.25, 0.875, rows, dtype=np.float32) if scored else None,
            track_ids=np.arange(1, rows + 1, dtype=np.int64),
        ),
        frame_from_crop=np.tile(np.eye(2, 3, dtype=np.float32), (rows, 1, 1)),
        scores=scores,
        active=np.asarray(active, np.bool_).reshape(rows, len(labels)),
        tentative_xyxy=np.zeros((0, 4), np.float32),
        stage_s={"detect": 0.001},
        has_heatmaps=has_heatmaps,
    )


def with_neutral(result, *, decides=False):
    """Returns a result whose first face has a neutral, and whose other faces have none."""
    values = np.full(result.scores.logits.shape, np.nan, np.float32)
    values[:1] = (0.75, 0.25, 0.5)
    return dataclasses.replace(result, calibrated=Calibrated(values, decides=decides))


def with_optional(result, *, sides=()):
    """Returns a result with pose and intensities, and those of the sides of some labels."""
    rows = len(result)
    values = np.tile(np.array([1.5, 0.0, 3.25], np.float32), (rows, 1))
    left_right = np.tile(np.array([5.0, 1.5], np.float32), (rows, len(sides), 1))
    return dataclasses.replace(
        result,
        scores=dataclasses.replace(
            result.scores, pose_rad=np.tile(np.array([0.25, -0.5], np.float32), (rows, 1))
        ),
        intensities=Intensities(values, tuple(sides), left_right if sides else None),
    )
