"""What every source promises (rtau/protocols.py, Source), tested on every implementation."""

import itertools
import threading
import time
from contextlib import ExitStack

import cv2
import numpy as np
import pytest

from rtau.data import Frame
from rtau.protocols import Source, SourceInfo, SourceReport
from rtau.sources import SOURCES
from rtau.sources.camera import CameraSource
from rtau.sources.excerpt import Excerpt
from rtau.sources.images import ImageSource
from rtau.sources.stream import StreamSource
from rtau.sources.synthetic import SyntheticSource
from rtau.sources.video_file import VideoFileSource
from tests.support.cameras import CameraDouble
from tests.support.media import numbered, write_clip
from tests.support.stream_server import Behaviour, StreamServer

# So many frames of a source that does not end are read.
MAX_FRAMES = 8
SOON_S = 2.0


def video_file(tmp_path, _stack):
    return VideoFileSource(write_clip(tmp_path / "clip.mp4", count=40))


def images(tmp_path, _stack):
    paths = [tmp_path / f"{k}.png" for k in range(12)]
    for k, path in enumerate(paths):
        cv2.imwrite(str(path), numbered(k))
    return ImageSource(paths)


def camera(_tmp_path, _stack):
    return CameraSource(0, open_device=CameraDouble(), timeout_s=0.5)


def live_stream(tmp_path, stack):
    clip = write_clip(tmp_path / "live.ts", count=60)
    server = stack.enter_context(StreamServer(clip, [Behaviour(repeats=True, seconds=0.5)]))
    return StreamSource(server.url, timeout_s=1.0)


def stream_of_a_file(tmp_path, stack):
    clip = write_clip(tmp_path / "clip.mp4", count=40, container={"movflags": "faststart"})
    behaviour = Behaviour(content_type="video/mp4", declares_length=True)
    server = stack.enter_context(StreamServer(clip, [behaviour]))
    return StreamSource(server.url, timeout_s=1.0)


def synthetic(_tmp_path, _stack):
    return SyntheticSource(frames=12, width=64, height=48)


def synthetic_live(_tmp_path, _stack):
    return SyntheticSource(frames=100, width=64, height=48, fps=100, live=True)


def excerpt(tmp_path, stack):
    return Excerpt(synthetic(tmp_path, stack), end_s=1.0)


MAKERS = (
    video_file,
    images,
    camera,
    live_stream,
    stream_of_a_file,
    synthetic,
    synthetic_live,
    excerpt,
)


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
def source(request, tmp_path):
    with ExitStack() as stack:
        made = request.param(tmp_path, stack)
        stack.callback(made.close)
        yield made


def test_every_registered_source_is_asked():
    made = {maker.__name__.split("_")[0] for maker in MAKERS}
    assert {kind.split("_")[0] for kind in SOURCES} <= made | {"stream"}


def test_it_has_the_shape_of_the_protocol(source):
    assert isinstance(source, Source)
    assert isinstance(source.info, SourceInfo)
    assert isinstance(source.is_live, bool)
    assert isinstance(source.report(), SourceReport)
    assert source.info.name


def test_frames_are_what_info_says(source):
    frames = list(itertools.islice(source, MAX_FRAMES))
    assert frames
    for frame in frames:
        assert isinstance(frame, Frame)
        assert (frame.width, frame.height) == (source.info.width, source.info.height)
        assert frame.image_bgr.flags.c_contiguous


def test_the_report_accounts_for_every_gap_in_the_indices(source):
    frames = []
    for frame in itertools.islice(source, MAX_FRAMES):
        frames.append(frame)
        time.sleep(0.02)  # slower than a live source
    report = source.report()

    missing = frames[-1].index + 1 - len(frames)
    assert (report.corrupt, report.reconnects, report.notes) == (0, 0, ())
    assert report.dropped == missing == 0 or (source.is_live and report.dropped >= missing)


def test_the_report_names_the_file_a_video_comes_from_and_no_other(source):
    origin = source.report().origin
    if isinstance(source, VideoFileSource):
        assert (str(origin.path), origin.start_time_s) == (source.info.name, 0.0)
    elif isinstance(source, StreamSource) and not source.is_live:
        assert (origin.path, origin.address) == (None, source.info.name)
    else:
        assert origin is None


def test_the_report_can_be_asked_after_the_close(source):
    next(iter(source))
    source.close()
    assert source.report() == source.report()
    assert source.report().corrupt == 0


def test_indices_start_at_0_and_grow_and_time_never_goes_back(source):
    frames = list(itertools.islice(source, MAX_FRAMES))
    assert frames[0].index == 0
    assert all(later.index > former.index for former, later in itertools.pairwise(frames))
    assert all(later.time_s >= former.time_s for former, later in itertools.pairwise(frames))
    if not source.is_live:
        assert [frame.index for frame in frames] == list(range(len(frames)))


def test_a_file_ends_and_stays_ended(source):
    if source.is_live:
        pytest.skip("a live source goes on")
    count = sum(1 for _ in source)
    assert count == source.info.frame_count
    assert list(source) == []


def test_frames_keep_their_pixels_while_others_are_read(source):
    frames, copies = [], []
    for frame in itertools.islice(source, MAX_FRAMES):
        frames.append(frame)
        copies.append(frame.image_bgr.copy())
    for frame, copy in zip(frames, copies, strict=True):
        np.testing.assert_array_equal(frame.image_bgr, copy)


def test_close_may_be_called_twice_and_ends_iteration(source):
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []


def test_close_from_another_thread_ends_a_running_iteration_soon(source):
    started = threading.Event()
    ended_s = []

    def iterate():
        for _ in source:
            started.set()
            time.sleep(0.002)
        ended_s.append(time.monotonic())

    reader = threading.Thread(target=iterate)
    reader.start()
    assert started.wait(5)
    closed_s = time.monotonic()
    source.close()
    reader.join(SOON_S)
    assert not reader.is_alive()
    assert ended_s[0] - closed_s < SOON_S


def test_it_is_a_context_manager_that_closes(source):
    with source as entered:
        assert entered is source
    assert list(source) == []
