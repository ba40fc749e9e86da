"""Scores a model on folders of renders: how well each AU is ranked, and how often it is on.

For heads that a model has not seen: those of another family, say (`rtau-train synth --avatars`).
Crops lie as the runtime cuts them, on the true points. Prints Markdown or writes docs/weights.md.

    PYTHONPATH=.:train python benchmarks/rendered_heads.py FOLDER... --write
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.document import origin, publish
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau.protocols import Engine
from rtau_train.card.scoring import UNCHANGED, scored, thresholds_of, unchanged
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.evaluation.binary_metrics import auc, f1
from rtau_train.recipe import read_recipe

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "weights.md"
SCRIPT = "benchmarks/rendered_heads.py"
# Says where in a picture the crop lies.
RECIPE = ROOT / "train" / "recipes" / "shufflenetv2-au18.toml"


def probabilities(engine: Engine, data: LabelledCrops) -> npt.NDArray[np.float64]:
    """Returns what a model says of every picture of a folder: float64 (N, A)."""
    rows, recipe = np.arange(len(data)), read_recipe(RECIPE)
    return scored(engine, data, rows, recipe=recipe, changes={UNCHANGED: unchanged})[UNCHANGED]


def figures(engine: Engine, folder: Path) -> dict[str, tuple[float, ...]]:
    """Returns for each AU that occurs: pictures with it, AUC, F1, shares on with and without it."""
    contract = engine.contract
    data = read_folder(folder, labels=contract.labels)
    said = probabilities(engine, data)
    active = said >= thresholds_of(contract)
    found: dict[str, tuple[float, ...]] = {}
    for column, label in enumerate(contract.labels):
        known = data.coded[:, column]
        is_there, is_on = data.occurs[known, column], active[known, column]
        if is_there.any():
            found[label] = (
                float(is_there.sum()),
                auc(said[known, column], is_there),
                f1(is_on, is_there),
                float(is_on[is_there].mean()),
                float(is_on[~is_there].mean()),
            )
    return found


def table(found: dict[str, tuple[float, ...]]) -> Iterator[str]:
    """Yields a Markdown table of one folder."""
    yield "| AU | pictures with it | AUC | F1 | active where present | active where absent |"
    yield "|---|---|---|---|---|---|"
    for label, (count, area, score, hits, alarms) in found.items():
        yield f"| {label} | {count:.0f} | {area:.3f} | {score:.3f} | {hits:.0%} | {alarms:.0%} |"
    _, *means = np.mean([*found.values()], axis=0)
    yield "| mean | | {:.3f} | {:.3f} | {:.0%} | {:.0%} |".format(*means)


def text_of(engine: Engine, folders: Sequence[Path]) -> str:
    """Returns the tables of all folders."""
    lines = [f"Model `{engine.contract.name}`. {origin('onnxruntime')}"]
    for folder in folders:
        data = read_folder(folder, labels=engine.contract.labels)
        people = len(set(data.subjects.tolist()))
        lines += ["", f"`{folder.name}`: {len(data)} pictures of {people} people.", ""]
        lines += table(figures(engine, folder))
    return "\n".join(lines)


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="of `rtau-train synth`")
    parser.add_argument("--model", default="shufflenetv2-au14")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    text = text_of(open_engine(arguments.model, threads=1), arguments.folders)
    publish(text, document=DOCUMENT if arguments.write else None, script=SCRIPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
