"""The machine record: hardware, libraries and revision a measurement was made with.

Reads /proc, /sys and installed metadata; starts `nvpmodel` and `git` where they are there, and
changes nothing. What cannot be read is None, never a guess.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import rtau
from rtau.cpu import usable_cores

# Distributions that can change a metric.
PACKAGES = (
    *("rtau", "numpy", "opencv-python", "opencv-python-headless", "av"),
    *("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "tensorrt-cu13"),
)
TIMEOUT_S = 10.0
CHECKOUT = Path(rtau.__file__).resolve().parent.parent
# Instruction sets that decide how fast a CPU multiplies, by the kernel's names.
INSTRUCTIONS = (
    *("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"),
    *("asimd", "asimddp", "i8mm"),
)
# Those of them that multiply bytes (INT8).
OF_BYTES = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp")
# Parts of a processor's name that carry no information.
NOISE = re.compile(r"\((R|TM)\)|\b(Processor|CPU)\b|@.*")


@dataclasses.dataclass(frozen=True, slots=True)
class Package:
    """One installed distribution."""

    name: str
    """As pip names it."""
    version: str
    """Its version."""


@dataclasses.dataclass(frozen=True, slots=True)
class Temperature:
    """One thermal sensor."""

    zone: str
    """The kernel's name of it."""
    celsius: float
    """Its reading."""


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """The machine as it was when measuring began."""

    name: str
    """Short name for file names: processor and cores."""
    cpu: str
    """The processor's own name."""
    cores: int
    """Processors the system lets this process use."""
    memory_mib: int | None
    """Installed memory."""
    architecture: str
    """x86_64, aarch64."""
    system: str
    """Operating system and kernel."""
    python: str
    """Version of the interpreter."""
    governor: str | None
    """Frequency governor, such as `performance`; None where the kernel does not report it."""
    gpu: str | None
    """Name of the NVIDIA GPU, from its driver."""
    board: str | None
    """Name of the board, on a Jetson and other device-tree machines."""
    power_mode: str | None
    """Jetson's power mode, from `nvpmodel`."""
    temperatures: tuple[Temperature, ...]
    """Thermal sensors that could be read."""
    load: float | None
    """Load average of the last minute: near 0 on an idle machine."""
    instructions: tuple[str, ...] = ()
    """Those of INSTRUCTIONS that the processor has; empty where the kernel reports none."""


def machine(*, root: Path = Path("/")) -> Machine:
    """Returns the record of this machine; `root` is the folder of /proc and /sys."""
    cores = usable_cores()
    cpu = _cpu_model(root)
    board = _text(root / "proc/device-tree/model")
    known = instructions(root=root)
    # Virtual machines may hide the processor's model; with such instructions it is twice as fast.
    of_bytes = "" if board else next((name for name in OF_BYTES if name in known), "")
    return Machine(
        name=slug(f"{NOISE.sub('', board or cpu)} {of_bytes} {cores} cores"),
        cpu=cpu,
        cores=cores,
        memory_mib=_memory_mib(root),
        architecture=platform.machine(),
        system=platform.platform(),
        python=platform.python_version(),
        governor=_text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        gpu=_gpu(root),
        board=board,
        power_mode=_power_mode(),
        temperatures=temperatures(root=root),
        load=load(),
        instructions=known,
    )


def instructions(*, root: Path = Path("/")) -> tuple[str, ...]:
    """Returns those of INSTRUCTIONS that the processor has, by /proc/cpuinfo."""
    found = re.search(
        r"^(?:flags|Features)\s*:(.*)$", _text(root / "proc/cpuinfo") or "", flags=re.MULTILINE
    )
    has = set(found[1].split()) if found else set()
    return tuple(name for name in INSTRUCTIONS if name in has)


def temperatures(*, root: Path = Path("/")) -> tuple[Temperature, ...]:
    """Returns the thermal sensors that can be read now."""
    found = []
    for folder in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        zone, text = _text(folder / "type"), _text(folder / "temp")
        if zone is not None and text is not None and re.fullmatch(r"-?\d+", text):
            found.append(Temperature(zone=zone, celsius=int(text) / 1000))
    return tuple(found)


def load() -> float | None:
    """Returns the load average of the last minute; None where the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def packages() -> tuple[Package, ...]:
    """Returns those of PACKAGES that are installed."""
    found = []
    for name in PACKAGES:
        try:
            found.append(Package(name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue  # most machines have one of each kind
    return tuple(found)


def revision(folder: Path = CHECKOUT) -> tuple[str | None, bool | None]:
    """Returns the commit of a checkout, and whether files differ from it; None outside of one."""
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return None, None
    commit = _output_of([git, "-C", str(folder), "rev-parse", "HEAD"])
    changes = _output_of([git, "-C", str(folder), "status", "--porcelain"])
    return commit, None if changes is None else bool(changes)


def slug(words: str) -> str:
    """Returns words as a part of a file name: lower case letters, digits and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _cpu_model(root: Path) -> str:
    text = _text(root / "proc/cpuinfo") or ""
    for key in ("model name", "Hardware", "Model"):
        if found := re.search(rf"^{key}\s*:\s*(.+)$", text, flags=re.MULTILINE):
            return found[1].strip()
    return platform.processor() or platform.machine()


def _memory_mib(root: Path) -> int | None:
    found = re.search(r"^MemTotal:\s*(\d+) kB", _text(root / "proc/meminfo") or "")
    return None if found is None else int(found[1]) // 1024


def _gpu(root: Path) -> str | None:
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        if found := re.search(r"^Model:\s*(.+)$", _text(path) or "", flags=re.MULTILINE):
            return found[1].strip()
    return None


def _power_mode() -> str | None:
    tool = shutil.which("nvpmodel")
    text = None if tool is None else _output_of([tool, "-q"])
    return None if text is None else " ".join(text.split())


def _output_of(command: list[str]) -> str | None:
    """Returns the standard output of a program; None when it fails or does not end in time."""
    try:
        done = subprocess.run(  # noqa: S603 - programs named above, found on the PATH
            command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _text(path: Path) -> str | None:
    """Returns a small text file without padding; None when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n") or None
    except OSError:
        return None
