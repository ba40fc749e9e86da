"""Disks that are full, slow or read-only, little memory, one core: for `hard_use.py`.

A full disk, a read-only one and a limit of memory are real ones, which root makes. A quota and a
slow disk are played by a small library that is loaded before all others and answers `write`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compose_clips import composed
from benchmarks.hard_runs import CLIP, Done, Row, Scale, frames_of, lines_of, rows_of, run

MEMORY_BYTES = 512 * 10**6
HD = (1280, 720)
# Enough for the results of the first frames, not for those of the clip.
FIRST_FRAMES, DISK_MIB, QUOTA_BYTES = 20, 2, 1_000_000
WAIT_MS = 50
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
CGROUPS = Path("/sys/fs/cgroup")
# Answers `write` for regular files other than the standard streams.
SLOW_OR_LIMITED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
ssize_t write(int file, const void *data, size_t size) {
    static ssize_t (*next)(int, const void *, size_t);
    static size_t written;
    struct stat found;
    if (!next) next = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (file > 2 && !fstat(file, &found) && S_ISREG(found.st_mode)) {
        const char *wait_ms = getenv("WRITE_WAIT_MS"), *quota = getenv("WRITE_QUOTA_BYTES");
        if (wait_ms) usleep(1000 * atoi(wait_ms));
        if (quota && (written += size) > strtoul(quota, 0, 10)) { errno = EDQUOT; return -1; }
    }
    return next(file, data, size);
}
"""


def disk_rows(folder: Path, _scale: Scale) -> Iterator[Row]:
    """Yields what comes of runs whose outputs cannot be written, or slowly."""
    asked = "one line that says why, exit 1, earlier results whole"
    where = f"full disk ({DISK_MIB} MiB), video, table and JSON lines"
    if os.geteuid() != 0:
        yield Row("full and read-only disks", asked, "needs root", None)
    else:
        with disk(folder / "disk") as place:
            yield _refused(place, where, asked)
            _remount(place, "ro")
            yield _read_only(place, "read-only disk")
            _remount(place, "rw")
        with disk(folder / "batches") as place:
            yield _full_batch(place)
    closed = folder / "closed"
    closed.mkdir(mode=0o555)
    yield _read_only(closed, "read-only folder", as_nobody=os.geteuid() == 0)
    library = _library(folder)
    if library is None:
        yield Row("quota, slow disk", asked, "needs a C compiler", None)
        return
    place = folder / "quota"
    place.mkdir()
    yield _refused(
        place,
        f"quota of {QUOTA_BYTES / 1e6:g} MB (`write` answers EDQUOT)",
        asked,
        environment={"LD_PRELOAD": str(library), "WRITE_QUOTA_BYTES": str(QUOTA_BYTES)},
    )
    yield _slow(folder / "slow", library)


def memory_rows(folder: Path, scale: Scale) -> Iterator[Row]:
    """Yields whether a run at 1280x720 stays within a limit of memory that the kernel enforces."""
    where = f"{MEMORY_BYTES / 1e6:g} MB for a run at {HD[0]}x{HD[1]}, `--out --csv --heatmap top`"
    asked = "the run ends well"
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(memory_group()) if os.geteuid() == 0 else None
        if group is None:
            yield Row(where, asked, "needs root and control groups of memory", None)
            return
        enter = ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
        done = _annotated(folder, scale, before=enter)
        names = ("memory.max_usage_in_bytes", "memory.peak")
        peak = next((group / name for name in names if (group / name).is_file()), None)
        most = (
            "" if peak is None else f" ({_mib(peak):.0f} MiB of its own and not loaded by others)"
        )
    came = f"{done.peak_mib:.0f} MiB at most{most}, {done.seconds:.0f} s"
    yield Row(
        where, asked, came if done.code == 0 else f"{done.code}: {done.last_line}", not done.code
    )


def core_rows(folder: Path, scale: Scale) -> Iterator[Row]:
    """Yields whether a run on one core gives the table of a run on all."""
    if shutil.which("taskset") is None:
        yield Row("one core", "the same table", "needs taskset", None)
        return
    tables = []
    times_s = []
    for before in ((), ("taskset", "--cpu-list", "0")):
        done = _annotated(folder, scale, before=before)
        times_s.append(done.seconds)
        tables.append((folder / "o.csv").read_bytes() if done.code == 0 else b"")
    yield Row(
        f"one core (`taskset`), {HD[0]}x{HD[1]}, `--out --csv --heatmap top`",
        "the table of a run on all cores, to the byte",
        f"{times_s[1]:.0f} s, on all cores {times_s[0]:.0f} s; "
        + ("the same table" if tables[0] == tables[1] else "another table"),
        bool(tables[0]) and tables[0] == tables[1],
    )


