"""Writes pairs of a face as it was and warped, as a folder of labelled crops.

    crops/NAME/neutral.jpg, crops/NAME/1.jpg, ...   squares of 1.9 times the landmark box
    pairs.csv         neutral, warped, base, kind, fold_gain, AU01_L, AU01_R, ...: what was added
    labels.csv        a row per picture: file, subject, a column per AU (empty: not coded), kind,
                      source
    landmarks68.npz   xy: the 68 points in iBUG's order, px, rows as in labels.csv
    prepared.json     what training wants to know of a prepared folder

The same seed and pictures give the same files. Called by the verb.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

import rtau
from rtau.facs import AU
from rtau_train.datasets.preparation import FILE_NAME as PREPARED
from rtau_train.datasets.preparation import Preparation
from rtau_train.datasets.prepare.cutting import encoded
from rtau_train.datasets.prepare.files import write_whole, writing
from rtau_train.datasets.prepare.portraits import FULL_INTENSITY
from rtau_train.geometry_teacher.folder import as_csv
from rtau_train.geometry_teacher.labels import coded
from rtau_train.geometry_teacher.landmarker import MeshPoints
from rtau_train.geometry_teacher.pictures import Portrait
from rtau_train.geometry_teacher.teacher import GeometryTeacher, probabilities
from rtau_train.warping import faces, pairs
from rtau_train.warping.displacement import AUS, Displacements
from rtau_train.warping.faces import BaseFace, base_face
from rtau_train.warping.pairs import Change, Made

DATASET: Final = "warped"
MOST_YAW_DEG: Final = 15.0
MOST_PITCH_DEG: Final = 12.0
# The teacher is weak here: few portraits frown, so it counts as absent unless the score is high.
_UNSURE: Final = "AU04"
_SIDES: Final = tuple(f"{AU(au).label}_{side}" for au in AUS for side in "LR")


@dataclasses.dataclass(frozen=True)
class WarpJob:
    """What was asked for."""

    out: Path
    per_face: int
    """Warped pictures of each face."""
    size: int
    """Side of the pictures, px."""
    seed: int


@dataclasses.dataclass(frozen=True, eq=False)
class _Written:
    """One picture of the folder."""

    file: str
    base: str
    kind: str
    made: Made
    labels: Mapping[str, float]
    """AU -> intensity 0-5; absent: not coded."""


def warpable(
    teacher: GeometryTeacher, mesh: MeshPoints, /, *, with_expressive: bool
) -> npt.NDArray[np.int64]:
    """Returns which pictures show one face that looks ahead, int64 (N,).

    Args:
        teacher: knows turns and scores.
        mesh: the points of each picture.
        with_expressive: take faces that smile or speak as well; without, the mouth is at rest.
    """
    rows = np.flatnonzero(mesh.faces == 1)
    turned = teacher.upright(mesh.points[rows])
    mouth = [teacher.labels.index(au) for au in faces.MOUTH]
    is_still = teacher.scores(mesh.points[rows])[:, mouth] < faces.MOST_SCORE
    kept = is_still.all(axis=1) | with_expressive
    kept &= np.abs(turned.yaw_deg) < MOST_YAW_DEG
    kept &= np.abs(turned.pitch_deg) < MOST_PITCH_DEG
    return np.asarray(rows[kept], np.int64)


def write_pairs(
    job: WarpJob,
    portraits: Sequence[Portrait],
    mesh: MeshPoints,
    /,
    *,
    teacher: GeometryTeacher,
    by: Displacements,
    progress: Callable[[int], None],
) -> int:
    """Writes the pairs of some portraits and returns how many there are.

    Args:
        job: what was asked for.
        portraits: as `warpable` chooses them.
        mesh: their points.
        teacher: knows landmarks, turns and scores.
        by: what AUs move.
        progress: is told how many faces are done.

    Raises:
        SourceOpenError: a picture cannot be read.
        SinkError: the disk is full or the folder may not be written.
    """
    kept: list[_Written] = []
    added: list[list[str]] = []
    with writing(job.out):
        (job.out / "labels.csv").unlink(missing_ok=True)
        for row, portrait in enumerate(portraits):
            face = base_face(portrait, mesh.points[row], teacher, size=job.size)
            rng = np.random.default_rng([job.seed, row])
            for one, change in _pictures(face, job, by=by, rng=rng):
                path = job.out / "crops" / one.file
                write_whole(path, encoded(one.made.image[..., ::-1], ".jpg"))
                # Only the landmarks of a picture are needed from here on.
                kept.append(dataclasses.replace(one, made=_without_pixels(one.made)))
                if change is not None:
                    added.append(_pair(one, change))
            progress(row + 1)
        _write_tables(job, kept, added, teacher=teacher)
    return len(added)


def _pictures(
    face: BaseFace, job: WarpJob, *, by: Displacements, rng: np.random.Generator
) -> Iterator[tuple[_Written, Change | None]]:
    """Yields the picture of a face as it was, then each changed one with its change."""
    base = Path(face.name).with_suffix("").as_posix()
    seen = _seen(face)
    neutral = pairs.finished(face.image, face.points_xy, rng)
    yield _Written(f"{base}/neutral.jpg", face.name, "neutral", neutral, seen), None
    for number in range(1, job.per_face + 1):
        change = pairs.sampled_change(face, rng)
        made = pairs.changed(face, change, by=by, rng=rng)
        shown = {AU(au).label: max(value, change.right[au]) for au, value in change.left.items()}
        file = f"{base}/{number}.jpg"
        yield _Written(file, face.name, change.kind, made, {**seen, **shown}), change


def _seen(face: BaseFace) -> dict[str, float]:
    """Returns the teacher's soft labels of a face, without those it cannot judge."""
    likely = probabilities(np.array([list(face.scores.values())]))
    (soft,) = (coded(tuple(face.scores), likely) * FULL_INTENSITY).tolist()
    seen = {
        label: value
        for label, value in zip(face.scores, soft, strict=True)
        if label != _UNSURE and not math.isnan(value)
    }
    if face.scores[_UNSURE] < faces.MOST_SCORE:
        seen[_UNSURE] = 0.0
    return seen


