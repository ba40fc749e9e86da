"""`kill -9` in a batch: what was whole stays, `--resume` finishes, no lock is left."""

import csv
import json
import random
import time

import pytest

from tests.support import media
from tests.support.commands import example_frames, start

CLIPS, FRAMES = 3, 60
# A batch of these clips takes about as long, process and model included.
BATCH_S = 8.0
# What a worker whose batch was killed may still take for the file it is at.
LAST_FILE_S = 60.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for k in range(CLIPS):
        media.write_clip(folder / f"{k}.mp4", list(example_frames(FRAMES)), audio="aac")
    return folder


def batch(clips, out, *flags):
    return start("video", clips, "--out-dir", out, "--jobs", 2, *flags)


def whole(out):
    """Returns the names and contents of the tables whose record says that they are whole."""
    records = {path: path.read_text(encoding="utf-8") for path in out.glob("*.run.json")}
    tables = [
        path.with_name(path.name.replace(".run.json", ".csv"))
        for path, text in records.items()
        if json.loads(text)["end_reason"] == "end of source"
    ]
    return {path.name: path.read_bytes() for path in tables}


def resumed(clips, out):
    """Resumes the batch; waits for workers that the killed one left at their file."""
    deadline_s = time.monotonic() + LAST_FILE_S
    while True:
        with batch(clips, out, "--resume") as process:
            _, err = process.communicate(timeout=LAST_FILE_S)
        if process.returncode == 0 or time.monotonic() > deadline_s:
            return process.returncode, err
        assert "another run" in err, err


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_batch_that_is_killed_is_resumed(clips, tmp_path, seed):
    out = tmp_path / "out"
    with batch(clips, out) as process:
        time.sleep(random.Random(seed).uniform(0.2, BATCH_S))
        process.kill()
        process.communicate()
    before = whole(out) if out.is_dir() else {}
    code, err = resumed(clips, out)
    assert code == 0, err
    after = whole(out)
    assert len(after) == CLIPS
    assert before.items() <= after.items()
    for name in after:
        with (out / name).open(encoding="utf-8", newline="") as file:
            assert [int(row["frame"]) for row in csv.DictReader(file)] == list(range(1, FRAMES + 1))
        assert (out / name).with_suffix(".mp4").stat().st_size > 10_000
    assert not list(out.glob(".*.lock"))
