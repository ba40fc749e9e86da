import pytest

from rtau.errors import SinkError
from rtau.sinks.progress import ProgressSink
from tests.support.pictures import drawn_result
from tests.support.terminals import Clock, Stream, make_status

RESULT = drawn_result([(10, 10, 60, 60)], width=80, height=80)


def write_for(sink, clock, seconds, *, fps=25):
    for _ in range(round(seconds * fps)):
        sink.write(RESULT, None)
        clock.now_s += 1 / fps


def progress(*, is_terminal, clock, **changes):
    stream = Stream(terminal=is_terminal)
    return stream, ProgressSink(
        stream, status=lambda: make_status(**changes), clock=clock, width=80
    )


def test_progress_rewrites_one_line_and_clears_it():
    clock = Clock()
    stream, sink = progress(is_terminal=True, clock=clock)
    write_for(sink, clock, 1)
    sink.close()
    sink.close()
    shown = stream.getvalue()
    assert "\n" not in shown
    assert "25% · 30 of 120 frames · 0:06 left" in shown
    assert shown.endswith("\r\x1b[K")
    assert all(len(part) < 80 for part in shown.split("\r\x1b[K"))


def test_progress_in_a_log_is_a_line_at_times():
    clock = Clock()
    stream, sink = progress(is_terminal=False, clock=clock)
    write_for(sink, clock, 11)
    sink.close()
    assert stream.getvalue() == "25%, 30 of 120 frames, 0:06 left, 15.0 fps\n" * 2


def test_a_short_run_says_nothing_in_a_log():
    clock = Clock()
    stream, sink = progress(is_terminal=False, clock=clock)
    write_for(sink, clock, 2)
    sink.close()
    assert stream.getvalue() == ""


def test_progress_without_a_known_end_counts():
    clock = Clock()
    stream, sink = progress(is_terminal=True, clock=clock, frames_total=None, elapsed_s=3)
    write_for(sink, clock, 1)
    assert "30 frames · 0:03 · 15.0 fps" in stream.getvalue()


def test_progress_on_a_stream_that_is_gone_is_an_error_and_closes_quietly():
    clock = Clock()
    stream, sink = progress(is_terminal=True, clock=clock)
    sink.write(RESULT, None)
    clock.now_s += 1
    stream.broken = True
    with pytest.raises(SinkError, match="Input/output error"):
        sink.write(RESULT, None)
    sink.close()
