"""The capture thread: latest frame, bounded waits, errors passed on, no thread left."""

import threading
import time

import numpy as np
import pytest

from rtau.data import Frame
from rtau.sources._latest_frame import LatestFrameReader


def frame(index):
    return Frame(index=index, time_s=float(index), picture=np.zeros((2, 2, 3), np.uint8))


def reading(loop, **options):
    return LatestFrameReader(loop, name="test-reader", **options)


def test_the_first_frame_comes_and_then_the_latest():
    given = threading.Event()

    def loop(reader):
        for index in range(5):
            yield frame(index)
        given.set()
        reader.stopped.wait()

    reader = reading(loop)
    assert reader.take(timeout_s=1).index == 0
    assert given.wait(1)
    assert reader.take(timeout_s=1).index == 4
    assert reader.dropped == 3
    with pytest.raises(TimeoutError, match=r"no frame within 0\.05 s"):
        reader.take(timeout_s=0.05)
    reader.close(timeout_s=1)


def test_in_order_where_no_frame_may_be_lost():
    def loop(reader):
        reader.drops = False
        for index in range(20):
            yield frame(index)

    reader = reading(loop)
    time.sleep(0.02)
    assert [reader.take(timeout_s=1).index for _ in range(20)] == list(range(20))
    assert reader.take(timeout_s=1) is None
    assert reader.take(timeout_s=1) is None
    assert reader.dropped == 0
    reader.close(timeout_s=1)


def test_an_error_comes_after_the_last_frame_and_stays():
    def loop(_reader):
        yield frame(0)
        raise OSError("the lens fell off")

    reader = reading(loop)
    assert reader.take(timeout_s=1).index == 0
    for _ in range(2):
        with pytest.raises(OSError, match="the lens fell off"):
            reader.take(timeout_s=1)
    reader.close(timeout_s=1)


def test_close_wakes_a_waiting_thread_and_finishes_the_loop_on_its_own_thread():
    finished_on = []

    def loop(reader):
        try:
            while True:
                reader.stopped.wait(0.01)
                if reader.stopped.is_set():
                    return
        finally:
            finished_on.append(threading.current_thread().name)
        yield frame(0)

    reader = reading(loop)
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(reader.take(timeout_s=10)))
    waiting.start()
    reader.close(timeout_s=1)
    waiting.join(1)
    assert taken == [None]
    assert finished_on == ["test-reader"]


def test_a_loop_that_waits_for_room_ends_too():
    def loop(reader):
        reader.drops = False
        for index in range(3):
            yield frame(index)

    reader = reading(loop)
    time.sleep(0.02)
    reader.close(timeout_s=1)
    assert "test-reader" not in {thread.name for thread in threading.enumerate()}


def test_a_read_that_never_returns_is_left_behind_with_a_warning(caplog):
    unblock = threading.Event()

    def loop(_reader):
        unblock.wait()
        yield frame(0)

    reader = reading(loop)
    started_s = time.monotonic()
    reader.close(timeout_s=0.05)
    assert time.monotonic() - started_s < 1
    assert "left behind" in caplog.text
    unblock.set()
