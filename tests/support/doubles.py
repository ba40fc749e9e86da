"""Doubles for the protocols: scripted when all is well, failing on call k when asked."""

from __future__ import annotations

import math

import numpy as np

from rtau.backends.scripted import ScriptedEngine
from rtau.contract import CropRule, LandmarkRule, ModelContract
from rtau.data import Faces, Frame
from rtau.decisions import Decider
from rtau.errors import SinkError
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.geometry import iou
from rtau.pipeline import Pipeline
from rtau.protocols import SinkReport, SourceInfo, SourceReport
from rtau.squares import Alignment

AU_LABELS = ("AU01", "AU04", "AU12")
EMOTIONS = ("anger", "happiness", "neutral")
LANDMARK_RULE = LandmarkRule(side_over_landmark_box=1.25, lift=0.04)


def make_contract(**changes) -> ModelContract:
    """Returns a small valid AU contract with CAMs; keyword arguments replace fields."""
    values = {
        "name": "test-au3",
        "network": "scripted",
        "task": "multi_label",
        "labels": AU_LABELS,
        "input_size": 32,
        "crop": CropRule(detector="haar", expand=1.0, offset_x=0.0, offset_y=0.0),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
        "thresholds": (0.5, 0.4, 0.6),
        "thresholds_origin": "written by hand for tests",
        "weights_sha256": "0" * 64,
        "recipe": "none",
        "git_commit": "none",
        "licence": "Apache-2.0",
        "training_data": "none",
        "cam_method": "gradcam",
        "cam_scale": (1.0, 1.0, 1.0),
    }
    return ModelContract(**{**values, **changes})


def make_frame(index: int = 0, *, width: int = 160, height: int = 120, fps: float = 25.0) -> Frame:
    """Returns a frame of seeded noise whose content depends on its index."""
    rng = np.random.default_rng(index)
    image_bgr = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Frame(index=index, time_s=index / fps, picture=image_bgr)


def brightness_logits(crops) -> np.ndarray:
    """Returns logits that depend on each crop alone: its mean brightness, shifted per label."""
    mean = crops.images_rgb.mean(axis=(1, 2, 3), dtype=np.float64)
    return (mean[:, None] / 16 - 8 + np.arange(len(AU_LABELS))).astype(np.float32)


def flat_cams(crops) -> np.ndarray:
    """Returns CAMs (N, A, 7, 7) whose value names the label: 0, 1, 2."""
    cams = np.zeros((len(crops), len(AU_LABELS), 7, 7), np.float32)
    cams += np.arange(len(AU_LABELS), dtype=np.float32)[None, :, None, None]
    return cams


def centred_landmarks(crops) -> np.ndarray:
    """Returns landmarks (N, 68, 2) whose canonical square, by LANDMARK_RULE, is the crop."""
    reach = 0.5 / LANDMARK_RULE.side_over_landmark_box
    x, y = np.meshgrid(np.linspace(-reach, reach, 17), np.linspace(-reach, reach, 4))
    points = np.stack([x.ravel() + 0.5, y.ravel() + 0.5 + LANDMARK_RULE.lift], axis=1)
    return np.tile((points * crops.size).astype(np.float32), (len(crops), 1, 1))


class CountingEngine(ScriptedEngine):
    """Scripted engine that records the rows of every batch and whether CAMs were wanted."""

    def __init__(self, contract: ModelContract | None = None, *, fail_on: int | None = None):
        contract = contract or make_contract()
        landmarks_of = centred_landmarks if contract.has_landmarks else None
        super().__init__(contract, brightness_logits, cams_of=flat_cams, landmarks_of=landmarks_of)
        self.batches: list[tuple[int, bool]] = []
        self.fail_on = fail_on
        self.closed = False

    def infer(self, crops, /, *, cams=False):
        if self.fail_on is not None and len(self.batches) == self.fail_on:
            raise RuntimeError(f"engine exploded on batch {self.fail_on}")
        self.batches.append((len(crops), cams))
        return super().infer(crops, cams=cams)

    def close(self):
        self.closed = True


