"""Points that MediaPipe found once in the renders and portraits of the repository, for tests."""

import functools
import sys

import numpy as np

from rtau_train.datasets.prepare.portraits import LABELS
from rtau_train.geometry_teacher import teacher
from rtau_train.geometry_teacher.landmarker import read_points
from tests.support.recorded_pictures import POINTS, RENDERS, ROOT, ROWS, record_rows

HELD_OUT = 30
"""Renders that `fitted_teacher` has not seen."""


def recorded():
    """Returns the points of all pictures."""
    return read_points(POINTS)


def of_renders():
    """Returns points float64 (120, 478, 3) and intensities float64 (120, 12) of the renders."""
    labels = [name for name in ROWS[0] if name.startswith("AU")]
    intensities = np.array([[float(row[label]) for label in labels] for row in ROWS])
    return recorded().points[: len(ROWS)], intensities


def landmarks_of_renders():
    """Returns the true 68 points of the renders: float64 (120, 68, 2), px."""
    with np.load(RENDERS / "landmarks68.npz") as archive:
        return archive["xy"].astype(np.float64)


@functools.cache
def fitted_teacher():
    """Returns a teacher of all renders but the last 30; its neutral ones give zero and unit."""
    points, intensities = of_renders()
    rows = slice(None, -HELD_OUT)
    turns = [np.hypot(float(row["yaw_deg"]), float(row["pitch_deg"])) for row in ROWS]
    neutral = (intensities[rows] < 1).all(axis=1)
    renders = teacher.LabelledRenders(
        points, intensities, np.array(turns), landmarks_of_renders()
    ).take(rows)
    return teacher.fit(
        renders,
        renders.points[neutral],
        labels=LABELS,
        mediapipe="1.2.3",
        model_sha256="0" * 64,
    )


def found_points(paths, *, python, progress):
    """Answers as `landmarker.find_points`, from the record."""
    progress(len(paths))
    return recorded().take(np.array(record_rows(paths), np.int64))


def make_python(folder):
    """Returns a program that stands in for a Python with MediaPipe: it answers from the record."""
    program = folder / "python-with-mediapipe"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.support.recorded_pictures import answer\n"
        "answer(*sys.argv[2:])\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return str(program)
