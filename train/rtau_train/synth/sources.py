"""Reads the files that ICT-FaceKit and MakeHuman publish: meshes, targets, clothing.

Plain text formats, as they are; nothing is fitted here. Called by `build.py`.
"""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtau.errors import SourceOpenError

Points = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GIT_LFS = "version https://git-lfs"


@dataclasses.dataclass(frozen=True)
class Obj:
    """A Wavefront mesh of triangles and quads."""

    points: Points
    uvs: Points
    faces: Ints
    """(F, 4) rows of `points`, -1 where a triangle has no fourth."""
    face_uvs: Ints
    """(F, 4) rows of `uvs`."""
    materials: npt.NDArray[np.str_]
    """(F,) the last `usemtl` or `g` before each face."""

    def triangles(self) -> tuple[Ints, Ints]:
        """Returns (T, 3) rows of `points` and of `uvs`; quads are cut in two."""
        quads = self.faces[:, 3] >= 0
        order = [0, 2, 3]
        return (
            np.concatenate([self.faces[:, :3], self.faces[quads][:, order]]),
            np.concatenate([self.face_uvs[:, :3], self.face_uvs[quads][:, order]]),
        )


def read_points(path: Path, /) -> Points:
    """Returns only the points of a mesh, (V, 3).

    Raises:
        SourceOpenError: the file is missing or holds none.
    """
    points = [line.split()[1:4] for line in _lines(path) if line.startswith("v ")]
    return _array(path, points)


def read_obj(path: Path, /) -> Obj:
    """Returns a mesh.

    Raises:
        SourceOpenError: the file is missing or no mesh.
    """
    points, uvs, faces, face_uvs, materials = [], [], [], [], []
    material = ""
    for line in _lines(path):
        kind, *rest = line.split() or [""]
        if kind == "v":
            points.append(rest[:3])
        elif kind == "vt":
            uvs.append(rest[:2])
        elif kind in ("usemtl", "g") and rest:
            material = rest[0]
        elif kind == "f":
            corners = [corner.split("/") for corner in rest]
            faces.append(_four([int(corner[0]) - 1 for corner in corners]))
            face_uvs.append(_four([_uv_row(corner) for corner in corners]))
            materials.append(material)
    return Obj(
        _array(path, points),
        np.array(uvs, np.float64).reshape(-1, 2),
        np.array(faces, np.int64).reshape(-1, 4),
        np.array(face_uvs, np.int64).reshape(-1, 4),
        np.array(materials),
    )


def read_target(path: Path, /, *, count: int) -> Points:
    """Returns the displacement of each of `count` points, from a .target or .target.gz file."""
    moves = np.zeros((count, 3))
    for line in _lines(path):
        parts = line.split()
        if len(parts) == 4 and not parts[0].startswith("#"):
            moves[int(parts[0])] = [float(part) for part in parts[1:]]
    return moves


def read_clothing(path: Path, /, *, body: Points) -> Points:
    """Returns the points of a .mhclo file on an unshaped body.

    A point is one body vertex, or three with their shares and an offset in units of the scales.
    """
    points: list[Points] = []
    scales, inside = np.ones(3), False
    for line in _lines(path):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        if parts[0] in ("x_scale", "y_scale", "z_scale"):
            axis = "xyz".index(parts[0][0])
            first, second = (body[int(vertex), axis] for vertex in parts[1:3])
            scales[axis] = abs(first - second) / float(parts[3])
        elif parts[0] == "verts":
            inside = True
        elif inside and not _is_number(parts[0]):
            # Material and delete lines follow the points.
            inside = not points
        elif inside and len(parts) == 1:
            points.append(body[int(parts[0])])
        elif inside and len(parts) >= 9:
            rows, shares = [int(v) for v in parts[:3]], np.array(parts[3:6], float)
            points.append(shares @ body[rows] + np.array(parts[6:9], float) * scales)
    return _array(path, points)


def check_texture(path: Path, /) -> Path:
    """Returns the path of a texture that is really there.

    Raises:
        SourceOpenError: it is missing, or a Git LFS pointer in its place.
    """
    if not path.exists():
        raise SourceOpenError(f"{path}: texture is missing; docs/synth.md says where it is from")
    with path.open("rb") as file:
        if file.read(len(_GIT_LFS)) == _GIT_LFS.encode():
            raise SourceOpenError(
                f"{path}: is a Git LFS pointer, not a picture; run `git lfs pull` in its repository"
            )
    return path


def _lines(path: Path) -> Iterator[str]:
    zipped = path.with_name(path.name + ".gz")
    try:
        if not path.exists() and zipped.exists():
            with gzip.open(zipped, "rt", encoding="utf-8", errors="replace") as file:
                yield from file
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from file
    except OSError as error:
        raise SourceOpenError(
            f"{path}: cannot be read ({error.strerror or error}); docs/synth.md says where it is "
            "from"
        ) from None


def _array(path: Path, rows: Sequence[object]) -> Points:
    try:
        points = np.array(rows, np.float64)
    except ValueError:
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 3:
        raise SourceOpenError(f"{path}: holds no points in three dimensions")
    return points


def _four(corners: list[int]) -> list[int]:
    return corners if len(corners) == 4 else [*corners, -1]


def _uv_row(corner: list[str]) -> int:
    return int(corner[1]) - 1 if len(corner) > 1 and corner[1] else 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
