"""Cost grows as the work: linear in frames and in faces, and memory is flat however long it lasts.

Counted in calls, objects and bytes, never in seconds.
"""

from __future__ import annotations

import gc
import itertools
import math
import sys
import time
import weakref

import numpy as np
import pytest

from rtau import timing
from rtau.backends.scripted import ScriptedEngine
from rtau.data import Faces, Frame
from rtau.decisions import Decider
from rtau.execution import runner as runner_module
from rtau.execution.runner import Runner
from rtau.execution.strategies import FILE_BATCH, PREFETCH_FRAMES, PREFETCH_PER_SIDE_QUEUE
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.pipeline import HeatmapSchedule, Pipeline
from rtau.protocols import SourceInfo, SourceReport
from rtau.sinks import TableRows
from rtau.sinks.csv_file import CsvSink
from rtau.sinks.jsonl_file import JsonlSink
from rtau.squares import Alignment, Square
from tests.support.doubles import (
    CountingEngine,
    FixedDetector,
    NullSink,
    brightness_logits,
    flat_cams,
    make_contract,
    make_tracker,
)

FPS = 25
WIDTH, HEIGHT = 160, 120
# Frames by which a face that is gone is forgotten (`TrackingPolicy.reidentify_s`), and some more.
FORGOTTEN = 15
# Half of what a float in a list takes (an 8 byte pointer to 24 bytes).
LEAK_BYTES_PER_FRAME = 16
# How many frames are queued at a measurement is chance, up to a thousand objects of difference; so
# far apart, that is less than half an object a frame.
EARLY, LATE = 100, 6100
# Long enough that at the last measurement as many frames may be queued as at the first.
MAX_QUEUED = 100
SIDE = 24
# Appearances that have nothing in common.
LOOKS = np.eye(3, dtype=np.float32)


class Film:
    """A source of so many frames at full speed; counts pictures alive if each has its own."""

    is_live = False

    def __init__(self, frames: int, *, fps: float = FPS, own_pictures: bool = False):
        self.info = SourceInfo("film", WIDTH, HEIGHT, nominal_fps=None, frame_count=frames)
        self.alive = 0
        self._fps = fps
        self._own_pictures = own_pictures

    def __iter__(self):
        image_bgr = self._picture()
        for index in range(self.info.frame_count):
            if self._own_pictures:
                image_bgr = self._picture()
                self.alive += 1
                weakref.finalize(image_bgr, self._gone)
            yield Frame(index=index, time_s=index / self._fps, picture=image_bgr)

    def report(self):
        return SourceReport()

    def close(self):
        pass

    def _picture(self):
        return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)

    def _gone(self):
        self.alive -= 1


class Passers:
    """A detector and an aligner of a new face every so many frames, at three places in turn."""

    def smallest_px(self, frame, /):
        return math.inf  # no windows

    def detect(self, frame, /, *, regions_xyxy=None, halvings=0, known_xyxy=None):
        x, y, side, _ = self._face(frame)
        half = side / 2
        box = np.array([[x - half, y - half, x + half, y + half]], np.float32)
        return Faces(boxes_xyxy=box)

    def align(self, frame, squares, /, *, with_mirrored=False):
        face = self._face(frame)
        near = [square.distance(face) < 0.5 for square in squares.rows()]
        return Alignment(
            presence=np.where(near, 0.99, 0.01).astype(np.float32),
            squares=squares,
            sample_appearance=lambda: np.tile(
                np.eye(3, dtype=np.float32)[self._passer(frame) % 3], (len(near), 1)
            ),
        )

    def tracker(self):
        policy = TrackingPolicy(detect_every_s=0, reidentify_s=0.5)
        return FaceTracker(self, self, policy)

    def _passer(self, frame):
        return frame.index // FORGOTTEN

    def _face(self, frame):
        return Square(22.0 + 50 * (self._passer(frame) % 3), 52.0, float(SIDE), 0.0)


class CallbackSink(NullSink):
    """Calls a function with the index of every frame."""

    def __init__(self, callback):
        super().__init__()
        self.callback = callback

    def write(self, result, image, /):
        self.callback(result.frame.index)


def row_of_faces(count):
    """Returns the boxes of faces side by side."""
    return [(1 + k * 9.9, 40, 9 + k * 9.9, 48) for k in range(count)]


def video_pipeline(tracker, *, engine=None):
    """Returns a pipeline that follows faces, smooths and refreshes heatmaps, as `rtau video`."""
    engine = engine or ScriptedEngine(make_contract(), brightness_logits, cams_of=flat_cams)
    return Pipeline(
        tracker=tracker,
        engine=engine,
        decider=Decider(engine.contract, smooth_s=0.2, hysteresis=0.1),
        heatmaps=HeatmapSchedule(10.0, wanted=lambda: True),
    )


def file_sinks():
    contract = make_contract()
    table = CsvSink("/dev/null", TableRows(contract.labels, task=contract.task))
    return [table, JsonlSink("/dev/null")]


