"""What TensorRT is doing while it builds, shown on the terminal.

TensorRT reports nested phases from its own threads; the outermost ones become bars on standard
error, so that standard output stays for results. Called by `rtau_export.engine`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

# Deeper phases come and go many times a second.
MAX_DEPTH = 2


class BuildPhases:
    """The phases of one build as bars; the methods are those of TensorRT's IProgressMonitor."""

    def __init__(self, progress: Progress) -> None:
        """Draws on a progress display that is running."""
        self._progress = progress
        self._depths: dict[str, int] = {}
        self._tasks: dict[str, Any] = {}
        self.interrupted = False
        """True once Ctrl-C was pressed during a phase: the build then ends at its next step."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """Shows a phase unless it is deep inside others."""
        depth = self._depths.get(parent_phase or "", -1) + 1
        self._depths[phase_name] = depth
        if depth < MAX_DEPTH:
            label = "  " * depth + phase_name
            self._tasks[phase_name] = self._progress.add_task(label, total=num_steps)

    def step_complete(self, phase_name: str, step: int) -> bool:
        """Moves a phase's bar; returns False to end the build."""
        try:
            if phase_name in self._tasks:
                self._progress.update(self._tasks[phase_name], completed=step + 1)
        except KeyboardInterrupt:  # must not cross TensorRT's C++ frames
            self.interrupted = True
        return not self.interrupted

    def phase_finish(self, phase_name: str) -> None:
        """Takes a phase off the display; the outermost stay until the end."""
        self._depths.pop(phase_name, None)
        task = self._tasks.pop(phase_name, None)
        if task is not None:
            self._progress.remove_task(task)


def monitor_for(module: Any, phases: BuildPhases) -> Any:
    """Returns the phases as a progress monitor of a TensorRT module."""
    base = module.IProgressMonitor

    class Monitor(base):  # type: ignore[misc,valid-type]  # known only once it is loaded
        def __init__(self) -> None:
            base.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.phase_start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return phases.step_complete(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            phases.phase_finish(phase_name)

    return Monitor()


Shown = Callable[[str], contextlib.AbstractContextManager[BuildPhases]]


@contextlib.contextmanager
def shown_on_stderr(title: str) -> Iterator[BuildPhases]:
    """Shows a build on standard error: bars on a terminal, one plain line elsewhere."""
    console = Console(stderr=True)
    console.print(title, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        yield BuildPhases(progress)
