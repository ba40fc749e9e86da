"""The checks of `rtau doctor`: each returns findings, none raises.

Libraries are imported inside a check, because they may be broken; cameras are opened in a separate
process, because a driver may hang.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from rtau import __version__
from rtau.backends import bundled_models
from rtau.backends._onnx_messages import loading
from rtau.cli.system_libraries import REINSTALL, explain_import_error, fitting_wheel
from rtau.contract import read_sidecar
from rtau.errors import ContractError

State = Literal["ok", "note", "broken"]

# Required libraries, and optional distributions.
REQUIRED = ("numpy", "av", "rich")
OPTIONAL = ("torch", "torchvision", "onnx", "tensorrt")
# Module of a library for live streams -> flags that need it.
LIVE = {"websockets": "--serve", "pythonosc": "--osc, --vmc", "pylsl": "--lsl"}
OPENCV_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
ONNXRUNTIME_WHEELS = ("onnxruntime", "onnxruntime-gpu")
CASCADE = "haarcascade_frontalface_default.xml"
# H.264 encoders in order of preference.
H264_ENCODERS = ("libx264", "libopenh264", "h264_nvenc", "h264_v4l2m2m", "h264_vaapi")
CAMERA_TIMEOUT_S = 5.0
# Runs in a separate process: opens argv[1], reads one frame, prints its size.
CAMERA_PROBE = """
import cv2, sys
camera = cv2.VideoCapture(sys.argv[1])
read, frame = camera.read() if camera.isOpened() else (False, None)
print(f"{frame.shape[1]}x{frame.shape[0]}" if read else "")
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    subject: str
    """What was checked."""
    state: State
    """ok; note: rtau runs with a limitation; broken: rtau cannot run."""
    value: str
    """The result."""
    remedy: str | None = None
    """The command that fixes it; None if there is nothing to fix."""


def installed_versions() -> dict[str, str]:
    """Returns the versions of all installed distributions, by name in lower case."""
    return {
        name.lower(): found.version
        for found in importlib.metadata.distributions()
        if (name := found.metadata["Name"])
    }


def check_versions(installed: Mapping[str, str]) -> list[Finding]:
    """Returns a finding per library: its version, or that it cannot be imported."""
    findings = [
        Finding("rtau", "ok", __version__),
        Finding("Python", "ok", f"{platform.python_version()} on {platform.machine()}"),
    ]
    opencv = next((wheel for wheel in OPENCV_WHEELS if wheel in installed), OPENCV_WHEELS[0])
    findings += [_check_import(name, name) for name in REQUIRED]
    findings.append(_check_import(opencv, "cv2"))
    findings += [Finding(name, "ok", installed[name]) for name in OPTIONAL if name in installed]
    return findings


def _check_import(distribution: str, module: str) -> Finding:
    try:
        version = str(importlib.import_module(module).__version__)
    except ImportError as error:
        remedy = explain_import_error(error) or REINSTALL
        return Finding(distribution, "broken", "cannot be imported", remedy)
    except AttributeError:  # rich has its version only in its metadata
        version = importlib.metadata.version(distribution)
    return Finding(distribution, "ok", version)


def check_wheel_conflicts(installed: Mapping[str, str]) -> list[Finding]:
    """Returns a finding per group of installed wheels that contain the same module.

    The remedy keeps the OpenCV that this machine can load.
    """
    findings = []
    for module, wheels, keep in (
        ("cv2", OPENCV_WHEELS, fitting_wheel()),
        ("onnxruntime", ONNXRUNTIME_WHEELS, "onnxruntime  # or onnxruntime-gpu"),
    ):
        together = [wheel for wheel in wheels if wheel in installed]
        if len(together) > 1:
            findings.append(
                Finding(
                    f"{module} wheels",
                    "broken",
                    f"{' and '.join(together)} hold the same files: the one installed last is in "
                    "use, and removing one breaks the other",
                    f"pip uninstall -y {' '.join(together)} && pip install {keep}",
                )
            )
    return findings


def check_opencv(cv2: Any) -> Finding:
    """Returns whether this OpenCV can detect faces: version 4 has CascadeClassifier, 5 has not."""
    remedy = f"pip install {fitting_wheel()}"
    if int(cv2.__version__.split(".")[0]) >= 5 or not hasattr(cv2, "CascadeClassifier"):
        return Finding("face detector", "broken", f"none in OpenCV {cv2.__version__}", remedy)
    cascade = resources.files("rtau.faces.detectors") / "data" / CASCADE
    with resources.as_file(cascade) as path:
        if not path.is_file() or cv2.CascadeClassifier(str(path)).empty():
            reinstall = "pip install --force-reinstall --no-deps rtau"
            return Finding("face detector", "broken", f"{CASCADE} cannot be read", reinstall)
    return Finding("face detector", "ok", f"Haar cascade {CASCADE}")


