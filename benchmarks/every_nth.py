"""Measures what `rtau video --every N` saves, and what it loses against every frame.

Runs each clip with every N, one after the other. An event is found again when it and one of the run
with every frame overlap by half of their union. Prints Markdown; with --write puts it between the
markers of a file.

    PYTHONPATH=. python benchmarks/every_nth.py CLIP.mp4... --write docs/many-files.md
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.document import origin, publish
from benchmarks.event_rules import is_found_again
from rtau.analysis.event_detection import Event
from rtau.analysis.face_summary import summary
from rtau.argument_parser import StrictArgumentParser
from rtau.cli.main import main as rtau
from rtau.runs.analyses import Selection, events_of
from rtau.runs.result_tables import ResultTable, read_result

SCRIPT = "benchmarks/every_nth.py"
STEPS = (1, 2, 3, 5, 10, 25)
SHORT_S = 0.5


def main() -> None:
    """Measures the clips and prints or writes the table."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers")
    args = parser.parse_args()
    rows = {step: [_run(clip, step) for clip in args.clips] for step in STEPS}
    whole = rows[1]
    head = "| N | frames | time | events | found again | of those under 0.5 s | mean, AUs |"
    lines = [head, f"|{'---|' * 7}"]
    lines += [f"| {step} | {_row(found, whole)} |" for step, found in rows.items()]
    names = ", ".join(clip.name for clip in args.clips)
    text = "\n\n".join([origin("onnxruntime"), f"Clips: {names}.", "\n".join(lines)])
    publish(text, document=args.write, script=SCRIPT)


def _run(clip: Path, step: int) -> ResultTable:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "clip.csv"
        words = ["video", str(clip), "--csv", str(table), "--every", str(step), "--view", "none"]
        if rtau(words) != 0:
            raise SystemExit(f"{clip}: cannot be run with --every {step}")
        return read_result(table, name=Path(clip.stem))


def _row(found: Sequence[ResultTable], whole: Sequence[ResultTable]) -> str:
    frames = sum(len(set(one.table["frame"].tolist())) for one in found)
    seconds, all_seconds = (sum(_seconds(one) for one in runs) for runs in (found, whole))
    events, true = ([_events(one) for one in runs] for runs in (found, whole))
    again = [
        (one.duration_s, any(_is_same(one, other) for other in mine))
        for mine, theirs in zip(events, true, strict=True)
        for one in theirs
    ]
    short = [is_found for duration_s, is_found in again if duration_s < SHORT_S]
    far = np.abs(np.concatenate([_means(a) - _means(b) for a, b in zip(found, whole, strict=True)]))
    cells = [
        f"{frames:,}",
        f"{seconds / all_seconds:.0%}",
        str(sum(map(len, events))),
        f"{sum(is_found for _, is_found in again)} of {len(again)}",
        f"{sum(short)} of {len(short)}",
        f"±{np.nanmax(far):.3f}",
    ]
    return " | ".join(cells)


def _seconds(result: ResultTable) -> float:
    return float((result.record or {})["wall_s"])


def _events(result: ResultTable) -> list[Event]:
    return [event for part in events_of(result, Selection()) for event in part.events]


def _means(result: ResultTable) -> np.ndarray:
    """Returns the mean probability of each label of the first face."""
    found = summary(result.table, thresholds=result.thresholds)
    names = [name for name in found.columns if name.startswith("mean_")]
    return np.array([float(found[name][0]) for name in names])


def _is_same(one: Event, other: Event) -> bool:
    return one.face == other.face and is_found_again(one, other)


if __name__ == "__main__":
    main()
