"""Measures how well a model tells the left of a face from the right, on folders of renders.

By the composites that a run uses (`rtau.sides`), on crops that lie as the runtime cuts them. Prints
Markdown or writes docs/weights.md.

    PYTHONPATH=.:train python benchmarks/face_sides.py FOLDER... --write
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
from rtau.backends.parity import as_crops
from rtau.columns import side_columns
from rtau.protocols import Engine
from rtau.sides import composites
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.evaluation.evaluate import cut_plain
from rtau_train.recipe import read_recipe

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "weights.md"
SCRIPT = "benchmarks/face_sides.py"
# Says where in a picture the crop lies.
RECIPE = ROOT / "train" / "recipes" / "shufflenetv2-au18.toml"
# A face whose mean intensity is lower shows the label on neither side; sides that lie further apart
# than the second can be told by a coder.
SHOWN_FROM, SIDED_FROM = 0.5, 1.0
NEARLY_FRONTAL_DEG = 15.0
# Of fewer pictures a correlation says nothing.
FEWEST = 30
BATCH = 64

Values = npt.NDArray[np.float64]


def log_odds_differences(engine: Engine, crops: npt.NDArray[np.uint8], /) -> Values:
    """Returns the log-odds of left composites less those of right ones: float64 (N, A)."""
    found = []
    for first in range(0, len(crops), BATCH):
        halves = as_crops(composites(crops[first : first + BATCH]))
        left, right = np.split(engine.infer(halves).logits, 2)
        found.append(left - right)
    return np.concatenate(found).astype(np.float64)


def table(engine: Engine, folder: Path) -> Iterator[str]:
    """Yields the Markdown table of one folder: all labels whose sides it has."""
    contract = engine.contract
    data = read_folder(folder, labels=contract.labels)
    crops = cut_plain(data, np.arange(len(data)), read_recipe(RECIPE))
    told = log_odds_differences(engine, crops)
    is_frontal = np.abs(data.columns["yaw_deg"].astype(float)) < NEARLY_FRONTAL_DEG
    yield f"`{folder.name}`: {len(data)} pictures."
    yield ""
    yield "| AU | pictures with it | r | nearly frontal | sides a level apart | right side | told |"
    yield "|---|---|---|---|---|---|---|"
    for column, label in enumerate(contract.labels):
        names = [name.removesuffix("_r") for name in side_columns(label)]
        if names[0] not in data.columns:
            continue
        left, right = (data.columns[name].astype(float) for name in names)
        true, ours = left - right, told[:, column]
        shown = (left + right) / 2 >= SHOWN_FROM
        apart = shown & (np.abs(true) >= SIDED_FROM)
        hits = np.sign(ours[apart]) == np.sign(true[apart])
        cells = [
            f"{shown.sum()}",
            _correlation(ours[shown], true[shown]),
            _correlation(ours[shown & is_frontal], true[shown & is_frontal]),
            f"{apart.sum()}",
            f"{hits.mean():.0%}" if len(hits) else "-",
            "yes" if label in (contract.sides or ()) else "no",
        ]
        yield f"| {label} | {' | '.join(cells)} |"


def _correlation(ours: Values, true: Values) -> str:
    if len(ours) < FEWEST or not ours.std() or not true.std():
        return "-"
    return f"{np.corrcoef(ours, true)[0, 1]:.2f}"


def text_of(engine: Engine, folders: Sequence[Path]) -> str:
    """Returns the tables of all folders."""
    lines = [f"Model `{engine.contract.name}`. {origin('onnxruntime')}"]
    for folder in folders:
        lines += ["", *table(engine, folder)]
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
