"""Times the search for faces: the whole frame, around known faces, and the tracker.

Frames are the example clip, enlarged to 1280x720 with its face repeated; the figure to watch is
`near` per face. Run with `pytest benchmarks/bench_detect.py --benchmark-only`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from rtau.data import Faces, Frame
from rtau.detectors.haar import HaarDetector
from rtau.finder import FaceFinder, SearchPolicy
from rtau.trackers.iou import IouTracker

EXAMPLE = Path(__file__).parents[1] / "examples" / "one_face.mp4"
FRAMES = 25


@pytest.fixture(scope="module")
def frames_720p() -> list[Frame]:
    frames = []
    with av.open(str(EXAMPLE)) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index == FRAMES:
                break
            image = cv2.resize(picture.to_ndarray(format="bgr24"), (1280, 720))
            frames.append(Frame(index=index, time_s=index / 25, image_bgr=image))
    return frames


def beside(frame: Frame, copies: int) -> Frame:
    """Returns the frame with the face's part of it repeated side by side."""
    face = frame.image_bgr[160:640, 440:860]
    row = np.concatenate([face] * copies, axis=1)
    image = cv2.resize(row, (1280, round(row.shape[0] * 1280 / row.shape[1])))
    canvas = np.zeros_like(frame.image_bgr)
    canvas[: min(image.shape[0], 720)] = image[:720]
    return Frame(index=frame.index, time_s=frame.time_s, image_bgr=canvas)


def test_whole_frame(benchmark: Any, frames_720p: list[Frame]) -> None:
    detector = HaarDetector()
    faces = benchmark(detector.detect, frames_720p[0])
    assert len(faces) == 1


@pytest.mark.parametrize("copies", [1, 3, 6])
def test_near(benchmark: Any, frames_720p: list[Frame], copies: int) -> None:
    detector = HaarDetector()
    frame = frames_720p[0] if copies == 1 else beside(frames_720p[0], copies)
    known = detector.detect(frame)
    assert len(known) == copies
    benchmark.extra_info["faces"] = copies
    seen = benchmark(lambda: detector.detect(frame, near=known))
    assert len(seen) == copies


def test_find_a_second_of_video(benchmark: Any, frames_720p: list[Frame]) -> None:
    detector = HaarDetector()

    def find() -> int:
        finder = FaceFinder(detector, IouTracker(), SearchPolicy())
        return sum(len(finder.find(frame).faces) for frame in frames_720p)

    assert benchmark(find) >= FRAMES - 2


@pytest.mark.parametrize("rows", [1, 20])
def test_tracker(benchmark: Any, rows: int) -> None:
    tracker = IouTracker()
    corners = np.arange(rows, dtype=np.float32)[:, None] * 60
    faces = Faces(boxes_xyxy=np.hstack([corners, corners, corners + 50, corners + 50]))
    times = iter(range(10**9))
    tracked = benchmark(lambda: tracker.update(faces, time_s=next(times) / 25))
    assert tracked.track_ids.tolist() == list(range(1, rows + 1))
