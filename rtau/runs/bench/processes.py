"""What a fresh process takes: the import, the first result, the memory of a whole run.

Starts this interpreter again and measures it from outside. For users who start rtau from a script,
and for the targets.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from rtau.errors import UsageError
from rtau.runs.bench.metrics import Metric, metric

POLL_S = 0.02
TIMEOUT_S = 600.0
# Prints the import's time by its own clock, without the interpreter's start.
IMPORT = "import time; t = time.perf_counter(); import rtau; print(time.perf_counter() - t)"


def process_metrics(
    clip: Path, /, *, model: str, provider: str, folder: Path, times: int
) -> list[Metric]:
    """Returns the import, the first result and the peak memory of a run as metrics.

    The memory is left out where /proc does not tell it.

    Raises:
        UsageError: a run failed.
    """
    video = [sys.executable, "-m", "rtau", "video", str(clip), "--model", model]
    video += ["--provider", provider, "--view", "none", "--csv"]
    first_s = [first_row_s([*video, "-"]) for _ in range(times)]
    found = [
        metric("import rtau", [import_s() * 1e3 for _ in range(times)]),
        metric("start to first result", first_s, unit="s"),
    ]
    peak_mib = peak_memory_mib([*video, str(folder / "memory.csv")])
    if peak_mib is not None:
        found.append(metric("resident memory, peak", [peak_mib], unit="MiB"))
    return found


def import_s() -> float:
    """Returns the seconds `import rtau` takes in a fresh interpreter."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, timeout=60
    )
    return float(done.stdout)


def first_row_s(command: list[str], /) -> float:
    """Returns the seconds from the start of a command to its first CSV row on standard output.

    Raises:
        UsageError: it ended without one.
    """
    start_s = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the header, written before any frame
        row = process.stdout.readline()
        taken_s = time.perf_counter() - start_s
        process.terminate()
    if not row.strip():
        raise UsageError(f"`{' '.join(command)}` gave no result; run it by hand to see why")
    return taken_s


def peak_memory_mib(command: list[str], /) -> float | None:
    """Returns the peak resident memory of a command; None where /proc does not tell it.

    Raises:
        UsageError: it failed, or ran longer than `TIMEOUT_S`.
    """
    peak_mib = None
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        start_s = time.monotonic()
        while process.poll() is None:
            peak_mib = resident_mib(str(process.pid), "VmHWM") or peak_mib
            if time.monotonic() - start_s > TIMEOUT_S:
                process.kill()
            time.sleep(POLL_S)
    if process.returncode != 0:
        raise UsageError(f"`{' '.join(command)}` failed; run it by hand to see why")
    return peak_mib


def resident_mib(
    process: str = "self", field: str = "VmRSS", *, proc: Path = Path("/proc")
) -> float | None:
    """Returns the resident memory of a process, now or (`VmHWM`) at most; None if unknown."""
    try:
        text = (proc / process / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{field}:\s*(\d+) kB", text, flags=re.MULTILINE)
    return None if found is None else int(found[1]) / 1024
