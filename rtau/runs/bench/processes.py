"""What a fresh process costs: the import, the first result, the memory of a whole run.

Starts this interpreter again and looks at it from outside; measures nothing inside of itself. For
users who start rtau from a script, and for the targets.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

from rtau.errors import UsageError

POLL_S = 0.02
PATIENCE_S = 600.0
# Prints how long the import took by its own clock: the interpreter's start is not rtau's.
IMPORT = "import time; t = time.perf_counter(); import rtau; print(time.perf_counter() - t)"


def import_s() -> float:
    """Returns the seconds `import rtau` takes in a fresh interpreter."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, timeout=60
    )
    return float(done.stdout)


def first_result_s(clip: Path, /, *, model: str, provider: str) -> float:
    """Returns the seconds from starting `rtau video` to its first row of results.

    Raises:
        UsageError: it ended without one.
    """
    command = [*_video(clip, model=model, provider=provider), "--csv", "-"]
    start_s = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the names of the columns, known before any frame
        row = process.stdout.readline()
        taken_s = time.perf_counter() - start_s
        process.terminate()
    if not row.strip():
        raise UsageError(f"`{' '.join(command)}` gave no result; run it by hand to see why")
    return taken_s


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of one run."""

    peak_mib: float
    """The most it ever was."""
    early_mib: float
    """After a third of the run."""
    late_mib: float
    """At its end."""


def run_memory(clip: Path, table: Path, /, *, model: str, provider: str) -> Memory | None:
    """Returns the memory of `rtau video CLIP --csv TABLE`; None where /proc does not tell.

    Raises:
        UsageError: the run failed.
    """
    command = [*_video(clip, model=model, provider=provider), "--csv", str(table)]
    seen: list[float] = []
    peak_mib = 0.0
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        started_s = time.monotonic()
        while process.poll() is None:
            found = _status_mib(Path(f"/proc/{process.pid}/status"))
            if found:
                peak_mib = max(peak_mib, found["VmHWM"])
                seen.append(found["VmRSS"])
            if time.monotonic() - started_s > PATIENCE_S:
                process.kill()
            time.sleep(POLL_S)
    if process.returncode != 0:
        raise UsageError(f"`{' '.join(command)}` failed; run it by hand to see why")
    if len(seen) < 3:
        return None
    return Memory(peak_mib=peak_mib, early_mib=seen[len(seen) // 3], late_mib=seen[-1])


def _video(clip: Path, *, model: str, provider: str) -> list[str]:
    options = ["--model", model, "--provider", provider, "--view", "none"]
    return [sys.executable, "-m", "rtau", "video", str(clip), *options]


def _status_mib(path: Path) -> dict[str, float] | None:
    """Returns peak and present memory of a process; None when it has gone."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = dict(line.split(":", 1) for line in lines if line.startswith(("VmHWM", "VmRSS")))
    if len(found) < 2:
        return None
    return {name: int(text.split()[0]) / 1024 for name, text in found.items()}
