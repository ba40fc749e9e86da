"""`kill -9` at random moments of runs and batches: is anything lost that was whole?

For `hard_use.py`. Killed runs follow one another in one folder, so each meets the locks and the
temporary files of those before.
"""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import av

from benchmarks.hard_runs import (
    CLIP,
    RTAU,
    Done,
    Row,
    Scale,
    frames_of,
    lines_of,
    rows_of,
    run,
    surroundings,
)

FRAMES, CLIPS = 60, 3
SUFFIXES = (".csv", ".jsonl", ".mp4", ".run.json")
# A batch that is killed leaves workers that end with the frame they are at.
WAIT_S = 60.0


@dataclasses.dataclass
class Tally:
    """What the killed runs left."""

    kills: int = 0
    replaced: int = 0
    """Runs that were killed after they had put a result in its place."""
    parts: int = 0
    """Temporary files that could be read or played."""
    faults: list[str] = dataclasses.field(default_factory=list)


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    """Yields what killed runs and killed batches left."""
    moments = random.Random(0)
    yield _runs(folder / "run", scale.kills, moments)
    yield _batches(folder / "batch", scale.kills, moments)


def _runs(folder: Path, kills: int, moments: random.Random) -> Row:
    """Kills runs that replace whole results, and, every second one, runs without any."""
    full = _whole_run(folder / "full")
    seconds, tally = full.seconds, Tally()
    kept = _sizes(folder / "full")
    while tally.kills < kills:
        fresh = tally.kills % 2 == 1
        place = folder / f"fresh{tally.kills}" if fresh else folder / "full"
        place.mkdir(exist_ok=True)
        lasted_s = _killed(_words(place), moments.uniform(0.1, seconds))
        if lasted_s is not None:
            seconds = min(seconds, lasted_s)  # the machine has less to do than before
            continue
        tally.kills += 1
        _check_parts(place, tally)
        if fresh:
            shutil.rmtree(place)
            continue
        for name, size in _sizes(place).items():
            # Of the same clip: JSON records have times, and so other sizes, videos the same.
            tally.replaced += size != kept[name]
        _check_whole(place, tally)
    last = run(*_words(folder / "full"))
    if last.code != 0:
        tally.faults.append(f"the run after them failed: {last.last_line}")
    _check_whole(folder / "full", tally)
    if locks := list(folder.rglob(".*.lock")):
        tally.faults.append(f"{len(locks)} locks left")
    return Row(
        f"`kill -9` at {kills} random moments of `rtau video --out --csv --jsonl`",
        "earlier results whole, temporary files readable, the next run not refused",
        "; ".join(tally.faults)
        or f"all held; {tally.parts} temporary files read or played to their last whole second",
        not tally.faults,
    )


def _batches(folder: Path, kills: int, moments: random.Random) -> Row:
    """Kills batches and their resumption until each is done, then begins the next."""
    clips = folder / "clips"
    clips.mkdir(parents=True)
    short = folder / "short.mp4"
    run("video", CLIP, "--max-frames", FRAMES, "--out", short)
    for number in range(CLIPS):
        shutil.copy(short, clips / f"{number}.mp4")
    seconds = run(*_batch(clips, folder / "first")).seconds
    tally, batches = Tally(), 0
    while tally.kills < kills:
        batches += 1
        out = folder / f"out{batches}"
        kept: Mapping[str, bytes] = {}
        # Each third is resumed at once, the others are killed again while they resume.
        for _ in range(min(batches % 3 + 1, kills - tally.kills)):
            lasted_s = _killed(_batch(clips, out), moments.uniform(0.1, seconds))
            seconds = min(seconds, lasted_s or seconds)
            tally.kills += lasted_s is None
            kept = _check_kept(out, kept, tally)
        done = _resumed(clips, out)
        if done.code != 0:
            tally.faults.append(f"--resume failed: {done.last_line}")
        kept = _check_kept(out, kept, tally)
        if len(kept) != CLIPS:
            tally.faults.append(f"--resume left {CLIPS - len(kept)} of {CLIPS} files undone")
        for name in kept:
            if rows_of(out / name) != FRAMES or frames_of((out / name).with_suffix(".mp4")) < 1:
                tally.faults.append(f"{name} is not whole")
        if locks := list(out.rglob(".*.lock")):
            tally.faults.append(f"{len(locks)} locks left")
    return Row(
        f"`kill -9` at {tally.kills} random moments of a batch (`--out-dir --jobs 2`)",
        "finished files unchanged to the byte, `--resume` finishes, no lock left",
        "; ".join(dict.fromkeys(tally.faults)) or f"all held, in {batches} batches",
        not tally.faults,
    )


