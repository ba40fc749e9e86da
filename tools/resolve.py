"""Resolves rtau's runtime for machines other than this one, without installing anything.

Reads the requirements from setup.cfg and lets pip resolve them, wheels only, for every supported
Python on x86-64 and aarch64 (JetPack 6 is Python 3.10 on aarch64). `make resolve` runs it.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.requirements import Requirement

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# Machine -> newest glibc that may be assumed: 2.28 is what most wheels ask for, and JetPack 6
# (Ubuntu 22.04) has 2.35.
MACHINES = {"x86_64": 28, "aarch64": 35}
OLDEST_GLIBC = 17
TIMEOUT_S = 240


def runtime_requirements(setup_cfg: Path) -> list[Requirement]:
    """Returns the base requirements and those of the extra `cpu`."""
    config = configparser.RawConfigParser()
    config.read(setup_cfg, encoding="utf-8")
    lines = [
        *config["options"]["install_requires"].splitlines(),
        *config["options.extras_require"]["cpu"].splitlines(),
    ]
    return [Requirement(line) for line in lines if line.strip()]


def wanted(requirements: list[Requirement], *, python: str, machine: str) -> list[str]:
    """Returns the requirements that hold on a target; pip judges markers by its own Python."""
    target = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    return [
        f"{requirement.name}{requirement.specifier}"
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(target)
    ]


def resolve(requirements: list[str], *, python: str, machine: str) -> str:
    """Returns what pip would install on a target, or raises RuntimeError with pip's reason."""
    platforms = [
        f"manylinux_2_{minor}_{machine}" for minor in range(OLDEST_GLIBC, MACHINES[machine] + 1)
    ]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"),
            *("--only-binary=:all:", "--target", folder, "--report", f"{folder}/report.json"),
            *("--python-version", python),
            *(part for platform in platforms for part in ("--platform", platform)),
            *requirements,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        report = json.loads(Path(folder, "report.json").read_text(encoding="utf-8"))
    names = {Requirement(line).name for line in requirements}
    packages = [item["metadata"] for item in report["install"]]
    return " ".join(f"{p['name']} {p['version']}" for p in packages if p["name"] in names)


def main() -> int:
    """Prints a line per target; returns 1 if one of them does not resolve."""
    requirements = runtime_requirements(Path(__file__).parent.parent / "setup.cfg")
    failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {
            (python, machine): pool.submit(
                resolve,
                wanted(requirements, python=python, machine=machine),
                python=python,
                machine=machine,
            )
            for machine in MACHINES
            for python in PYTHONS
        }
        for (python, machine), future in running.items():
            try:
                print(f"Python {python} {machine}: {future.result()}")
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"Python {python} {machine} does not resolve: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