@contextlib.contextmanager
def disk(place: Path) -> Iterator[Path]:
    """Makes a small disk in memory; needs root."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "hard", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@contextlib.contextmanager
def memory_group() -> Iterator[Path | None]:
    """Makes a control group with little memory and no swap; yields None where there are none."""
    first = CGROUPS / "memory"
    parent = first if first.is_dir() else CGROUPS
    limits = {
        "memory.limit_in_bytes": MEMORY_BYTES,
        "memory.max": MEMORY_BYTES,
        "memory.swap.max": 0,
    }
    group = parent / f"rtau-hard-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        found = [name for name in limits if (group / name).exists()]
        for name in found:
            (group / name).write_text(str(limits[name]), encoding="ascii")
        yield group if found else None
    finally:
        group.rmdir()


def _annotated(folder: Path, scale: Scale, *, before: tuple[str, ...]) -> Done:
    clip = composed(1, HD, frames=scale.frames).path
    out = ["--out", folder / "o.mp4", "--csv", folder / "o.csv", "--heatmap", "top"]
    return run("video", clip, *out, "--view", "none", before=before)


def _words(place: Path, *more: object) -> list[object]:
    out = ["--out", place / "o.mp4", "--csv", place / "o.csv", "--jsonl", place / "o.jsonl"]
    return ["video", CLIP, *out, "--view", "none", *more]


def _refused(
    place: Path, where: str, asked: str, *, environment: dict[str, str] | None = None
) -> Row:
    """Returns what came of a run that cannot write all of its results over earlier ones."""
    first = run(*_words(place, "--max-frames", FIRST_FRAMES))
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    done = run(*_words(place), environment=environment)
    after = {name: (place / name).read_bytes() for name in before if (place / name).is_file()}
    holds = first.code == 0 and done.code == 1 and done.is_told and after == before
    return Row(where, asked, _told(done, place), holds)


def _read_only(place: Path, where: str, *, as_nobody: bool = False) -> Row:
    done = run(*_words(place), before=NOBODY if as_nobody else ())
    # Before the first frame: not after the minute that the clip would have taken.
    holds = done.is_told and "frame" not in done.err
    asked = "one line that says why, before the first frame"
    return Row(where, asked, _told(done, place), holds)


def _full_batch(place: Path) -> Row:
    """Returns what came of a batch whose results do not fit."""
    clips = place.parent / "clips"
    clips.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(CLIP, clips / name)
    done = run("video", clips, "--out-dir", place / "out", "--view", "none")
    holds = done.code == 1 and "Traceback" not in done.err and done.err.count(clips.name) >= 2
    return Row(
        "full disk, a batch of two files",
        "each file fails with its reason, exit 1",
        _told(done, place),
        holds,
    )


def _slow(place: Path, library: Path) -> Row:
    place.mkdir()
    environment = {"LD_PRELOAD": str(library), "WRITE_WAIT_MS": str(WAIT_MS)}
    done = run(*_words(place, "--max-frames", 200), environment=environment)
    free = run(*_words(place, "--max-frames", 200))
    counts = []
    if done.code == 0:
        counts = [
            rows_of(place / "o.csv"),
            lines_of(place / "o.jsonl"),
            frames_of(place / "o.mp4"),
        ]
    return Row(
        f"slow disk (every `write` waits {WAIT_MS} ms), 200 frames",
        "every row, line and picture; no more memory than on a fast one",
        f"{', '.join(map(str, counts))} in {done.seconds:.0f} s, {done.peak_mib:.0f} MiB; on a "
        f"fast one {free.seconds:.0f} s, {free.peak_mib:.0f} MiB"
        if done.code == 0
        else done.last_line,
        counts == [200] * 3 and done.peak_mib < free.peak_mib + 50,
    )


def _library(folder: Path) -> Path | None:
    """Returns the library that plays quota and slow disk, compiled; None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "write.c", folder / "write.so"
    source.write_text(SLOW_OR_LIMITED, encoding="ascii")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True)
    return library


def _remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", place], check=True)


def _told(done: Done, place: Path) -> str:
    """Returns exit code and message of a run, without the folder of this check."""
    line = done.last_line.removeprefix("rtau: ").replace(f"{place}/", "").replace(str(place), ".")
    return f"exit {done.code}: {line.replace('|', chr(92) + '|')}"


def _mib(file: Path) -> float:
    return int(file.read_text(encoding="ascii")) / 2**20
