"""Measures rules of event detection on rendered clips with known truth.

Beside each NAME.mp4 lies NAME.csv with the true intensities of every face and frame. True events
are stretches of intensity 2 or more; an event is found when it and a true one overlap by half of
their union. Prints Markdown; with --write puts it between the markers of a file.

    PYTHONPATH=.:train python benchmarks/event_rules.py CLIP.mp4... --write docs/events.md
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.document import origin, publish
from rtau import Detector
from rtau.analysis.codes import codes_of_face
from rtau.analysis.comparison import face_like
from rtau.analysis.event_detection import Event, EventRule, find_events
from rtau.analysis.face_series import FaceSeries, files_of, labels_of
from rtau.argument_parser import StrictArgumentParser
from rtau.table import Table

SCRIPT = "benchmarks/event_rules.py"
TRUTH = EventRule(values="r", hysteresis=0, min_duration_s=0, max_gap_s=0)
FOUND_OVERLAP = 0.5
# Standard deviations of noise that is added to the log-odds, as on footage that flickers.
NOISE = (0.0, 0.5, 1.0)
# Field of the rule -> values that are tried, the others at their defaults.
TRIED = {
    "hysteresis": (0.0, 0.1, 0.2, 0.4, 0.5, 0.7),
    "smooth_s": (0.0, 0.1, 0.2, 0.4),
    "min_duration_s": (0.0, 0.1, 0.2, 0.3),
    "max_gap_s": (0.0, 0.1, 0.2, 0.3),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
    """One face of a clip, as rtau saw it and as it was."""

    series: FaceSeries
    truth: list[Event]
    labels: tuple[str, ...]
    """Labels whose truth is known; events of others are not judged."""


def main() -> None:
    """Measures the clips and prints or writes the tables."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, help="NAME.mp4 with NAME.csv beside it")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers")
    args = parser.parse_args()
    with Detector() as detector:
        thresholds = dict(zip(detector.labels, detector.contract.thresholds, strict=True))
        tables = [(detector.table(clip), clip.with_suffix(".csv")) for clip in args.clips]
        made = f"Model `{detector.contract.name}`. {origin('onnxruntime')}"
    parts = [made, _clips(args.clips)]
    for noise in NOISE:
        faces = [face for table, truth in tables for face in _faces(_noisy(table, noise), truth)]
        parts.append(_section(faces, thresholds, noise))
    text = "\n\n".join(parts)
    publish(text, document=args.write, script=SCRIPT)


def _clips(clips: Sequence[Path]) -> str:
    return f"Clips: {', '.join(clip.name for clip in clips)}."


def _section(faces: Sequence[Face], thresholds: dict[str, float], noise: float) -> str:
    count = sum(len(face.truth) for face in faces)
    lines = [
        f"**{'As scored' if noise == 0 else f'Noise of {noise:g} in log-odds'}**, "
        f"{count} true events",
        "",
        "| rule | events | found | F1 | onset, ms | offset, ms |",
        "|---|---|---|---|---|---|",
    ]
    default = EventRule(values="p")
    rules = [("default", default)]
    for field, values in TRIED.items():
        rules += [
            (f"`{field}` {value:g}", dataclasses.replace(default, **{field: value}))
            for value in values
            if value != getattr(default, field)
        ]
    lines += [f"| {name} | {_row(faces, rule, thresholds)} |" for name, rule in rules]
    return "\n".join(lines)


def _row(faces: Sequence[Face], rule: EventRule, thresholds: dict[str, float]) -> str:
    events, true, onsets, offsets = 0, 0, [], []
    for face in faces:
        every = find_events(face.series, rule, thresholds=thresholds)
        found = [one for one in every if one.au in face.labels]
        events += len(found)
        true += len(face.truth)
        for one in face.truth:
            other = _best(one, found)
            if other is not None:
                onsets.append(other.onset_s - one.onset_s)
                offsets.append(other.offset_s - one.offset_s)
    score = 2 * len(onsets) / (events + true)
    early, late = (1000 * np.median(np.abs(errors)) for errors in (onsets, offsets))
    return f"{events} | {len(onsets)} | {score:.3f} | {early:.0f} | {late:.0f}"


def _best(one: Event, found: Iterable[Event]) -> Event | None:
    """Returns the event that overlaps a true one enough; there is one at most."""
    return next((other for other in found if is_found_again(one, other)), None)


def is_found_again(one: Event, other: Event) -> bool:
    """Returns whether two events are of one label and overlap by enough of their union."""
    shared = min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s)
    union = max(one.offset_s, other.offset_s) - min(one.onset_s, other.onset_s)
    return one.au == other.au and shared / union > FOUND_OVERLAP


def matched_faces(table: Table, truth: Path) -> list[tuple[FaceSeries, FaceSeries]]:
    """Returns the faces of a clip's truth that a table has too: as rtau saw each, and as it was."""
    (seen,) = files_of(table)
    (true,) = files_of(_truth_table(truth))
    codes = [codes_of_face(one) for one in seen.faces]
    matches = [(face_like(codes_of_face(one), codes), one) for one in true.faces]
    return [(seen.faces[place], one) for place, one in matches if place is not None]


def _faces(table: Table, truth: Path) -> list[Face]:
    pairs = matched_faces(table, truth)
    return [
        Face(seen, find_events(true, TRUTH), tuple(labels_of(true.table))) for seen, true in pairs
    ]


def _truth_table(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    columns = {
        "frame": numbers["frame"].astype(np.int64) + 1,
        "face_id": numbers["face"].astype(np.int64) + 1,
        "timestamp": numbers["time_s"],
        "face_x": numbers["x0"],
        "face_y": numbers["y0"],
        "face_w": numbers["x1"] - numbers["x0"],
        "face_h": numbers["y1"] - numbers["y0"],
    }
    columns |= {f"{name}_r": numbers[name] for name in numbers if name.startswith("AU")}
    return Table(columns)


def _noisy(table: Table, deviation: float) -> Table:
    """Returns the table with noise on its log-odds, a new value in every frame."""
    generator = np.random.default_rng(0)
    columns = dict(table.columns)
    for name, values in table.columns.items():
        if name.endswith("_p"):
            p = values.clip(1e-6, 1 - 1e-6)
            logits = np.log(p / (1 - p)) + deviation * generator.standard_normal(len(p))
            columns[name] = 1 / (1 + np.exp(-logits))
    return Table(columns)


if __name__ == "__main__":
    main()
