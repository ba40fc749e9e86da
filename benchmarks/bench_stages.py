"""Times the stages of the pipeline alone, on the sample clip: `make bench`.

The clip is 640x360; the detector is also timed on the same picture at 1280x720. Figures hold for
the machine they were taken on and for nothing else; they are no tests and fail nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtau import crops
from rtau.backends import open_engine
from rtau.data import Crops, Faces, Frame
from rtau.decide import Decider
from rtau.detectors.haar import HaarDetector
from rtau.finder import FaceFinder, SearchPolicy
from rtau.overlay.compose import Composer, OverlayOptions
from rtau.pipeline import HeatSchedule, Pipeline
from rtau.sources.video_file import VideoFileSource
from rtau.trackers.iou import IouTracker

CLIP = Path(__file__).parent.parent / "examples" / "one_face.mp4"
MODEL = "shufflenetv2-au12"
FRAMES = 25


@pytest.fixture(scope="module")
def frames():
    source = VideoFileSource(CLIP)
    try:
        return list(itertools.islice(source, FRAMES))
    finally:
        source.close()


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(MODEL)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def faces(frames):
    found = HaarDetector().detect(frames[0])
    assert len(found) == 1
    return dataclasses.replace(found, track_ids=np.array([1], np.int64))


def at_720p(frame):
    return Frame(index=0, time_s=0.0, image_bgr=cv2.resize(frame.image_bgr, (1280, 720)))


def batch(one, size):
    return Crops(
        images_rgb=np.repeat(one.images_rgb, size, axis=0),
        frame_from_crop=np.repeat(one.frame_from_crop, size, axis=0),
        face_rows=np.zeros(size, np.int64),
    )


def pipeline(engine, *, heatmaps):
    return Pipeline(
        finder=FaceFinder(HaarDetector(), IouTracker(), SearchPolicy()),
        engine=engine,
        decider=Decider(engine.contract),
        heat=HeatSchedule(10.0, wanted=lambda: heatmaps),
    )


def test_decode(benchmark):
    def decode():
        source = VideoFileSource(CLIP)
        try:
            for _ in itertools.islice(source, FRAMES):
                pass
        finally:
            source.close()

    benchmark.extra_info["frames"] = FRAMES
    benchmark(decode)


@pytest.mark.parametrize("height", [360, 720])
def test_detect_whole_frame(benchmark, frames, height):
    frame = frames[0] if height == 360 else at_720p(frames[0])
    benchmark(HaarDetector().detect, frame)


@pytest.mark.parametrize("height", [360, 720])
def test_detect_near_one_face(benchmark, frames, faces, height):
    detector = HaarDetector()
    frame = frames[0] if height == 360 else at_720p(frames[0])
    near = Faces(boxes_xyxy=faces.boxes_xyxy * np.float32(height / 360))
    benchmark(detector.detect, frame, near=near)


def test_crop_one_face(benchmark, frames, faces, engine):
    contract = engine.contract
    benchmark(crops.cut, frames[0], faces, rule=contract.crop, size=contract.input_size)


@pytest.mark.parametrize("cams", [False, True], ids=["scores", "scores and heatmaps"])
@pytest.mark.parametrize("size", [1, 4, 16])
def test_engine(benchmark, frames, faces, engine, size, cams):
    contract = engine.contract
    one = crops.cut(frames[0], faces, rule=contract.crop, size=contract.input_size)
    benchmark(engine.infer, batch(one, size), cams=cams)


@pytest.mark.parametrize("heatmap", ["none", "AU12"])
def test_overlay(benchmark, frames, engine, heatmap):
    steps = pipeline(engine, heatmaps=heatmap != "none")
    result = [result for frame in frames for result in steps.step([frame])][-1]
    assert len(result.faces) == 1
    composer = Composer(engine.contract, options=OverlayOptions(heatmap=heatmap))
    benchmark(composer.compose, result)


def test_pipeline_of_one_second(benchmark, frames, engine):
    """All stages but decoding, drawing and writing, over 25 frames, from a cold start."""

    def run():
        steps = pipeline(engine, heatmaps=False)
        return [steps.step([frame]) for frame in frames]

    benchmark.extra_info["frames"] = FRAMES
    benchmark(run)
