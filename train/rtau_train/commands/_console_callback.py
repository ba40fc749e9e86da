"""Shows the progress of a training run on a console.

Called by every verb that trains.
"""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rtau_train.fitting.history import EpochDone
from rtau_train.fitting.loop import Callback


class ConsoleCallback(Callback):
    """Shows a bar on a terminal and a line per epoch anywhere, on stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self.bar.add_task("epoch", total=None)

    def step(self, done: int, total: int, /) -> None:
        """Moves the bar."""
        self.bar.update(self._task, completed=done, total=total)

    def epoch(self, done: EpochDone, /) -> None:
        """Prints a line."""
        self._console.print(
            f"epoch {done.epoch}/{done.epochs}: loss {done.loss:.4f}, validation loss "
            f"{done.validation_loss:.4f}, score {done.score:.3f}, {done.wall_s:.0f} s"
        )

    def note(self, text: str, /) -> None:
        """Prints a line."""
        self._console.print(f"note: {text}", markup=False)
