"""The verb `rtau-train label-geometry`: flags, and what it prints.

Added to the parser of `rtau_train.commands.main`. The folder's name and the counts go to stdout,
progress to stderr.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from rtau.errors import UsageError
from rtau_train.commands._finding_points import add_landmarker_flags, find
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.datasets.prepare.portraits import LABELS
from rtau_train.geometry_teacher import assess, folder, labels, pictures, teacher
from rtau_train.geometry_teacher.landmarker import MeshPoints
from rtau_train.records import write_json

Floats = npt.NDArray[np.float64]

_SIZES_PX: Final = (64, 1024)
# A face further from the front bends the lengths that are learnt.
_MOST_RENDER_YAW_DEG: Final = 25.0
# Renders that are held out of the fit, to say what it is worth.
_HELD_OUT: Final = 0.2
_LEAST_RENDERS: Final = 50
# Learnt beside the study's twelve, where the renders are labelled with them.
_FURTHER: Final = ("AU07", "AU10", "AU14", "AU23", "AU24", "AU45")


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser(
        "label-geometry", help="soft labels of portraits by their geometry (docs/data-sets.md)"
    )
    verb.add_argument("pictures", type=Path, nargs="+", metavar="PICTURES", help="folders")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    verb.add_argument("--renders", type=Path, required=True, metavar="DIR", help="rtau-train synth")
    verb.add_argument(
        "--london", type=Path, required=True, metavar="DIR", help="neutral faces and smiles"
    )
    verb.add_argument(
        "--teacher", type=Path, metavar="JSON", help="label with this one: fit no other"
    )
    verb.add_argument(
        "--most-renders", type=int, default=6000, metavar="N", help="renders to take (6000)"
    )
    verb.add_argument("--size", type=int, default=176, metavar="PX", help="side of the crops (176)")
    add_landmarker_flags(verb)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Fits the teacher, labels the pictures and writes both.

    Raises:
        RtauError: a flag is wrong, an input cannot be read, or MediaPipe is missing.
    """
    if not _SIZES_PX[0] <= arguments.size <= _SIZES_PX[1]:
        raise UsageError(
            f"--size must be between {_SIZES_PX[0]} and {_SIZES_PX[1]}, got {arguments.size}"
        )
    if arguments.most_renders < _LEAST_RENDERS:
        raise UsageError(
            f"--most-renders must be {_LEAST_RENDERS} or more, got {arguments.most_renders}"
        )
    console = Console(stderr=True, soft_wrap=True)
    portraits = _portraits(arguments)
    known = None if arguments.teacher is None else teacher.read(arguments.teacher)
    odd, even = (pictures.read_london(arguments.london, people=p) for p in ("odd", "even"))
    zeros = _found(find([one["neutral"].path for one in odd], arguments, console))
    neutral, smile = (
        find([one[word].path for one in even], arguments, console)
        for word in ("neutral", "smiling")
    )
    both = (neutral.faces == 1) & (smile.faces == 1)
    data = _rendered(arguments.renders, known)
    renders = _renders(data, arguments, console)
    cut = round(len(renders.points) * (1 - _HELD_OUT))
    made = known or teacher.fit(
        renders.take(slice(cut)),
        zeros,
        labels=data.labels,
        mediapipe=neutral.mediapipe,
        model_sha256=neutral.model_sha256,
    )
    found = find([portrait.path for portrait in portraits], arguments, console)
    soft = labels.soft_labels(made, portraits, found)
    folder.write_folder(
        arguments.out, soft, portraits=portraits, mesh=found, teacher=made, size=arguments.size
    )
    record = assess.assess(
        made,
        render_points=renders.points[cut:],
        render_intensities=renders.intensities[cut:],
        neutral_points=neutral.points[both],
        smile_points=smile.points[both],
        portrait_scores=soft.scores,
        portraits=found.take(soft.rows),
    )
    write_json(arguments.out / "assessment.json", record)
    _say(made, soft, record)
    print(arguments.out)


def _portraits(arguments: argparse.Namespace) -> tuple[pictures.Portrait, ...]:
    listed = [
        portrait
        for source in arguments.pictures
        for portrait in pictures.read_portraits(source, of=arguments.source or ())
    ]
    return pictures.without(listed, arguments.leave_out)


def _found(mesh: MeshPoints) -> Floats:
    return np.asarray(mesh.points[mesh.faces == 1])


def _rendered(folder: Path, known: teacher.GeometryTeacher | None, /) -> LabelledCrops:
    """Returns the folder of renders with a known teacher's labels, or all that are coded there."""
    if known is not None:
        return read_folder(folder, labels=known.labels)
    every = read_folder(folder, labels=(*LABELS, *_FURTHER))
    coded = tuple(
        label
        for label, column in zip(every.labels, every.targets.T, strict=True)
        if np.isfinite(column).all()
    )
    return read_folder(folder, labels=coded)


def _renders(
    data: LabelledCrops, arguments: argparse.Namespace, console: Console
) -> teacher.LabelledRenders:
    """Returns the renders that are learnt from or held out, in a fixed random order."""
    if data.landmarks is None:
        raise UsageError(f"--renders {arguments.renders}: landmarks68.npz is missing")
    yaw_deg, pitch_deg = (_numbers(data, name) for name in ("yaw_deg", "pitch_deg"))
    ahead = np.flatnonzero(np.abs(yaw_deg) <= _MOST_RENDER_YAW_DEG)
    rows = np.random.default_rng(0).permutation(ahead)[: arguments.most_renders]
    mesh = find([data.pictures[row] for row in rows], arguments, console)
    seen = mesh.faces == 1
    if seen.sum() < _LEAST_RENDERS:
        raise UsageError(
            f"--renders {arguments.renders}: {_LEAST_RENDERS} or more renders are needed in which "
            f"MediaPipe finds a face, got {int(seen.sum())}"
        )
    kept = rows[seen]
    return teacher.LabelledRenders(
        points=mesh.points[seen],
        intensities=data.targets[kept].astype(np.float64),
        turns_deg=np.hypot(yaw_deg, pitch_deg)[kept],
        landmarks_xy=data.landmarks[kept].astype(np.float64),
    )


def _numbers(data: LabelledCrops, column: str) -> Floats:
    if column not in data.columns:
        raise UsageError(
            f"--renders: labels.csv has no column {column}; expected a folder of rtau-train synth"
        )
    return np.asarray(data.columns[column].astype(np.float64))


def _say(made: teacher.GeometryTeacher, soft: labels.SoftLabels, record: assess.Assessment) -> None:
    """Prints a line per AU: what the teacher is worth, and how many portraits show it."""
    print(f"{len(soft.rows)} labelled, {len(soft.rejections)} not")
    print("AU     renders  neutral  smile    coded  occurs")
    for place, label in enumerate(made.labels):
        values = soft.intensities[:, place]
        coded = np.isfinite(values)
        print(
            f"{label:5}  {record.renders_auc[label]:.3f}    {record.neutral_alarms[label]:5.1%}   "
            f"{record.smile_alarms[label]:6.1%}  {int(coded.sum()):6}  "
            f"{int((values[coded] >= 1.5).sum()):6}"
        )
