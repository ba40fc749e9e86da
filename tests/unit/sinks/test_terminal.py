import io
import os

import pytest

from rtau.errors import SinkError
from rtau.protocols import StopRun
from rtau.sinks._keyboard import Keyboard
from rtau.sinks.terminal import TerminalSink
from rtau.status import ViewControls
from tests.support.pictures import drawn_result
from tests.support.terminals import Clock, Stream, make_status

ESCAPE = "\x1b"
ALTERNATE_ON, ALTERNATE_OFF, CURSOR_ON = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


def terminal(*, is_terminal, clock=None, size=(100, 30), controls=None, **changes):
    stream = Stream(terminal=is_terminal)
    sink = TerminalSink(
        stream,
        status=lambda: make_status(**changes),
        thresholds=(0.5,) * 12,
        controls=controls,
        clock=clock or Clock(),
        size=size,
    )
    return stream, sink


RESULT = drawn_result([(10, 10, 60, 60)], width=80, height=80)


def write_for(sink, clock, seconds, *, fps=25):
    for _ in range(round(seconds * fps)):
        sink.write(RESULT, None)
        clock.now_s += 1 / fps


def test_a_terminal_shows_status_and_readings_on_a_screen_of_its_own():
    stream, sink = terminal(is_terminal=True)
    sink.write(RESULT, None)
    shown = stream.getvalue()
    for part in ("clip.mp4", "net-au12", "CPUExecutionProvider", "15.0 fps", "lip corner puller"):
        assert part in shown
    assert ALTERNATE_ON in shown


def test_closing_gives_the_screen_back_once():
    stream, sink = terminal(is_terminal=True)
    sink.write(RESULT, None)
    sink.close()
    shown = stream.getvalue()
    assert ALTERNATE_OFF in shown
    assert CURSOR_ON in shown[shown.index(ALTERNATE_OFF) - 20 :]
    sink.close()
    assert stream.getvalue() == shown


def test_closing_before_a_frame_leaves_the_terminal_alone():
    stream, sink = terminal(is_terminal=True)
    sink.close()
    assert stream.getvalue() == ""


def test_a_terminal_is_drawn_ten_times_a_second_at_most():
    clock = Clock()
    stream, sink = terminal(is_terminal=True, clock=clock)
    write_for(sink, clock, 2, fps=100)
    assert 18 <= stream.getvalue().count("Ctrl-C ends the run") <= 22
    sink.close()


def test_a_pipe_gets_a_plain_line_every_five_seconds():
    clock = Clock()
    stream, sink = terminal(is_terminal=False, clock=clock)
    write_for(sink, clock, 12)
    sink.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert ESCAPE not in stream.getvalue()
    assert lines[0].startswith("25%, 30 of 120 frames, 0:06 left, 15.0 fps | face 1: ")


def test_a_pipe_stays_plain_when_colour_is_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream, sink = terminal(is_terminal=False)
    sink.write(RESULT, None)
    assert ESCAPE not in stream.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_that_is_gone_is_an_error_and_closes_quietly(is_terminal):
    stream, sink = terminal(is_terminal=is_terminal)
    stream.broken = True
    with pytest.raises(SinkError, match="--view none"):
        sink.write(RESULT, None)
    sink.close()


def test_a_terminal_that_goes_later_is_the_same_error():
    clock = Clock()
    stream, sink = terminal(is_terminal=True, clock=clock)
    sink.write(RESULT, None)
    stream.broken = True
    clock.now_s += 1
    with pytest.raises(SinkError, match="Input/output error"):
        sink.write(RESULT, None)
    sink.close()


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (300, 80)])
def test_any_size_of_terminal(size):
    stream, sink = terminal(is_terminal=True, size=size)
    sink.write(RESULT, None)
    sink.close()
    assert stream.getvalue()


class Keys:
    """A keyboard that gives keys set beforehand."""

    is_open = True

    def __init__(self, text):
        self.left = list(text)

    def poll(self, wait_s=0.0):
        return self.left.pop(0) if self.left else ""

    def close(self):
        self.is_open = False


def with_keys(text, **options):
    stream, sink = terminal(is_terminal=True, clock=Clock(), **options)
    sink._keyboard = Keys(text)
    return stream, sink


def test_q_ends_the_run_while_frames_come_and_while_none_do():
    for call in (lambda sink: sink.write(RESULT, None), lambda sink: sink.idle()):
        _, sink = with_keys("q")
        with pytest.raises(StopRun):
            call(sink)
        sink.close()
        assert not sink._keyboard.is_open


def test_space_pauses_the_run_and_n_takes_a_neutral():
    controls, asked = ViewControls(), []
    controls.ask_neutral = lambda: asked.append(1)
    _, sink = with_keys(" nq", controls=controls)
    sink.write(RESULT, None)
    assert controls.is_paused
    sink.idle()
    assert asked == [1]
    with pytest.raises(StopRun):
        sink.idle()
    sink.close()


def test_a_paused_run_says_so_on_screen_and_in_a_pipe():
    for is_terminal in (True, False):
        stream, sink = terminal(is_terminal=is_terminal, is_paused=True)
        sink.write(RESULT, None)
        assert "paused" in stream.getvalue()
        sink.close()


def test_h_shows_the_keys_in_place_of_the_panels():
    stream, sink = with_keys("h")
    sink.write(RESULT, None)
    assert "pause and go on" in stream.getvalue()
    assert "h: keys" in stream.getvalue()
    sink.close()


def test_keys_are_read_from_a_real_terminal_one_by_one():
    pty = pytest.importorskip("pty")
    pid, master = pty.fork()
    if pid == 0:  # the child has the terminal; it prints the key it got and goes
        stdin = os.fdopen(0)
        keyboard = Keyboard(stdin)
        os.write(1, b"ready" if keyboard.is_open else b"closed")
        os.write(1, f"got {keyboard.poll(20)!r}".encode())
        keyboard.close()
        os._exit(0)
    told = b""
    while b"ready" not in told:
        told += os.read(master, 100)
    os.write(master, b"h")
    while b"got 'h'" not in told:
        told += os.read(master, 100)
    os.waitpid(pid, 0)
    os.close(master)


def test_no_terminal_means_no_keys():
    keyboard = Keyboard(io.StringIO())
    assert not keyboard.is_open
    assert keyboard.poll() == ""
    keyboard.close()


def test_what_went_wrong_is_said_in_every_line():
    clock = Clock()
    stream = Stream(terminal=False)
    sink = TerminalSink(
        stream,
        status=lambda: make_status(notices=("no frame for 3 s", "lost view window: gone")),
        thresholds=(0.5,) * 12,
        clock=clock,
    )
    sink.write(RESULT, None)
    sink.close()
    assert "no frame for 3 s, lost view window: gone" in stream.getvalue()
