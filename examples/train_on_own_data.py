"""Trains a network on a folder of labelled faces, exports it and runs it on an image.

DATA is a folder in the labelled-crops layout, as `rtau-train prepare folder` makes it of a lab's
own images (docs/data-sets.md); without it, the 120 rendered faces of the tests, which are enough to
try the steps and far too few to learn from. Needs `pip install 'rtau[train,export,cpu]'`:

    python examples/train_on_own_data.py OUT [DATA]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rtau import Detector

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "train/recipes/shufflenetv2-synth.toml"
FIXTURE = ROOT / "tests/data/synth-facs"
PORTRAIT = ROOT / "examples/portraits/f032.jpg"
# For a trial of seconds; real training follows train/README.md and changes nothing here.
SMALL = ("fit.epochs=1",)


def call(module: str, *words: str | Path) -> None:
    """Runs `rtau-train` or `rtau-export`; raises CalledProcessError when it fails."""
    subprocess.run([sys.executable, "-m", module, *map(str, words)], check=True)


def main(out: Path, data: Path | None) -> None:
    """Writes a run and a model file into a folder, and prints what the model says of a portrait."""
    run, model = out / "run", out / "mine.onnx"
    changes = () if data else SMALL
    call(
        "rtau_train",
        "fit",
        RECIPE,
        "--data",
        data or FIXTURE,
        "--out",
        run,
        "--threads",
        1,
        *(word for change in changes for word in ("--set", change)),
    )
    call("rtau_train", "evaluate", run, "--data", data or FIXTURE)
    call("rtau_export", "onnx", run, "--out", model)
    with Detector(model) as detector:
        for face in detector.detect(PORTRAIT):
            print({label: round(float(value), 2) for label, value in face.au.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
