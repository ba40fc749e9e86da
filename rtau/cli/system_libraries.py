"""Finds missing system libraries that OpenCV needs and pip cannot install.

Uses only the standard library, so that `make` can run this file before anything is installed
(`python3 -I rtau/cli/system_libraries.py`). `rtau doctor` and the command line use it to explain a
failed `import cv2` in one line.
"""

from __future__ import annotations

import ctypes
import shutil
import sys

# Shared library -> Debian and Ubuntu package. opencv-python 4 links both (ldd on its module).
PACKAGES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
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


def missing_test_programs() -> list[str]:
    """Returns the names in `TEST_PROGRAMS` that are not on the path."""
    return [program for program in TEST_PROGRAMS if shutil.which(program) is None]


def explain_missing(libraries: list[str]) -> str:
    """Returns one line with the missing libraries and the command that installs them."""
    packages = [PACKAGES[library] for library in libraries]
    return f"OpenCV needs {' and '.join(libraries)}, not found; run: {apt_line(packages)}"


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
        return f"the Python module {module!r} is not installed; run: {REINSTALL}"
    reason = (str(error).splitlines() or ["no reason given"])[0]
    return f"the Python module {module!r} cannot be loaded ({reason}); run: {REINSTALL}"


def missing_packages() -> list[str]:
    """Returns the Debian packages of all missing libraries and test programs."""
    return [
        *(PACKAGES[library] for library in missing_libraries()),
        *(TEST_PROGRAMS[program] for program in missing_test_programs()),
    ]


def main(arguments: list[str]) -> int:
    """Prints what is missing on stderr; returns 1 if a library is missing, otherwise 0.

    `--tests` also names missing programs of tests, which are no failure. `--packages` prints the
    missing packages on stdout instead, for a script that installs them.
    """
    if "--packages" in arguments:
        print(" ".join(missing_packages()))
        return 0
    libraries = missing_libraries()
    if libraries:
        print(f"rtau: {explain_missing(libraries)}", file=sys.stderr)
    programs = missing_test_programs() if "--tests" in arguments else []
    if programs:
        packages = [TEST_PROGRAMS[program] for program in programs]
        print(
            f"rtau: no {', '.join(programs)}, so the tests of the window are skipped; "
            f"to run them: {apt_line(packages)}",
            file=sys.stderr,
        )
    return 1 if libraries else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