def _without_pixels(made: Made) -> Made:
    return dataclasses.replace(made, image=made.image[:0])


def _pair(one: _Written, change: Change) -> list[str]:
    sides = [side.get(au, 0.0) for au in AUS for side in (change.left, change.right)]
    neutral = f"{one.file.rsplit('/', 1)[0]}/neutral.jpg"
    return [
        *(neutral, one.file, one.base, change.kind, f"{change.fold_gain:.2f}"),
        *(f"{value:.2f}" for value in sides),
    ]


def _write_tables(
    job: WarpJob, kept: list[_Written], added: list[list[str]], *, teacher: GeometryTeacher
) -> None:
    points = np.stack([one.made.points_xy for one in kept])
    packed = io.BytesIO()
    np.savez(packed, xy=teacher.landmarks(points))
    write_whole(job.out / "landmarks68.npz", packed.getvalue())
    header = ("neutral", "warped", "base", "kind", "fold_gain", *_SIDES)
    write_whole(job.out / "pairs.csv", as_csv(header, added))
    preparation = Preparation(
        dataset=DATASET,
        task="multi_label",
        labels=teacher.labels,
        size_px=job.size,
        crop=None,
        images=len(kept),
        rejected=0,
        rtau_version=rtau.__version__,
        source="+".join(dict.fromkeys(one.base.split("/")[0] for one in kept)),
    )
    write_whole(job.out / PREPARED, preparation.to_json().encode())
    rows = [
        [
            *(one.file, one.base),
            *(
                f"{one.labels[label]:.3f}" if label in one.labels else ""
                for label in teacher.labels
            ),
            *(one.kind, one.base),
        ]
        for one in kept
    ]
    columns = ("file", "subject", *teacher.labels, "kind", "source")
    write_whole(job.out / "labels.csv", as_csv(columns, rows))
