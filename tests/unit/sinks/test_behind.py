"""A sink that writes in a thread of its own: order, one error, nothing lost, nothing left."""

import threading

import pytest

from rtau.errors import SinkError
from rtau.sinks.behind import WAITING, WriteBehind
from tests.support.doubles import KeepingSink
from tests.support.results import make_result


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


def indices(sink):
    return [result.frame.index for result in sink.results]


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_everything_is_written_in_order_before_close_returns(count):
    inner = KeepingSink()
    sink = WriteBehind(inner)
    for index in range(count):
        sink.write(make_result(index), None)
    sink.close()
    sink.close()

    assert indices(inner) == list(range(count))
    assert inner.closed == 1
    assert "rtau-write" not in {thread.name for thread in threading.enumerate()}


def test_a_failure_is_raised_by_a_later_write_once():
    inner = Failing(at=1)
    sink = WriteBehind(inner)
    inner.may_go_on.set()

    def write_on():
        for index in range(50):
            sink.write(make_result(index), None)

    with pytest.raises(SinkError, match="the disk is full"):
        write_on()
    sink.close()

    assert indices(inner) == [0]
    assert inner.closed == 1


def test_a_failure_at_the_last_result_is_raised_by_close():
    inner = Failing(at=2)
    sink = WriteBehind(inner)
    inner.may_go_on.set()
    for index in range(3):
        sink.write(make_result(index), None)
    with pytest.raises(SinkError, match="the disk is full"):
        sink.close()

    assert inner.closed == 1
    sink.close()


def test_only_a_few_wait():
    inner, written = Failing(at=None), []
    sink = WriteBehind(inner)

    def hand_on():
        for index in range(10):
            sink.write(make_result(index), None)
            written.append(index)

    thread = threading.Thread(target=hand_on)
    thread.start()
    thread.join(0.3)
    assert len(written) <= WAITING + 1
    inner.may_go_on.set()
    thread.join(5)
    sink.close()
    assert indices(inner) == list(range(10))


def test_nothing_can_be_written_after_close():
    sink = WriteBehind(KeepingSink())
    sink.close()
    with pytest.raises(ValueError, match="write needs an open sink"):
        sink.write(make_result(0), None)


def test_what_the_other_tells_of_its_file_is_told():
    inner = KeepingSink()
    inner.audio, inner.note = "copied aac", "left as it is"
    sink = WriteBehind(inner)
    assert (sink.audio, sink.note) == ("copied aac", "left as it is")
    sink.close()
