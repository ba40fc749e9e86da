"""A sink that a worker pool writes: order, one error, nothing lost."""

import threading

import pytest

from rtau.errors import SinkError
from rtau.execution.async_sink import AsyncSink
from rtau.execution.worker_pool import WorkerPool
from tests.support.doubles import KeepingSink
from tests.support.results import make_result

QUEUE_SIZE = 2


class Failing(KeepingSink):
    """Fails at the result with an index, once it may go on."""

    def __init__(self, at):
        super().__init__()
        self.at, self.may_go_on = at, threading.Event()

    def write(self, result, image, /):
        assert self.may_go_on.wait(5)
        if result.frame.index == self.at:
            raise SinkError("the disk is full")
        super().write(result, image)


class Preparing(KeepingSink):
    """Notes which threads prepare, and what was written."""

    def __init__(self):
        super().__init__()
        self.preparing, self.written = set(), []

    def prepare(self, picture):
        self.preparing.add(threading.get_ident())
        return ("prepared", picture)

    def write_prepared(self, result, prepared):
        self.written.append((result.frame.index, prepared))


@pytest.fixture(params=[0, 1], ids=["no worker", "one worker"])
def make_async(request):
    """Yields a factory of asynchronous sinks on a started worker pool."""
    pools = []

    def make(inner):
        pools.append(WorkerPool())
        sink = AsyncSink(inner, pools[-1], queue_size=QUEUE_SIZE)
        pools[-1].start(threads=request.param)
        return sink

    yield make
    for pool in pools:
        pool.close()
        assert pool.join(5)


def indices(sink):
    return [result.frame.index for result in sink.results]


def test_what_can_be_prepared_is_so_by_the_calling_thread(make_async):
    inner = Preparing()
    sink = make_async(inner)
    for index in range(9):
        sink.write(make_result(index), None)
    sink.close()

    assert inner.preparing == {threading.get_ident()}
    assert inner.written == [(index, ("prepared", None)) for index in range(9)]
    assert not inner.results


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_everything_is_written_in_order_before_close_returns(make_async, count):
    inner = KeepingSink()
    sink = make_async(inner)
    for index in range(count):
        sink.write(make_result(index), None)
    sink.close()
    sink.close()

    assert indices(inner) == list(range(count))
    assert inner.closed == 1


def test_a_failure_is_raised_by_a_later_write_once(make_async):
    inner = Failing(at=1)
    sink = make_async(inner)
    inner.may_go_on.set()

    def write_on():
        for index in range(50):
            sink.write(make_result(index), None)

    with pytest.raises(SinkError, match="the disk is full"):
        write_on()
    sink.close()

    assert indices(inner) == [0]
    assert inner.closed == 1


def test_a_failure_at_the_last_result_is_raised_by_close(make_async):
    inner = Failing(at=2)
    sink = make_async(inner)
    inner.may_go_on.set()
    for index in range(3):
        sink.write(make_result(index), None)
    with pytest.raises(SinkError, match="the disk is full"):
        sink.close()

    assert inner.closed == 1
    sink.close()


def test_no_more_wait_than_the_queue_holds(make_async):
    inner, written = Failing(at=None), []
    sink = make_async(inner)

    def write_all():
        for index in range(10):
            sink.write(make_result(index), None)
            written.append(index)

    thread = threading.Thread(target=write_all)
    thread.start()
    thread.join(0.3)
    assert len(written) <= QUEUE_SIZE + 1
    inner.may_go_on.set()
    thread.join(5)
    sink.close()
    assert indices(inner) == list(range(10))


def test_nothing_can_be_written_after_close(make_async):
    sink = make_async(KeepingSink())
    sink.close()
    with pytest.raises(ValueError, match="write needs an open sink"):
        sink.write(make_result(0), None)
