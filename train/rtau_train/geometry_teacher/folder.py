"""Cuts portraits along their points and writes them as a folder of labelled crops.

    crops/NAME.jpg    squares of 1.9 times the landmark box, as renders have them
    labels.csv        file, subject, a column per AU (empty: not coded), origin, yaw_deg, source
    scores.csv        file, a column per AU: standard deviations above people's neutral faces
    landmarks68.npz   xy: the 68 points in iBUG's order, px in the crop
    rejected.csv      which pictures were not labelled, and why
    teacher.json      the teacher, to label again with
    prepared.json     what training wants to know of a prepared folder

Decides no label. Called by the verb.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

import rtau
from rtau import geometry
from rtau.data import Image
from rtau.errors import SourceOpenError
from rtau.faces import crops
from rtau_train.datasets.canonical_square import canonical_squares
from rtau_train.datasets.preparation import FILE_NAME as PREPARED
from rtau_train.datasets.preparation import Preparation
from rtau_train.datasets.prepare.cutting import encoded
from rtau_train.datasets.prepare.files import write_whole, writing
from rtau_train.geometry_teacher import teacher as teachers
from rtau_train.geometry_teacher.labels import SoftLabels
from rtau_train.geometry_teacher.landmarker import MeshPoints
from rtau_train.geometry_teacher.pictures import Portrait
from rtau_train.geometry_teacher.teacher import GeometryTeacher

Points = npt.NDArray[np.float32]

DATASET: Final = "geometry"
SIDE_OVER_LANDMARK_BOX: Final = 1.9
LIFT: Final = 0.04


def read_bgr(path: Path, /) -> Image:
    """Returns uint8 (H, W, 3), BGR.

    Raises:
        SourceOpenError: the file is no picture.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceOpenError(f"{path}: not a picture that OpenCV reads")
    return np.asarray(image, np.uint8)


def crop_square(landmarks_xy: Points, /) -> geometry.Boxes:
    """Returns the square around 68 points that is kept of a picture: float32 (4,) xyxy."""
    squares = canonical_squares(
        landmarks_xy[None], side_over_landmark_box=SIDE_OVER_LANDMARK_BOX, lift=LIFT
    )
    return np.asarray(squares[0], np.float32)


def in_square(points_xy: Points, square_xyxy: geometry.Boxes, /, *, size: int) -> Points:
    """Returns points (K, 2) of a picture in pixels of the crop cut from a square."""
    maps = geometry.invert(geometry.frame_from_crop(square_xyxy[None], size=size))
    return np.asarray(geometry.apply(maps, points_xy[None])[0], np.float32)


def write_folder(
    out: Path,
    labels: SoftLabels,
    /,
    *,
    portraits: Sequence[Portrait],
    mesh: MeshPoints,
    teacher: GeometryTeacher,
    size: int,
) -> None:
    """Writes the crops, then the tables, labels.csv last.

    Args:
        out: the folder.
        labels: of those portraits that have any.
        portraits: all of them.
        mesh: their points.
        teacher: made the labels.
        size: side of the crops, px.

    Raises:
        SourceOpenError: a picture cannot be read.
        SinkError: the disk is full or the folder may not be written.
    """
    kept = [portraits[row] for row in labels.rows]
    points = teacher.landmarks(mesh.points[labels.rows])
    files = [f"{Path(portrait.name).with_suffix('').as_posix()}.jpg" for portrait in kept]
    placed = np.empty_like(points)
    with writing(out):
        (out / "labels.csv").unlink(missing_ok=True)
        for row, (portrait, file) in enumerate(zip(kept, files, strict=True)):
            square = crop_square(points[row])
            crop_bgr = crops.warp_square(read_bgr(portrait.path), square, size=size)
            placed[row] = in_square(points[row], square, size=size)
            write_whole(out / "crops" / file, encoded(crop_bgr[..., ::-1], ".jpg"))
        packed = io.BytesIO()
        np.savez(packed, xy=placed)
        write_whole(out / "landmarks68.npz", packed.getvalue())
        rejected = [[one.name, one.reason] for one in labels.rejections]
        write_whole(out / "rejected.csv", as_csv(("file", "reason"), rejected))
        write_whole(
            out / PREPARED,
            _preparation(kept, labels, teacher=teacher, size=size).to_json().encode(),
        )
        teachers.write(out / "teacher.json", teacher)
        write_whole(out / "scores.csv", _scores(files, labels, teacher))
        write_whole(out / "labels.csv", _labels(files, kept, labels=labels, teacher=teacher))


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]], /) -> bytes:
    """Returns a table as the bytes of a CSV."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return table.getvalue().encode()


def _labels(
    files: list[str], kept: list[Portrait], *, labels: SoftLabels, teacher: GeometryTeacher
) -> bytes:
    rows = [
        [
            file,
            portrait.subject,
            *("" if np.isnan(value) else f"{value:.3f}" for value in values),
            portrait.origin,
            f"{yaw:.1f}",
            portrait.name,
        ]
        for file, portrait, values, yaw in zip(
            files, kept, labels.intensities, labels.yaw_deg, strict=True
        )
    ]
    return as_csv(("file", "subject", *teacher.labels, "origin", "yaw_deg", "source"), rows)


def _scores(files: list[str], labels: SoftLabels, teacher: GeometryTeacher) -> bytes:
    rows = [
        [file, *(f"{score:.3f}" for score in scores)]
        for file, scores in zip(files, labels.scores, strict=True)
    ]
    return as_csv(("file", *teacher.labels), rows)


def _preparation(
    kept: list[Portrait], labels: SoftLabels, *, teacher: GeometryTeacher, size: int
) -> Preparation:
    folders = dict.fromkeys(portrait.name.split("/")[0] for portrait in kept)
    return Preparation(
        dataset=DATASET,
        task="multi_label",
        labels=teacher.labels,
        size_px=size,
        crop=None,
        images=len(kept),
        rejected=len(labels.rejections),
        rtau_version=rtau.__version__,
        source="+".join(folders),
    )