def check_onnxruntime() -> Finding:
    """Returns the version of ONNX Runtime and its execution providers on this machine."""
    subject = "ONNX Runtime"
    try:
        with loading():
            runtime = importlib.import_module("onnxruntime")
        providers = runtime.get_available_providers()
    except (ImportError, AttributeError) as error:  # half-removed wheels leave an empty module
        remedy = "pip install 'rtau[cpu]'  # or, with an NVIDIA GPU, 'rtau[gpu]'"
        return Finding(subject, "broken", f"cannot be imported ({error})", remedy)
    return Finding(subject, "ok", f"{runtime.__version__}: {', '.join(providers)}")


def check_streams(importing: Callable[[str], Any] = importlib.import_module) -> list[Finding]:
    """Returns a finding per library of live streams: what is missing and how to install it."""
    findings = []
    remedy = "pip install 'rtau[live]'"
    for module, flags in LIVE.items():
        try:
            importing(module)
        except ModuleNotFoundError:
            findings.append(Finding(module, "note", f"not installed: no {flags}", remedy))
        except (RuntimeError, OSError):  # pylsl's wheel for aarch64 and old glibc
            lost = f"its wheel for this machine has no liblsl: no {flags}"
            get = "install liblsl (https://github.com/sccn/liblsl/releases); set PYLSL_LIB to it"
            findings.append(Finding(module, "note", lost, get))
        else:
            findings.append(Finding(module, "ok", flags))
    return findings


def check_codecs(av: Any) -> list[Finding]:
    """Returns the H.264 and AAC encoders of PyAV's FFmpeg."""
    h264 = [name for name in H264_ENCODERS if name in av.codecs_available]
    remedy = "pip install --force-reinstall --no-deps av  # its wheel contains libx264"
    findings = [Finding("H.264 encoders", "ok", ", ".join(h264))]
    if not h264:
        findings = [Finding("H.264 encoders", "note", "none: --out cannot write mp4", remedy)]
    if "aac" not in av.codecs_available:
        lost = "none: audio in codecs that mp4 does not support is dropped"
        findings.append(Finding("AAC encoder", "note", lost))
    else:
        findings.append(Finding("AAC encoder", "ok", "aac"))
    return findings


def check_cameras(devices: Sequence[Path], *, timeout_s: float = CAMERA_TIMEOUT_S) -> list[Finding]:
    """Returns a finding per video device: the size of a frame, or why none could be read.

    Takes at most `timeout_s` per device; the process of a hanging driver is killed.
    """
    if not devices:
        return [Finding("cameras", "note", "none (/dev/video*); files and streams work")]
    return [_check_camera(device, timeout_s=timeout_s) for device in devices]


def _check_camera(device: Path, *, timeout_s: float) -> Finding:
    subject = f"camera {device}"
    if not os.access(device, os.R_OK | os.W_OK):
        remedy = "sudo usermod -aG video $USER  # then log in again"
        return Finding(subject, "note", "no permission", remedy)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own text
            [sys.executable, "-c", CAMERA_PROBE, str(device)],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return Finding(subject, "note", f"no frame within {timeout_s:g} s")
    size = done.stdout.strip()
    return Finding(subject, "ok" if size else "note", size or "no frame could be read")


def check_display(environment: Mapping[str, str]) -> Finding:
    """Returns whether there is a display for a window."""
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        if environment.get(variable):
            return Finding("display", "ok", f"{variable}={environment[variable]}")
    return Finding("display", "note", "none: use --view terminal or --out")


def check_models(models: Mapping[str, Path]) -> list[Finding]:
    """Returns a finding per bundled model: a summary of its contract."""
    if not models:
        remedy = "pip install --force-reinstall --no-deps rtau"
        return [Finding("bundled models", "broken", "none found", remedy)]
    findings = []
    for name, path in models.items():
        try:
            contract = read_sidecar(path)
        except ContractError as error:
            findings.append(Finding(f"model {name}", "broken", str(error)))
            continue
        cams = contract.cam_method or "no heatmaps"
        value = (
            f"{len(contract.labels)} labels, {contract.input_size} px, {contract.precision}, {cams}"
        )
        findings.append(Finding(f"model {name}", "ok", value))
    return findings


def check_all() -> list[Finding]:
    """Returns all findings on this machine, in the order of the report."""
    installed = installed_versions()
    findings = [*check_versions(installed), *check_wheel_conflicts(installed), check_onnxruntime()]
    importable = {finding.subject for finding in findings if finding.state != "broken"}
    if importable & set(OPENCV_WHEELS):
        findings.append(check_opencv(importlib.import_module("cv2")))
    if "av" in importable:
        findings.extend(check_codecs(importlib.import_module("av")))
    findings.extend(check_models(bundled_models()))
    findings.append(check_display(os.environ))
    findings.extend(check_streams())
    findings.extend(check_cameras(sorted(Path("/dev").glob("video*"))))
    return findings
