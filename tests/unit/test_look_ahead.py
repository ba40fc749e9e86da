"""The thread between two queues: order, errors of either side, and a clean end."""

import threading

import pytest

from rtau.frame_queue import FrameQueue
from rtau.look_ahead import LookAhead


def filled(items, *, error=None):
    queue = FrameQueue(size=len(items) + 1, drops=False)
    for item in items:
        queue.put(item)
    queue.end(error)
    return queue


def all_of(ahead):
    ahead.start()
    taken = []
    while some := ahead.queue.take(4):
        taken += some
    ahead.join()
    return taken


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_everything_comes_out_in_order_and_was_looked_at_once(count):
    looked = []
    ahead = LookAhead(filled(range(count)), lambda item: looked.append(item) or -item, size=2)

    assert all_of(ahead) == [-item for item in range(count)]
    assert looked == list(range(count))
    assert ahead.queue.error is None


def test_what_the_reader_failed_with_comes_after_what_it_had_read():
    error = OSError("the cable")
    ahead = LookAhead(filled([1, 2], error=error), lambda item: item, size=2)

    assert all_of(ahead) == [1, 2]
    assert ahead.queue.error is error


def test_a_look_that_fails_ends_both_queues():
    def look(item):
        if item == 2:
            raise RuntimeError("no cascade")
        return item

    source = filled([1, 2, 3])
    ahead = LookAhead(source, look, size=2)

    assert all_of(ahead) == [1]
    assert str(ahead.queue.error) == "no cascade"
    assert not source.put(4), "a reader that waits is told to stop"


def test_no_more_are_looked_at_than_may_wait():
    looked, enough = [], threading.Event()

    def look(item):
        looked.append(item)
        if len(looked) == 3:
            enough.set()
        return item

    ahead = LookAhead(filled(range(50)), look, size=2)
    ahead.start()
    assert enough.wait(5)  # two wait, one is in its hand
    assert ahead.queue.take(1) == [0]
    assert len(looked) <= 4

    ahead.queue.close()
    ahead.join()
    assert len(looked) <= 5


def test_one_that_was_never_started_can_be_joined():
    LookAhead(filled([1]), lambda item: item, size=1).join()
