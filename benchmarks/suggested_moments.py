"""Measures how often the model is wrong in the moments that `rtau-train suggest` lists.

Beside each NAME.mp4 lies NAME.csv with the true intensities of every face and frame. A decision is
wrong where it is not (intensity >= 2); as many moments are compared with all frames. Prints
Markdown; with --write puts it between the markers of a file.

    PYTHONPATH=.:train python benchmarks/suggested_moments.py CLIP.mp4... --write docs/coding.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.document import origin, publish
from benchmarks.event_rules import matched_faces
from rtau import Detector
from rtau.analysis.event_detection import INTENSITY_THRESHOLD
from rtau.analysis.face_series import FaceSeries, Flags
from rtau.analysis.uncertain_moments import uncertain_moments
from rtau.argument_parser import StrictArgumentParser
from rtau.table import Table

SCRIPT = "benchmarks/suggested_moments.py"
COUNTS = (20, 60, 200)


def main() -> None:
    """Measures the clips and prints or writes the table."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, help="NAME.mp4 with NAME.csv beside it")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers")
    args = parser.parse_args()
    with Detector() as detector:
        thresholds = dict(zip(detector.labels, detector.contract.thresholds, strict=True))
        tables = [(detector.table(clip), clip.with_suffix(".csv")) for clip in args.clips]
        made = f"Model `{detector.contract.name}`. {origin('onnxruntime')}"
    heads = " | ".join(f"{count} moments" for count in COUNTS)
    lines = [f"| clip | all frames | {heads} |", f"|{'---|' * (2 + len(COUNTS))}"]
    lines += [
        f"| {clip.name} | {' | '.join(_shares(table, truth, thresholds))} |"
        for clip, (table, truth) in zip(args.clips, tables, strict=True)
    ]
    text = "\n\n".join([made, "Share of wrong decisions:", "\n".join(lines)])
    publish(text, document=args.write, script=SCRIPT)


def _shares(table: Table, truth: Path, thresholds: Mapping[str, float]) -> Iterator[str]:
    wrong = dict(_wrong(table, truth, thresholds))
    everything = np.concatenate([flags[series.usable] for (_, series), flags in wrong.items()])
    yield f"{everything.mean():.0%}"
    faces = {series.face for _, series in wrong}
    labels = sorted({label for label, _ in wrong})
    for count in COUNTS:
        found = uncertain_moments(table, thresholds=thresholds, count=count, labels=labels)
        judged = []
        for (label, series), flags in wrong.items():
            for one in found:
                if (one.au, one.face) == (label, series.face) and one.face in faces:
                    middle = (one.onset_s + one.offset_s) / 2
                    judged.append(flags[np.abs(series.times_s - middle).argmin()])
        yield f"{np.mean(judged):.0%}"


def _wrong(
    table: Table, truth: Path, thresholds: Mapping[str, float]
) -> Iterator[tuple[tuple[str, FaceSeries], Flags]]:
    """Yields where each label of each face is decided wrongly, (n,)."""
    for series, true in matched_faces(table, truth):
        for label, threshold in thresholds.items():
            column = f"{label}_r"
            if column not in true.table.columns:
                continue
            occurs = true.values(column) >= INTENSITY_THRESHOLD
            yield (label, series), (series.values(f"{label}_p") >= threshold) != occurs


if __name__ == "__main__":
    main()
