"""Writes a set of pictures to a folder in the rendered-crops layout; stops and goes on anywhere.

    crops/00/00000123.jpg   the pictures
    parts/00000064.npz      labels and points of a finished run of pictures: what a resume goes by
    labels.csv              all finished pictures, in order; written last
    landmarks68.npz         their points, rows as in labels.csv
    synth.json              what was asked for; another seed or size may not go on in this folder

Picture k is the same in every folder of one seed, size and asset folder, whatever the number of
processes. Draws nothing itself. Called by `commands/synth.py`.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from rtau.errors import SinkError, SourceOpenError, UsageError
from rtau_train.synth.head_family import HeadFamily
from rtau_train.synth.picture import COLUMNS, Picture, make_picture

PART_PICTURES: Final = 64
JPEG_QUALITY: Final = 92
_PER_FOLDER: Final = 1000
# Raised when the same seed would give other pictures, or labels of other columns.
RENDERER: Final = 3


@dataclasses.dataclass(frozen=True)
class RenderJob:
    """What was asked for."""

    assets: Path
    out: Path
    count: int
    seed: int
    size: int
    avatars: tuple[str, ...] = ()
    """Names of the avatars in `assets` to draw; without any it holds the sculpted heads."""

    def parts(self) -> tuple[range, ...]:
        """Returns the runs of pictures that are written as one."""
        starts = range(0, self.count, PART_PICTURES)
        return tuple(range(s, min(s + PART_PICTURES, self.count)) for s in starts)

    def part_file(self, pictures: range, /) -> Path:
        """Returns where the labels of a run of pictures are kept."""
        return self.out / "parts" / f"{pictures.start:08d}-{pictures.stop:08d}.npz"

    def missing(self) -> tuple[range, ...]:
        """Returns the runs that are not written yet."""
        return tuple(part for part in self.parts() if not self.part_file(part).exists())


def begin(job: RenderJob, /) -> None:
    """Makes the folder, or checks that it was begun with the same job.

    Raises:
        UsageError: the folder holds pictures of another job.
        SinkError: the folder cannot be made.
    """
    wanted = {
        "renderer": RENDERER,
        "seed": job.seed,
        "size": job.size,
        "assets_sha256": assets_digest(job.assets),
    }
    if job.avatars:
        wanted["avatars"] = list(job.avatars)
    path = job.out / "synth.json"
    if path.exists():
        _check_same(path, wanted)
        return
    try:
        (job.out / "parts").mkdir(parents=True, exist_ok=True)
        _write_whole(path, (json.dumps(wanted, indent=2) + "\n").encode())
    except OSError as error:
        raise SinkError(f"{job.out}: cannot be written ({error.strerror})") from None


def assets_digest(folder: Path, /) -> str:
    """Returns a SHA-256 over names and sizes of the asset files: another set draws other faces.

    Raises:
        SourceOpenError: there is no such folder.
    """
    if not folder.is_dir():
        raise SourceOpenError(
            f"{folder}: no such asset folder; docs/synth.md says how `rtau-train synth-assets` "
            "makes one"
        )
    digest = hashlib.sha256()
    for path in sorted(
        [*folder.glob("*.npz"), *folder.glob("*.material*.jpg"), *folder.glob("tex/*")]
    ):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def write_part(family: HeadFamily, job: RenderJob, pictures: range, /) -> Iterator[int]:
    """Draws and writes a run of pictures; yields the number of each as it is written.

    Raises:
        SinkError: the disk is full or the folder may not be written.
    """
    made: list[tuple[str, Picture]] = []
    try:
        for index in pictures:
            name = f"{index // _PER_FOLDER:02d}/{index:08d}.jpg"
            picture = make_picture(family, seed=job.seed, index=index)
            path = job.out / "crops" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, _jpeg(picture))
            made.append((name, picture))
            yield index
        _write_whole(job.part_file(pictures), _part(made))
    except OSError as error:
        raise SinkError(f"{job.out}: cannot be written ({error.strerror})") from None


def assemble(job: RenderJob, /) -> int:
    """Writes labels.csv and landmarks68.npz of all finished pictures; returns how many there are.

    Pictures that an earlier, longer job made are left out: the folder is what was asked for.
    """
    rows: list[dict[str, str]] = []
    points = [np.zeros((0, 68, 2), np.float32)]
    for part in job.parts():
        path = job.part_file(part)
        if path.exists():
            with np.load(path, allow_pickle=False) as archive:
                rows += json.loads(str(archive["rows"]))
                points.append(archive["xy"])
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    packed = io.BytesIO()
    np.savez(packed, xy=np.concatenate(points))
    try:
        _write_whole(job.out / "labels.csv", table.getvalue().encode())
        _write_whole(job.out / "landmarks68.npz", packed.getvalue())
    except OSError as error:
        raise SinkError(f"{job.out}: cannot be written ({error.strerror})") from None
    return len(rows)


def _check_same(path: Path, wanted: dict[str, Any]) -> None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); choose a new --out folder") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: must hold a JSON object; choose a new --out folder")
    for name, value in wanted.items():
        if found.get(name) != value:
            raise UsageError(
                f"{path.parent}: was begun with {name} {found.get(name)}, now asked for {value}; "
                "choose a new --out folder or ask for the same"
            )


def _jpeg(picture: Picture) -> bytes:
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    done, coded = cv2.imencode(".jpg", picture.image[..., ::-1], settings)
    assert done, "an RGB picture can always be coded"
    return coded.tobytes()


def _part(made: list[tuple[str, Picture]]) -> bytes:
    rows = [{"file": name, **picture.row} for name, picture in made]
    packed = io.BytesIO()
    xy = np.stack([picture.landmarks for _, picture in made])
    np.savez(packed, rows=np.array(json.dumps(rows)), xy=xy)
    return packed.getvalue()


def _write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that a crash leaves the old one or the new one, never half of one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
