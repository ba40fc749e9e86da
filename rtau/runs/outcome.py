"""How a run ended, as its exit code and as the line that the user reads."""

from __future__ import annotations

import dataclasses

from rtau.execution.runner import RunSummary
from rtau.runs.interrupts import INTERRUPTED
from rtau.runs.log import counted
from rtau.runs.outputs import Outputs


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How a run ended."""

    summary: RunSummary
    interrupted: bool
    outputs: Outputs
    """Where the results are."""
    kept: bool = False
    """True if they are under temporary names, because they would replace whole ones."""
    notes: tuple[str, ...] = ()
    """What of the source or of the results is not as one may expect."""

    @property
    def exit_code(self) -> int:
        """0 done, 130 interrupted; failures are exceptions."""
        return INTERRUPTED if self.interrupted else 0

    def __str__(self) -> str:
        """Returns what the run did and where its results are, in one line."""
        summary = self.summary
        parts = [
            counted(summary.frames_done, "frame"),
            counted(summary.tracks, "face"),
            f"{summary.wall_s:.1f} s",
            f"{summary.fps:.1f} fps",
        ]
        if summary.frames_dropped:
            parts.append(f"{summary.frames_dropped} dropped")
        if summary.frames_corrupt:
            parts.append(f"{summary.frames_corrupt} could not be decoded")
        parts += [f"lost view {view}" for view in summary.lost_views]
        end = "interrupted after " if self.interrupted else ""
        notes = "".join(f"; {note}" for note in self.notes)
        if self.kept:
            return f"{end}{', '.join(parts)}; {self.outputs.kept_words()}{notes}"
        places = self.outputs.places()
        return f"{end}{', '.join(parts)}{f' -> {places}' if places else ''}{notes}"
