"""Sessions that need an environment of their own; everything else is in the Makefile.

Each is a profile of dependencies: none of the optional ones, the oldest allowed ones, Ray beside
the runtime, or what the wheel says of itself. `make lean`, `make lowest`, `make cluster` and
`make build` call them.
"""

from __future__ import annotations

import configparser
import re
import tempfile
from pathlib import Path

import nox

nox.options.sessions = ["lean"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
# Tests that build or judge models need torch; the runtime's do not.
RUNTIME_TESTS = ("tests/architecture", "tests/contracts", "tests/faults", "tests/unit")


def _lines(section: str, key: str) -> list[str]:
    config = configparser.RawConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return [line for line in config[section][key].splitlines() if line.strip()]


@nox.session
def lean(session: nox.Session) -> None:
    """The runtime with its base and OpenCV: the absence of all other parts is explained."""
    (opencv,) = (line for line in _lines("options.extras_require", "cpu-headless") if "cv" in line)
    session.install("--editable", ".[test]", opencv)
    installed = session.run("python", "-m", "pip", "list", "--format=freeze", silent=True) or ""
    for package in ("torch", "onnx", "onnxruntime", "tensorrt"):
        if re.search(rf"^{package}==", installed, flags=re.MULTILINE):
            session.error(f"{package} must not be in the lean environment")
    session.run("pytest", "-m", "not slow", *RUNTIME_TESTS, *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """The runtime with the oldest versions setup.cfg allows on this Python."""
    requirements = _lines("options", "install_requires") + _lines("options.extras_require", "cpu")
    oldest = [re.sub(r">=([\d.]+)[^;]*", r"==\1.*", line) for line in requirements]
    session.install("--editable", ".[test]", *oldest)
    session.run("pytest", "-m", "not slow", *RUNTIME_TESTS, *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """Many files over a Ray cluster of this machine with two workers."""
    session.install("--editable", ".[test,cpu,ray]")
    session.run("python", "-c", "import ray")  # without it the tests would be skipped
    session.run("pytest", "-m", "needs_ray", "tests/unit/runs/batch", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The sdist and the wheel made from it, installed away from the sources, and used."""
    session.install("build")
    session.run("python", "-m", "build", "--outdir", "dist", silent=True)
    (built,) = sorted((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)[-1:]
    session.install("--force-reinstall", f"{built}[cpu]")
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        session.run("rtau", "--version")
        session.run("rtau", "inspect", "shufflenetv2-au14")
        clip = ROOT / "examples" / "one_face.mp4"
        session.run("rtau", "video", str(clip), "--csv", "one_face.csv", "--max-frames", "25")
