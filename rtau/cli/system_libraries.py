"""Which OpenCV works on this machine, and the system libraries of it that pip cannot install.

Uses only the standard library, so that `make` can run this file before anything is installed
(`python3 -I rtau/cli/system_libraries.py`). `rtau doctor` and the command line use it to explain a
failed `import cv2` in one line.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import shutil
import sys

# Shared library -> Debian and Ubuntu package. opencv-python 4 links both (ldd on its module),
# opencv-python-headless neither.
PACKAGES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
# Extra of rtau -> its OpenCV.
FLAVOURS = {"cpu": "opencv-python", "cpu-headless": "opencv-python-headless"}
VERSIONS = ">=4.13,<5"
# Modules of the packages rtau always installs (setup.cfg, install_requires).
BASE_MODULES = ("av", "cv2", "numpy", "rich", "tomli")
REINSTALL = "pip install --force-reinstall 'rtau[cpu]'"
# Programs that only tests use -> package; tests that need a missing one are skipped.
TEST_PROGRAMS = {"Xvfb": "xvfb"}


def apt_line(packages: list[str]) -> str:
    """Returns the command that installs Debian packages."""
    return f"sudo apt-get update && sudo apt-get install -y {' '.join(packages)}"


def missing_libraries() -> list[str]:
    """Returns the names of the libraries in `PACKAGES` the dynamic linker cannot load."""
    missing = []
    for library in PACKAGES:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(library)
    return missing


def fitting_extra() -> str:
    """Returns the extra whose OpenCV this machine can load: `cpu`, or `cpu-headless` without libGL.

    Where one of the two wheels is installed that one's, as they overwrite each other.
    """
    for extra, wheel in FLAVOURS.items():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(wheel)
            return extra
    return _loadable_extra()


def fitting_wheel() -> str:
    """Returns the requirement of the OpenCV that this machine can load, quoted for a shell."""
    return f"'{FLAVOURS[_loadable_extra()]}{VERSIONS}'"


def _loadable_extra() -> str:
    return "cpu-headless" if missing_libraries() else "cpu"


def missing_test_programs() -> list[str]:
    """Returns the names in `TEST_PROGRAMS` that are not on the path."""
    return [program for program in TEST_PROGRAMS if shutil.which(program) is None]


def explain_missing(libraries: list[str]) -> str:
    """Returns one line with the missing libraries and the command that installs them."""
    packages = [PACKAGES[library] for library in libraries]
    return (
        f"OpenCV needs {' and '.join(libraries)}, not found; run: {apt_line(packages)}; or, "
        "without root, take the OpenCV without windows: pip uninstall -y opencv-python && pip "
        f"install 'opencv-python-headless{VERSIONS}'"
    )


def explain_import_error(error: ImportError) -> str | None:
    """Returns one line with a remedy for a required library that cannot be imported.

    For a missing system library that is its package, for a module reinstalling rtau; None if the
    error has another cause.
    """
    missing = [library for library in PACKAGES if library in str(error)]
    if missing:
        # The linker stops at the first missing library; name all of them at once.
        return explain_missing(sorted({*missing, *missing_libraries()}))
    module = (error.name or "").split(".")[0]
    if module not in BASE_MODULES:
        return None
    if isinstance(error, ModuleNotFoundError):
        remedy = f"pip install {fitting_wheel()}" if module == "cv2" else REINSTALL
        return f"the Python module {module!r} is not installed; run: {remedy}"
    reason = (str(error).splitlines() or ["no reason given"])[0]
    return f"the Python module {module!r} cannot be loaded ({reason}); run: {REINSTALL}"


def missing_packages() -> list[str]:
    """Returns the Debian packages of all missing libraries and test programs."""
    return [
        *(PACKAGES[library] for library in missing_libraries()),
        *(TEST_PROGRAMS[program] for program in missing_test_programs()),
    ]


def main(arguments: list[str]) -> int:
    """Answers a script; returns 0.

    `--extra` prints the extra of rtau that works here, and on stderr what it lacks; `--packages`
    the packages that a script with root may install; `--tests` names missing programs of tests.
    """
    if "--packages" in arguments:
        print(" ".join(missing_packages()))
    if "--extra" in arguments:
        extra = fitting_extra()
        print(extra)
        if extra == "cpu-headless" and (libraries := missing_libraries()):
            packages = [PACKAGES[library] for library in libraries]
            print(
                f"rtau: without {' and '.join(libraries)} OpenCV has no windows; for windows: "
                f"{apt_line(packages)}, then remove .venv and begin anew",
                file=sys.stderr,
            )
    programs = missing_test_programs() if "--tests" in arguments else []
    if programs:
        packages = [TEST_PROGRAMS[program] for program in programs]
        print(
            f"rtau: no {', '.join(programs)}, so the tests of the window are skipped; "
            f"to run them: {apt_line(packages)}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