def _words(folder: Path) -> list[object]:
    out = ["--out", folder / "o.mp4", "--csv", folder / "o.csv", "--jsonl", folder / "o.jsonl"]
    return ["video", CLIP, "--max-frames", FRAMES, *out, "--view", "none"]


def _batch(clips: Path, out: Path) -> list[object]:
    return ["video", clips, "--out-dir", out, "--jobs", 2, "--resume", "--view", "none"]


def _whole_run(folder: Path) -> Done:
    folder.mkdir(parents=True)
    done = run(*_words(folder))
    if done.code != 0:
        raise SystemExit(f"a run that is not killed failed: {done.err}")
    return done


def _killed(words: list[object], after_s: float) -> float | None:
    """Kills a command after so many seconds; returns how long it took if it ended before."""
    started_s = time.monotonic()
    with subprocess.Popen(
        [*RTAU, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=surroundings(),
    ) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return time.monotonic() - started_s


def _resumed(clips: Path, out: Path) -> Done:
    """Resumes a batch; waits for workers that the killed one left at their file."""
    end_s = time.monotonic() + WAIT_S
    while True:
        done = run(*_batch(clips, out))
        if done.code == 0 or "another run" not in done.err or time.monotonic() > end_s:
            return done


def _sizes(folder: Path) -> dict[str, int]:
    return {f"o{suffix}": (folder / f"o{suffix}").stat().st_size for suffix in SUFFIXES[:3]}


def _check_whole(folder: Path, tally: Tally) -> None:
    """Checks the results of an earlier run, or those that took their place."""
    try:
        counts = {
            "rows": rows_of(folder / "o.csv"),
            "lines": lines_of(folder / "o.jsonl"),
            "pictures": frames_of(folder / "o.mp4"),
        }
    except (OSError, ValueError, av.error.FFmpegError) as error:
        tally.faults.append(f"a result was lost: {error}")
        return
    tally.faults += [f"{n} {name} in place of {FRAMES}" for name, n in counts.items() if n < FRAMES]


def _check_parts(folder: Path, tally: Tally) -> None:
    """Reads what killed runs left under temporary names, and removes it."""
    readers = {".csv": rows_of, ".jsonl": lines_of, ".mp4": frames_of}
    for part in [path for path in folder.iterdir() if ".part" in path.name]:
        try:
            # A video without its first fragment has nothing that could be played.
            if part.suffix in readers and (part.suffix != ".mp4" or b"moof" in part.read_bytes()):
                readers[part.suffix](part)
                tally.parts += 1
        except (OSError, ValueError, av.error.FFmpegError) as error:
            tally.faults.append(f"{part.name} cannot be read: {error}")
        part.unlink()


def _check_kept(out: Path, before: Mapping[str, bytes], tally: Tally) -> dict[str, bytes]:
    """Returns the tables whose record says that they are whole; those of before are as they were.

    Two kills may have a file finished by a worker that outlives its batch.
    """
    found = {}
    for record in out.glob("*.run.json") if out.is_dir() else ():
        table = record.with_name(record.name.replace(".run.json", ".csv"))
        try:
            if json.loads(record.read_text(encoding="utf-8"))["end_reason"] == "end of source":
                found[table.name] = table.read_bytes()
        except (OSError, ValueError) as error:
            tally.faults.append(f"{record.name} cannot be read: {error}")
    if not before.items() <= found.items():
        tally.faults.append("a finished file was changed or lost")
    return found
