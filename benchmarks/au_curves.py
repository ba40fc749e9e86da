"""Compares the AU curves of a clip with its ground truth: ranking, correlation, lag, jitter.

Needs a clip NAME.mp4 with NAME.csv (frame from 0, face, x0 y0 x1 y1 = box of the 68 landmarks, and
`AU01` ... intensities 0-5). Prints Markdown; with --write puts it between the markers of a file.

    PYTHONPATH=.:train python benchmarks/au_curves.py examples/one_face.mp4
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.document import origin, publish
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau_train.evaluation.au_curves import curves_of

SCRIPT = "benchmarks/au_curves.py"


def main() -> None:
    """Measures the clips and prints or writes the tables."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, help="NAME.mp4 with NAME.csv beside it")
    parser.add_argument("--model", default="shufflenetv2-au14")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers")
    args = parser.parse_args()
    made = f"Model `{args.model}`. {origin('onnxruntime')}"
    text = "\n\n".join([made, *(_report(clip, args.model) for clip in args.clips)])
    publish(text, document=args.write, script=SCRIPT)


def _report(clip: Path, model: str) -> str:
    lines = [f"**{clip.name}**", ""]
    with closing(open_engine(model, provider="cpu")) as engine:
        found = curves_of(clip, engine)
    for face, curves in sorted(found.items()):
        lines += [
            f"Face {face}, {curves[0].found} frames",
            "",
            "| AU | AUC | r | lag, ms | jitter |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {c.label} | {c.auc():.2f} | {c.correlation():.2f} | {c.lag_ms():+.0f} "
            f"| {c.jitter():.3f} |"
            for c in curves
        ]
        auc = np.nanmean([c.auc() for c in curves])
        correlation = np.nanmean([c.correlation() for c in curves])
        lines += [f"| mean | {auc:.2f} | {correlation:.2f} | | |", ""]
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    main()
