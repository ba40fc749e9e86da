"""Progress of a batch on a terminal and in a log."""

import io

import pytest

from rtau.runs.batch._progress_view import LINE_EVERY_S, BatchView, show_failures
from rtau.runs.batch._reports import FileReport, JobEnded, JobProgress, JobStarted


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture(autouse=True)
def terminal_that_can_move_its_cursor(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def clock():
    return Clock()


def ended(job, name, *, frames=50):
    report = FileReport(name, "done", frames=frames, fps=10.0, seconds=5.0)
    return JobEnded(job, report, f"{frames} frames")


def test_progress_shows_files_done_rate_and_running_files(clock):
    view = BatchView(["in/a.mp4", "in/b.mp4", "in/c.mp4"], io.StringIO(), clock=clock)
    assert view.progress_line() == "0 of 3 files, -- fps; now: nothing"

    view.show(JobStarted(0))
    view.show(JobStarted(1))
    view.show(JobProgress(1, 30, 120))
    clock.now_s += 4
    view.show(ended(0, "in/a.mp4"))
    view.show(JobStarted(2))

    assert view.progress_line() == "1 of 3 files, 20.0 fps; now: b.mp4 25%, c.mp4 0 frames"


def test_a_log_gets_a_line_per_file_and_progress_at_intervals(clock):
    stream = io.StringIO()
    view = BatchView(["[b].mp4", "c.mp4"], stream, clock=clock)
    for _ in range(3):
        view.show(JobProgress(1, 5, None))
        clock.now_s += LINE_EVERY_S / 2
    view.show(ended(0, "[b].mp4"))
    view.close()

    assert stream.getvalue().splitlines() == [
        "rtau: 0 of 2 files, 0.3 fps; now: c.mp4 5 frames",
        "rtau: [b].mp4: 50 frames",
    ]


def test_a_terminal_gets_bars_that_are_removed(clock):
    stream = Terminal()
    view = BatchView(["in/[a].mp4", "in/b.mp4"], stream, clock=clock)
    view.show(JobStarted(0))
    clock.now_s += 2
    view.show(JobProgress(0, 30, 120))
    drawn = stream.getvalue()
    view.show(ended(0, "in/[a].mp4"))
    view.close()
    view.close()

    assert "[a].mp4" in drawn
    assert "30 frames" in drawn
    assert "0 of 2 files, 15.0 fps" in drawn
    assert "rtau: in/[a].mp4: 50 frames" in stream.getvalue()


REPORTS = [
    FileReport("a.mp4", "done"),
    FileReport("[b].mp4", "failed", error="not a video"),
    FileReport("c.mp4", "interrupted"),
]


def test_failures_are_a_line_each_in_a_log():
    stream = io.StringIO()
    show_failures(REPORTS, stream)
    assert stream.getvalue() == "  failed: [b].mp4: not a video\n"


def test_failures_are_a_table_on_a_terminal():
    stream = Terminal()
    show_failures(REPORTS, stream)
    assert "why" in stream.getvalue()
    assert "[b].mp4  not a video" in stream.getvalue()


def test_without_failures_nothing_is_printed():
    stream = io.StringIO()
    show_failures(REPORTS[:1], stream)
    assert stream.getvalue() == ""