def run_film(film, *sinks):
    pipeline = video_pipeline(Passers().tracker())
    return Runner(source=film, pipeline=pipeline, sinks=[*file_sinks(), *sinks]).run()


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of fixed size are full after a few frames, so that only what grows is left."""
    monkeypatch.setattr(timing, "HISTORY_FRAMES", 64)
    monkeypatch.setattr(timing, "RECENT_FRAMES", 16)


def grown_blocks(*, also=lambda index: None):
    """Returns by how many blocks of memory the interpreter's own store grew per frame.

    Every object takes one; what allocators keep in stock for later would blur a count of bytes.
    """
    used = {}

    def measure(index):
        also(index)
        if index in (EARLY, LATE):
            gc.collect()
            used[index] = sys.getallocatedblocks()

    run_film(Film(60))  # what is made once and kept is there now
    run_film(Film(LATE + MAX_QUEUED), CallbackSink(measure))
    return (used[LATE] - used[EARLY]) / (LATE - EARLY)


def test_nothing_accumulates_per_frame(small_windows):
    assert grown_blocks() < 0.5


@pytest.mark.slow
def test_a_list_of_one_number_per_frame_would_be_noticed(small_windows):
    """The test above can fail."""
    kept = []
    assert grown_blocks(also=lambda k: kept.append(k / 7)) > 0.5


@pytest.mark.parametrize("pause_s", [0, 0.003])
def test_no_more_frames_are_held_late_than_early_by_a_fast_or_a_slow_sink(pause_s):
    film = Film(200, own_pictures=True)
    alive = []

    def measure(index):
        alive.append(film.alive)
        time.sleep(pause_s)

    run_film(film, CallbackSink(measure))

    # Both queues, one frame in each stage, one between them, and the batch.
    queued = PREFETCH_FRAMES // PREFETCH_PER_SIDE_QUEUE + PREFETCH_FRAMES
    assert max(alive) <= queued + 3 + 2 * FILE_BATCH
    assert film.alive <= 1


@pytest.mark.parametrize("faces", [1, 2, 4, 8])
@pytest.mark.parametrize("frames", [40, 80])
def test_the_network_sees_each_face_of_each_frame_once_and_is_called_by_batches(frames, faces):
    engine = CountingEngine()
    detector = FixedDetector(row_of_faces(faces))
    pipeline = Pipeline(
        tracker=make_tracker(detector),
        engine=engine,
        decider=Decider(engine.contract),
    )
    Runner(source=Film(frames), pipeline=pipeline, sinks=[NullSink()]).run()

    together = 2 * FILE_BATCH if faces == 1 else FILE_BATCH
    assert len(engine.batches) == 1 + math.ceil((frames - 1) / together)
    assert sum(rows for rows, _ in engine.batches) == frames * faces
    assert detector.calls == frames


@pytest.mark.parametrize("faces", [1, 8])
def test_searches_depend_on_the_length_of_the_video_and_not_on_the_faces(faces):
    counts = []
    for frames in (100, 200):
        detector = FixedDetector(row_of_faces(faces))
        tracker = make_tracker(detector, policy=TrackingPolicy())
        Runner(source=Film(frames), pipeline=video_pipeline(tracker), sinks=[]).run()
        counts.append(detector.calls)

    # Nothing changes in the picture: the whole frame every two seconds.
    assert counts[0] <= 100 / FPS / 2 + 2
    assert counts[1] == pytest.approx(2 * counts[0], abs=2)


def calls_per_frame(pipeline, film, *, frames):
    """Returns the Python and C functions called per frame over the next frames of a film."""
    chosen = list(itertools.islice(film, frames))
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for k in range(0, frames, FILE_BATCH):
            pipeline.step(chosen[k : k + FILE_BATCH])
    finally:
        sys.setprofile(before)
    return calls / frames


def test_a_late_frame_costs_what_an_early_one_costs():
    pipeline, film = video_pipeline(Passers().tracker()), iter(Film(3000))
    # The pattern of the faces and of the searches repeats within so many frames.
    period = 3 * FORGOTTEN * FILE_BATCH
    pipeline.step(list(itertools.islice(film, period)))
    early = calls_per_frame(pipeline, film, frames=period)
    pipeline.step(list(itertools.islice(film, 5 * period)))
    late = calls_per_frame(pipeline, film, frames=period)

    assert late == pytest.approx(early, rel=0.02)


def test_each_further_face_costs_the_same():
    cost = {}
    for faces in (4, 8, 16):
        tracker = make_tracker(FixedDetector(row_of_faces(faces)), policy=TrackingPolicy())
        pipeline, film = video_pipeline(tracker), iter(Film(400))
        pipeline.step(list(itertools.islice(film, 40)))
        cost[faces] = calls_per_frame(pipeline, film, frames=80)

    assert cost[16] - cost[8] == pytest.approx(2 * (cost[8] - cost[4]), rel=0.1)


def test_faces_are_counted_exactly_in_a_bit_each():
    assert run_film(Film(20 * FORGOTTEN)).tracks == 20

    count = runner_module._FaceCount()
    for track_id in (1, 9, 2, 9, 1, 100_000):
        count.add([track_id])
    assert count.count == 4
    assert sys.getsizeof(count._seen) < 100_000 / 8 * 1.3


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - read in the loop
        return int(file.read().split()[1]) * 4096


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_eight_hours_take_no_more_memory_than_one():
    """At 4 frames a second; cheaper frames, and nothing in rtau depends on the frame rate."""
    fps, used = 4, {}
    first, last = 3600 * fps, 8 * 3600 * fps - 1

    def measure(index):
        if index in (first, last):
            gc.collect()
            used[index] = resident_bytes()

    assert run_film(Film(last + 1, fps=fps), CallbackSink(measure)).frames_done == last + 1
    assert used[last] - used[first] < LEAK_BYTES_PER_FRAME * (last - first)
