"""Sessions that need an environment of their own; everything else is in the Makefile.

Each is a profile of dependencies: none of the optional ones, the oldest allowed ones, another
Python, Ray beside the runtime, what the wheel brings, or what its libraries are. `make lean`,
`make lowest`, `make pythons`, `make cluster`, `make build` and `make audit` call them.
"""

from __future__ import annotations

import configparser
import re
import shutil
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


@nox.session(python=["3.10", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session) -> None:
    """The runtime on the other Pythons that it is for, with the newest versions."""
    session.install("--editable", ".[test,cpu]")
    session.run("pytest", "-m", "not slow", *RUNTIME_TESTS, *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """Many files over a Ray cluster of this machine with two workers."""
    session.install("--editable", ".[test,cpu,ray]")
    session.run("python", "-c", "import ray")  # without it the tests would be skipped
    session.run("pytest", "-m", "needs_ray", "tests/unit/runs/batch", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The sdist and the wheel made from it: the same bytes twice, installed offline, and used."""
    session.install("build")
    commit_s = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    session.env["SOURCE_DATE_EPOCH"] = str(commit_s).strip()
    dist, again = ROOT / "dist", Path(session.create_tmp()) / "again"
    for folder in (dist, again):
        shutil.rmtree(folder, ignore_errors=True)
        session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
        session.run("python", "tools/repack_sdist.py", *map(str, folder.glob("*.tar.gz")))
    for built in sorted(dist.iterdir()):
        if built.read_bytes() != (again / built.name).read_bytes():
            session.error(f"{built.name} differs from a second build of the same commit")
    (built,) = dist.glob("*.whl")
    house = str(dist / "wheelhouse")
    session.run("python", "-m", "pip", "download", "-q", "--dest", house, f"{built}[cpu-headless]")
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        session.install(
            "--no-index", "--find-links", house, "--force-reinstall", "rtau[cpu-headless]"
        )
        session.run("rtau", "--version")
        session.run("rtau", "inspect", "shufflenetv2-au14")
        clip = ROOT / "examples" / "one_face.mp4"
        session.run("rtau", "video", str(clip), "--csv", "one_face.csv", "--max-frames", "25")


@nox.session
def audit(session: nox.Session) -> None:
    """What the runtime brings: an SBOM (CycloneDX), the licences, and known vulnerabilities."""
    session.install("cyclonedx-bom", "pip-licenses", "pip-audit")
    runtime = Path(session.create_tmp()) / "runtime"
    python = str(runtime / "bin" / "python")
    session.run("python", "-m", "venv", "--clear", str(runtime))
    session.run(python, "-m", "pip", "install", "-q", ".[cpu]", external=True)
    (ROOT / "dist").mkdir(exist_ok=True)
    session.run("cyclonedx-py", "environment", python, "--of", "JSON", "-o", "dist/sbom.cdx.json")
    table = ("--format=markdown", "--with-urls", "--output-file=dist/licences.md")
    session.run("pip-licenses", f"--python={python}", *table)
    session.run("python", "tools/audit.py", "dist/sbom.cdx.json")
