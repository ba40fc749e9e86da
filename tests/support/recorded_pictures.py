"""The pictures whose points MediaPipe found once, and an answer from that record; needs only NumPy.

`tests/data/mesh478.npz` is what `_landmark_worker.py` wrote for `PICTURES`, in half precision.
"""

import csv
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
POINTS = ROOT / "tests" / "data" / "mesh478.npz"
RENDERS = ROOT / "tests" / "data" / "synth-facs"
PORTRAITS = ROOT / "examples" / "portraits"

with (RENDERS / "labels.csv").open(encoding="utf-8") as _file:
    ROWS = tuple(csv.DictReader(_file))
PICTURES = (
    *(RENDERS / "crops" / row["file"] for row in ROWS),
    *sorted(PORTRAITS.glob("*.jpg")),
)


def record_rows(paths):
    """Returns the rows of the record; pictures are told by their content, tests rename them."""
    rows = {path.read_bytes(): row for row, path in enumerate(PICTURES)}
    return [rows[Path(path).read_bytes()] for path in paths]


def answer(listed, out):
    """Writes what the worker would write for a list of pictures, and counts them."""
    places = record_rows(Path(listed).read_text(encoding="utf-8").splitlines())
    with np.load(POINTS) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name in ("faces", "points", "scores"):
        arrays[name] = arrays[name][places]
    np.savez(out, **arrays)
    sys.stdout.write(f"{len(places)}\n")
