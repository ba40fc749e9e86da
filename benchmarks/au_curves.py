"""Compares the AU curves of a clip with its known truth: ranking, correlation, lag, steadiness.

Needs a clip NAME.mp4 with NAME.csv (frame from 0, face, x0 y0 x1 y1 = box of the 68 landmarks, and
`AU01` ... intensities 0-5). Prints Markdown; with --write puts it between the markers of a file.

    python benchmarks/au_curves.py examples/one_face.mp4 --write docs/au-curves.md
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np

from rtau.backends import open_engine
from rtau_train.au_curves import curves_of

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> None:
    """Measures the clips and prints or writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, help="NAME.mp4 with NAME.csv beside it")
    parser.add_argument("--model", default="shufflenetv2-au12")
    parser.add_argument("--write", type=Path, help="Markdown file with the two markers")
    args = parser.parse_args()
    text = "\n\n".join([_origin(args.model), *(_report(clip, args.model) for clip in args.clips)])
    sys.stdout.write(text + "\n")
    if args.write is not None:
        page = args.write.read_text()
        head, rest = page.split(BEGIN)
        tail = rest.split(END)[1]
        args.write.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


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


def _origin(model: str) -> str:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
    ).stdout.strip()
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return f"Model `{model}`, commit {commit}, {machine}."


if __name__ == "__main__":
    main()
