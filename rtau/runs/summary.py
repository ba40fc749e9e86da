"""The closing line of a run, on standard error: what was done, and where the results are."""

from __future__ import annotations

from rtau.runs.log import say
from rtau.runs.outputs import Outputs
from rtau.runs.session import Outcome
from rtau.sinks import STDOUT


def print_summary(target: str, outcome: Outcome, *, outputs: Outputs) -> None:
    """Prints one line for a run that ended well or was interrupted."""
    say(f"{target}: {summary_words(outcome, outputs=outputs)}")


def summary_words(outcome: Outcome, *, outputs: Outputs) -> str:
    """Returns what a run did and where its results are, in one line."""
    summary = outcome.summary
    parts = [
        _counted(summary.frames_done, "frame"),
        _counted(summary.tracks, "face"),
        f"{summary.wall_s:.1f} s",
        f"{summary.fps:.1f} fps",
    ]
    if summary.frames_dropped:
        parts.append(f"{summary.frames_dropped} dropped")
    if summary.frames_corrupt:
        parts.append(f"{summary.frames_corrupt} could not be decoded")
    parts += [f"lost view {view}" for view in summary.lost_views]
    end = "interrupted after " if outcome.interrupted else ""
    where = ", ".join(place for place in outputs.named().values() if place != STDOUT)
    arrow = f" -> {where}" if where else ""
    return f"{end}{', '.join(parts)}{arrow}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
