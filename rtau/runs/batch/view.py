"""How a batch is doing, on standard error: live bars on a terminal, a line now and then elsewhere.

Shows events and changes nothing; starts no thread. Built by `rtau.runs.batch.run`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rtau.runs.batch.reports import Begun, Ended, Event, FileReport, Moved

# Redrawing faster flickers; a log wants a sign of life, not a film.
REDRAW_EVERY_S, LINE_EVERY_S = 0.1, 15.0


class BatchView:
    """The lines a batch prints while it runs.

    Args:
        files: the names of the files, by job.
        stream: standard error, as a rule.
        clock: seconds that never go back.
    """

    def __init__(
        self, files: Sequence[str], stream: TextIO, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._files = files
        self._clock = clock
        self._console = Console(file=stream, highlight=False, soft_wrap=True, emoji=False)
        self._started_s = self._said_s = clock()
        self._ended = self._frames_ended = 0
        self._running: dict[int, Moved] = {}
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
        """Takes one event in and says how things stand, if it is time to."""
        if isinstance(event, Ended):
            self._end(event)
            if self._bars is None:
                self._said_s = self._clock()  # its line was the sign of life
        else:
            moved = Moved(event.job, 0, None) if isinstance(event, Begun) else event
            self._running[event.job] = moved
            self._move_bar(moved)
        now_s = self._clock()
        pause_s = LINE_EVERY_S if self._bars is None else REDRAW_EVERY_S
        if now_s - self._said_s >= pause_s:
            self._said_s = now_s
            self._say_all()

    def say(self, words: str) -> None:
        """Prints a line above the bars."""
        self._console.print(f"rtau: {words}", markup=False)

    def close(self) -> None:
        """Takes the bars away; may be called twice."""
        if self._bars is not None:
            self._bars.stop()

    def standing(self) -> str:
        """Returns how far the batch is: files, frames a second, and what is being worked on."""
        frames = self._frames_ended + sum(moved.frames for moved in self._running.values())
        elapsed_s = self._clock() - self._started_s
        fps = f"{frames / elapsed_s:.1f} fps" if elapsed_s > 0 and frames else "-- fps"
        now = ", ".join(
            f"{Path(self._files[job]).name} {_share(moved)}"
            for job, moved in sorted(self._running.items())
        )
        return f"{self._ended} of {len(self._files)} files, {fps}; now: {now or 'nothing'}"

    def _end(self, event: Ended) -> None:
        self._running.pop(event.job, None)
        self._ended += 1
        self._frames_ended += event.report.frames
        self.say(f"{event.report.file}: {event.words}")
        if self._bars is not None:
            task = self._tasks.pop(event.job, None)
            if task is not None:
                self._bars.remove_task(task)

    def _move_bar(self, moved: Moved) -> None:
        if self._bars is None:
            return
        if moved.job not in self._tasks:
            name = escape(Path(self._files[moved.job]).name)
            self._tasks[moved.job] = self._bars.add_task(name, total=None, note="")
        self._bars.update(
            self._tasks[moved.job],
            total=moved.frames_total,
            completed=moved.frames,
            note=f"{moved.frames} frames",
        )

    def _say_all(self) -> None:
        standing = self.standing()
        if self._bars is None:
            self.say(standing)
            return
        self._bars.update(self._all, completed=self._ended, note=standing.partition(";")[0])
        self._bars.refresh()


def _share(moved: Moved) -> str:
    if not moved.frames_total:
        return f"{moved.frames} frames"
    return f"{min(1.0, moved.frames / moved.frames_total):.0%}"


def show_failures(reports: Sequence[FileReport], stream: TextIO) -> None:
    """Prints which files failed and why: a table on a terminal, a line each elsewhere."""
    failed = [report for report in reports if report.status == "failed"]
    console = Console(file=stream, highlight=False, emoji=False)
    if not failed:
        return
    if not console.is_terminal:
        for report in failed:
            print(f"  failed: {report.file}: {report.error}", file=stream)
        return
    table = Table("failed", "why", box=None, pad_edge=False, header_style="bold")
    for report in failed:
        table.add_row(escape(report.file), escape(report.error or ""))
    console.print(table)
