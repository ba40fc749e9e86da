"""Measures what smoothing and hysteresis do to the decisions that views show.

Takes tables of earlier runs with their run records. An activation is a stretch of frames in which a
label is decided to be active; short ones last less than 0.1 s. The lag is the median delay of onset
and offset, over the activations of p >= threshold that last 0.5 s or longer and that both have.
Prints Markdown; with --write puts it between the markers of a file.

    PYTHONPATH=. python benchmarks/steady_views.py CLIP.csv... --write docs/steady.md
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.document import origin, publish
from rtau.analysis.face_series import FaceSeries, files_of, labels_of
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import find_model
from rtau.backends.onnx_file import contract_in
from rtau.config import ModelConfig
from rtau.decisions import VIEW_HYSTERESIS, VIEW_SMOOTH_S, Decider
from rtau.runs.result_tables import read_result

SCRIPT = "benchmarks/steady_views.py"
SHORT_S = 0.1
LONG_S = 0.5
SMOOTH_S = (0.0, 0.1, 0.15, 0.2, 0.3)
HYSTERESIS = (0.0, 0.2, 0.4, 0.6)


# Onset and offset of an activation, seconds, and its label.
Activation = tuple[float, float, str]


def main() -> None:
    """Measures the tables and prints or writes the result."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "tables", nargs="+", type=Path, help="NAME.csv with NAME.run.json beside it"
    )
    parser.add_argument("--write", type=Path, help="Markdown file with the markers")
    args = parser.parse_args()
    model = find_model(ModelConfig().model)
    contract = contract_in(model.read_bytes(), origin=str(model))
    faces = [series for path in args.tables for series in _faces(path)]
    raw = [_activations(series, Decider(contract)) for series in faces]
    lines = [
        "| smoothing, s | hysteresis | activations | short | lag, ms |",
        "|---|---|---|---|---|",
    ]
    for smooth_s, hysteresis in itertools.product(SMOOTH_S, HYSTERESIS):
        deciders = [Decider(contract, smooth_s=smooth_s, hysteresis=hysteresis) for _ in faces]
        found = [_activations(*pair) for pair in zip(faces, deciders, strict=True)]
        is_default = (smooth_s, hysteresis) == (VIEW_SMOOTH_S, VIEW_HYSTERESIS)
        mark = "**" if is_default else ""
        lines.append(f"| {mark}{smooth_s:g}{mark} | {hysteresis:g} | {_row(raw, found)} |")
    frames = sum(int(series.usable.sum()) for series in faces)
    made = f"Model `{contract.name}`. {origin('onnxruntime')}"
    names = f"{', '.join(path.name for path in args.tables)}: {frames:,} frames with a face."
    text = "\n\n".join([made, names, "\n".join(lines)])
    publish(text, document=args.write, script=SCRIPT)


def _faces(path: Path) -> list[FaceSeries]:
    result = read_result(path, name=Path(path.stem))
    return [series for frames in files_of(result.table, all_rows=True) for series in frames.faces]


def _activations(series: FaceSeries, decider: Decider) -> list[Activation]:
    """Returns the activations of one face as a view of that run would show them."""
    labels = labels_of(series.table)
    p = np.stack([series.values(f"{label}_p") for label in labels], axis=1)
    active = np.zeros(p.shape, np.bool_)
    one = np.array([1], np.int64)
    for frame in np.flatnonzero(series.usable).tolist():
        row = p[frame : frame + 1].astype(np.float32)
        time_s = float(series.times_s[frame])
        active[frame] = decider.decide(row, track_ids=one, time_s=time_s)[0]
    return [
        (float(series.times_s[first]), float(series.ends_s[last - 1]), label)
        for k, label in enumerate(labels)
        for first, last in _runs(active[:, k])
    ]


def _runs(flags: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yields where flags are set, half-open."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _row(raw: Sequence[list[Activation]], found: Sequence[list[Activation]]) -> str:
    every = [one for of_face in found for one in of_face]
    short = sum(offset - onset < SHORT_S for onset, offset, _ in every)
    delays = [
        delay
        for before, after in zip(raw, found, strict=True)
        for one in before
        if one[1] - one[0] >= LONG_S
        for delay in _delays(one, after)
    ]
    return f"{len(every)} | {short} | {1000 * np.median(delays):.0f}"


def _delays(one: Activation, after: Sequence[Activation]) -> Iterator[float]:
    """Yields the delays of onset and offset where exactly one later activation overlaps it."""
    same = [b for b in after if b[2] == one[2] and b[0] < one[1] + LONG_S and b[1] > one[0]]
    if len(same) == 1:
        yield same[0][0] - one[0]
        yield same[0][1] - one[1]


if __name__ == "__main__":
    main()