class FixedDetector:
    """Proposes the same boxes in every frame; raises on call k if asked."""

    def __init__(self, boxes_xyxy=((40.0, 30.0, 100.0, 90.0),), *, fail_on: int | None = None):
        self.boxes_xyxy = np.array(boxes_xyxy, np.float32).reshape(-1, 4)
        self.fail_on = fail_on
        self.calls = 0

    def smallest_px(self, frame, /):
        return math.inf  # no windows

    def detect(self, frame, /, *, regions_xyxy=None, halvings=0, known_xyxy=None):
        if self.fail_on == self.calls:
            raise RuntimeError(f"detector exploded on call {self.calls}")
        self.calls += 1
        if regions_xyxy is None:
            return Faces(boxes_xyxy=self.boxes_xyxy.copy())
        touched = iou(self.boxes_xyxy, regions_xyxy).max(axis=1, initial=0) > 0
        return Faces(boxes_xyxy=self.boxes_xyxy[touched])


class EagerAligner:
    """Takes every square for a face that lies just there; raises on call k if asked."""

    def __init__(self, *, fail_on: int | None = None):
        self.fail_on = fail_on
        self.calls = 0

    def align(self, frame, squares, /, *, with_mirrored=False):
        if self.fail_on == self.calls:
            raise RuntimeError(f"aligner exploded on call {self.calls}")
        self.calls += 1
        rows = len(squares)
        return Alignment(
            presence=np.full(rows, 0.99, np.float32),
            squares=squares,
            sample_appearance=lambda: np.full((rows, 4), 0.5, np.float32),
        )


def make_tracker(detector=None, aligner=None, *, policy=None) -> FaceTracker:
    """Returns a tracker that searches every frame and confirms every box at once."""
    policy = policy or TrackingPolicy(detect_every_s=0)
    return FaceTracker(detector or FixedDetector(), aligner or EagerAligner(), policy)


def make_pipeline(engine, detector=None, *, kind=Pipeline) -> Pipeline:
    """Returns a pipeline on an engine that confirms every box at once."""
    decider = Decider(engine.contract)
    return kind(tracker=make_tracker(detector), engine=engine, decider=decider)


class ListSource:
    """Source over frames given beforehand; raises on frame k if asked."""

    def __init__(self, frames, *, live: bool = False, fail_on: int | None = None):
        self.frames = list(frames)
        self.is_live = live
        self.fail_on = fail_on
        self.closed = False
        first = self.frames[0] if self.frames else make_frame()
        self.info = SourceInfo(
            name="list",
            width=first.width,
            height=first.height,
            nominal_fps=None,
            frame_count=len(self.frames),
        )

    def __iter__(self):
        for k, frame in enumerate(self.frames):
            if self.closed:
                return
            if self.fail_on == k:
                raise OSError(f"source exploded on frame {k}")
            yield frame

    def report(self):
        return SourceReport()

    def close(self):
        self.closed = True


class KeepingSink:
    """Keeps what it is given; raises on write k, or on close, if asked."""

    def __init__(
        self,
        *,
        wants_overlay: bool = False,
        is_view: bool = False,
        is_slow: bool = False,
        fail_on: int | None = None,
        fail_close: bool = False,
        error: Exception | None = None,
        name: str = "kept",
    ):
        self.name = name
        self.wants_overlay = wants_overlay
        self.is_view = is_view
        self.is_slow = is_slow
        self.fail_on = fail_on
        self.fail_close = fail_close
        self.error = error or SinkError("disk full: no space left on device")
        self.results = []
        self.images = []
        self.closed = 0

    def write(self, result, image, /):
        if self.fail_on == len(self.results):
            raise self.error
        self.results.append(result)
        self.images.append(image)

    def report(self):
        return SinkReport()

    def close(self):
        self.closed += 1
        if self.fail_close and self.closed == 1:
            raise SinkError("closing failed: no space left on device")


class NullSink:
    """Discards every result."""

    name = "nothing"
    is_view = False
    is_slow = False
    wants_overlay = False

    def write(self, result, picture, /):
        pass

    def report(self):
        return SinkReport()

    def close(self):
        pass
