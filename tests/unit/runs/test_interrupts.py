import os
import signal
import threading

import pytest

from rtau.runs.interrupts import stopping_with


@pytest.fixture(autouse=True)
def python_handles_ctrl_c():
    """A background job of a shell starts with Ctrl-C ignored: the tests set what Python sets."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop(number):
    asked = []
    with stopping_with(lambda: asked.append(1)) as interrupts:
        os.kill(os.getpid(), number)

    assert interrupts.seen
    assert asked == [1]


def test_a_second_ctrl_c_raises_keyboard_interrupt():
    with stopping_with(lambda: None):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with stopping_with(lambda: None) as interrupts:
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before
    assert not interrupts.seen


def test_another_thread_leaves_the_handlers_alone():
    seen = []

    def run():
        with stopping_with(lambda: None) as interrupts:
            seen.append((interrupts.seen, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert seen == [(False, signal.getsignal(signal.SIGINT))]
