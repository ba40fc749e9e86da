"""Scores a model on pairs of one face, neutral and with Action Units moved into it.

Of `rtau-train warp --london even`: photographs of people whom no step has trained on. The pair asks
whether an action raises the score of the same face, the AUC whether it raises it above everybody's
neutral faces. Prints Markdown or writes docs/weights.md.

    PYTHONPATH=.:train python benchmarks/warped_pairs.py FOLDER --write
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.document import origin, publish
from benchmarks.rendered_heads import DOCUMENT, probabilities
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau.protocols import Engine
from rtau_train.card.scoring import thresholds_of
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import OCCURS_FROM
from rtau_train.evaluation.binary_metrics import auc

SCRIPT = "benchmarks/warped_pairs.py"

Floats = npt.NDArray[np.float64]


class Figures(NamedTuple):
    """What a model makes of one AU."""

    pairs: int
    """Pairs in which the AU was moved by an intensity of 2 or more, on one side or both."""
    higher: float
    """Share of them whose warped face scores above its own neutral one."""
    area: float
    """AUC of these warped faces against all neutral ones."""
    hits: float
    """Share of these warped faces that are above the threshold."""
    alarms: float
    """Share of neutral faces that are above it."""


def figures(
    scores: Floats,
    /,
    *,
    thresholds: Floats,
    labels: Sequence[str],
    files: Sequence[str],
    pairs: Path,
) -> dict[str, Figures]:
    """Returns the figures of each AU that was moved.

    Args:
        scores: float64 (N, A), probabilities of the pictures.
        thresholds: float64 (A,).
        labels: the AUs, A of them.
        files: names of the pictures, N of them, as in `pairs`.
        pairs: pairs.csv of the folder.
    """
    row_of = {file: row for row, file in enumerate(files)}
    listed = list(csv.DictReader(pairs.read_text("utf-8").splitlines()))
    neutral = sorted({row_of[pair["neutral"]] for pair in listed})
    found = {}
    for column, label in enumerate(labels):
        moved = [pair for pair in listed if _added(pair, label) >= OCCURS_FROM]
        if not moved:
            continue
        warped, before = (
            scores[[row_of[pair[name]] for pair in moved], column] for name in ("warped", "neutral")
        )
        calm = scores[neutral, column]
        is_warped = np.arange(len(warped) + len(calm)) < len(warped)
        found[label] = Figures(
            len(moved),
            float((warped > before).mean()),
            auc(np.concatenate([warped, calm]), is_warped),
            float((warped >= thresholds[column]).mean()),
            float((calm >= thresholds[column]).mean()),
        )
    return found


def table(found: dict[str, Figures]) -> Iterator[str]:
    """Yields a Markdown table."""
    yield "| AU | pairs | higher than its own neutral | AUC | active when moved | when neutral |"
    yield "|---|---|---|---|---|---|"
    for label, of in found.items():
        yield (
            f"| {label} | {of.pairs} | {of.higher:.0%} | {of.area:.3f} | {of.hits:.0%} "
            f"| {of.alarms:.0%} |"
        )
    _, *means = np.mean([*found.values()], axis=0)
    yield "| mean | | {:.0%} | {:.3f} | {:.0%} | {:.0%} |".format(*means)


def text_of(engine: Engine, folder: Path) -> str:
    """Returns the table of a folder."""
    contract = engine.contract
    data = read_folder(folder, labels=contract.labels)
    found = figures(
        probabilities(engine, data),
        thresholds=thresholds_of(contract),
        labels=contract.labels,
        files=data.files,
        pairs=folder / "pairs.csv",
    )
    people = len(set(data.subjects.tolist()))
    head = f"Model `{contract.name}`. {origin('onnxruntime')}"
    return "\n".join([head, "", f"{len(data)} pictures of {people} people.", "", *table(found)])


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of `rtau-train warp`")
    parser.add_argument("--model", default="shufflenetv2-au14")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    text = text_of(open_engine(arguments.model, threads=1), arguments.folder)
    publish(text, document=DOCUMENT if arguments.write else None, script=SCRIPT)
    return 0


def _added(pair: dict[str, str], label: str) -> float:
    """Returns the larger of the intensities that were added to the two sides; 0 if none was."""
    return max(float(pair.get(f"{label}_{side}", 0.0)) for side in "LR")


if __name__ == "__main__":
    sys.exit(main())
