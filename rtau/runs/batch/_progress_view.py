"""Shows the progress of a batch on standard error: bars on a terminal, else lines at intervals."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rtau.runs.batch._reports import Event, FileReport, JobEnded, JobProgress, JobStarted
from rtau.runs.log import messages_may_be_lost
from rtau.shown import message, shown

# Redrawing bars faster flickers; a log needs a line only every few seconds.
REDRAW_EVERY_S, LINE_EVERY_S = 0.1, 15.0


class BatchView:
    """The progress of a batch; starts no thread.

    Args:
        files: the names of the files, by job.
        stream: standard error.
        clock: monotonic seconds.
    """

    def __init__(
        self, files: Sequence[str], stream: TextIO, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._files = files
        self._clock = clock
        self._console = Console(file=stream, highlight=False, soft_wrap=True, emoji=False)
        self._started_s = self._printed_s = clock()
        self._ended = self._frames_ended = 0
        self._running: dict[int, JobProgress] = {}
        self._bars: Progress | None = None
        if self._console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=self._console,
                auto_refresh=False,
                transient=True,
            )
            self._all = self._bars.add_task("all files", total=len(files), note="")
            self._tasks: dict[int, TaskID] = {}
            self._bars.start()

    def show(self, event: Event) -> None:
        """Updates by one event, and prints the progress if the interval is over."""
        if isinstance(event, JobEnded):
            self._end(event)
            if self._bars is None:
                self._printed_s = self._clock()  # the line of the file counts
        else:
            progress = JobProgress(event.job, 0, None) if isinstance(event, JobStarted) else event
            self._running[event.job] = progress
            self._update_bar(progress)
        now_s = self._clock()
        if now_s - self._printed_s >= (LINE_EVERY_S if self._bars is None else REDRAW_EVERY_S):
            self._printed_s = now_s
            self._print_progress()

    def say(self, line: str) -> None:
        """Prints a line above the bars."""
        with messages_may_be_lost():
            self._console.print(f"rtau: {message(line)}", markup=False)

    def close(self) -> None:
        """Removes the bars; may be called twice."""
        if self._bars is not None:
            self._bars.stop()

    def progress_line(self) -> str:
        """Returns the progress in one line: files done, frames per second, running files."""
        frames = self._frames_ended + sum(progress.frames for progress in self._running.values())
        elapsed_s = self._clock() - self._started_s
        fps = f"{frames / elapsed_s:.1f} fps" if elapsed_s > 0 and frames else "-- fps"
        now = ", ".join(
            f"{shown(Path(self._files[job]).name)} {_share(progress)}"
            for job, progress in sorted(self._running.items())
        )
        return f"{self._ended} of {len(self._files)} files, {fps}; now: {now or 'nothing'}"

    def _end(self, event: JobEnded) -> None:
        self._running.pop(event.job, None)
        self._ended += 1
        self._frames_ended += event.report.frames
        self.say(f"{event.report.file}: {event.summary}")
        if self._bars is not None:
            task = self._tasks.pop(event.job, None)
            if task is not None:
                self._bars.remove_task(task)

    def _update_bar(self, progress: JobProgress) -> None:
        if self._bars is None:
            return
        if progress.job not in self._tasks:
            name = escape(shown(Path(self._files[progress.job]).name))
            self._tasks[progress.job] = self._bars.add_task(name, total=None, note="")
        self._bars.update(
            self._tasks[progress.job],
            total=progress.frames_total,
            completed=progress.frames,
            note=f"{progress.frames} frames",
        )

    def _print_progress(self) -> None:
        line = self.progress_line()
        if self._bars is None:
            self.say(line)
            return
        self._bars.update(self._all, completed=self._ended, note=line.partition(";")[0])
        self._bars.refresh()


def _share(progress: JobProgress) -> str:
    if not progress.frames_total:
        return f"{progress.frames} frames"
    return f"{min(1.0, progress.frames / progress.frames_total):.0%}"


def show_failures(reports: Sequence[FileReport], stream: TextIO) -> None:
    """Prints the failed files with their errors: a table on a terminal, else a line each."""
    failed = [report for report in reports if report.status == "failed"]
    console = Console(file=stream, highlight=False, emoji=False)
    if not failed:
        return
    if not console.is_terminal:
        for report in failed:
            with messages_may_be_lost():
                print(f"  failed: {message(f'{report.file}: {report.error}')}", file=stream)
        return
    table = Table("failed", "why", box=None, pad_edge=False, header_style="bold")
    for report in failed:
        table.add_row(escape(shown(report.file)), escape(message(report.error or "")))
    console.print(table)
