"""How a run over a file and a live run differ: batches, and how much is held ahead."""

import pytest

from rtau.execution.source_reader import SourceReader
from rtau.execution.strategies import (
    FILE_BATCH,
    FileStrategy,
    LiveStrategy,
    merges_next_batch,
    prefetch_size,
)
from rtau.execution.worker_pool import WorkerPool
from rtau.pipeline import Pipeline
from tests.support.doubles import (
    CountingEngine,
    FixedDetector,
    ListSource,
    make_frame,
    make_pipeline,
)


def batch_sizes(*, faces=1, frame_px=160 * 120, kind=Pipeline, frames=19):
    detector = FixedDetector([(x, 30, x + 20, 50) for x in range(0, 20 * faces, 20)])
    pipeline = make_pipeline(CountingEngine(), detector, kind=kind)
    reader = SourceReader(ListSource(map(make_frame, range(frames))), max_frames=None)
    strategy = FileStrategy(reader, pipeline, WorkerPool(), frame_px=frame_px)
    sizes = []
    while batch := strategy.next_batch():
        sizes.append(len(batch))
    return sizes


@pytest.mark.parametrize(
    ("frame_px", "frames"), [(0, 12), (1, 12), (1920 * 1080, 12), (3840 * 2160, 4), (10**9, 4)]
)
def test_fewer_large_frames_are_held_ahead(frame_px, frames):
    assert prefetch_size(frame_px) == frames


def test_the_first_frame_of_a_file_goes_alone_and_frames_of_one_face_by_eight():
    assert batch_sizes() == [1, 8, 8, 2]


@pytest.mark.parametrize(("faces", "frame_px"), [(2, 160 * 120), (1, 3840 * 2160)])
def test_frames_with_more_faces_or_more_pixels_go_by_four(faces, frame_px):
    assert not merges_next_batch(faces * FILE_BATCH, frame_px=frame_px)
    assert batch_sizes(faces=faces, frame_px=frame_px) == [1, 4, 4, 4, 4, 2]


@pytest.mark.parametrize(("drops", "indices"), [(True, [8]), (False, [0, 1, 2, 3])])
def test_live_the_newest_frame_is_kept_or_the_first_few_wait(drops, indices):
    reader = SourceReader(ListSource(map(make_frame, range(9))), max_frames=None)
    strategy = LiveStrategy(reader, drops_oldest=drops, idle=lambda: None)
    strategy.start()
    if drops:
        assert strategy.join(5)
    taken = [one.frame.index for _ in indices for one in strategy.next_batch()]
    strategy.stop()

    assert taken == indices
    assert strategy.join(5)
