import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtau.errors import SinkError, SourceOpenError, UsageError
from rtau_train.datasets.prepare import parallel_cutting
from rtau_train.datasets.prepare.run import PrepareJob, prepare
from tests.architecture.tree import ROOT
from tests.support.prepared import CROPS_48, contents, drawn_listing, write_picture

# Ends the process, as the kernel would, once so many images are done.
DIES = """
import json, multiprocessing, os, signal, sys
from pathlib import Path
from rtau_train.datasets.prepare.run import PrepareJob, prepare
from tests.support.prepared import CROPS_48, drawn_listing

def main():
    source, out, jobs, images = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), 80
    def progress(done, total):
        if done >= images // 2:
            children = [child.pid for child in multiprocessing.active_children()]
            print(json.dumps(children), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    job = PrepareJob(source=source, out=out, plan=CROPS_48, jobs=jobs)
    prepare(job, drawn_listing(source, images), None, progress=progress)

if __name__ == "__main__":
    main()
"""


def ran(tmp_path, listing, out="out", *, jobs=1):
    """Returns the outcome of a run, and how many images were cut in it."""
    seen = []
    job = PrepareJob(source=tmp_path / "source", out=tmp_path / out, plan=CROPS_48, jobs=jobs)
    outcome = prepare(job, listing, None, progress=lambda done, total: seen.append((done, total)))
    return outcome, seen[-1][0] - seen[0][0]


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


def test_a_second_run_cuts_nothing_and_changes_no_byte(tmp_path, source):
    listing = drawn_listing(source, 5)
    assert ran(tmp_path, listing)[1] == 5
    before = contents(tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        os.utime(path, ns=(7, 7))

    outcome, cut = ran(tmp_path, listing)

    assert (len(outcome.kept), cut) == (5, 0)
    assert contents(tmp_path / "out") == before
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.stat().st_mtime_ns for path in files} == {7}


def test_only_new_and_changed_images_are_cut(tmp_path, source):
    ran(tmp_path, drawn_listing(source, 3))
    listing = drawn_listing(source, 4)  # writes all four anew, with a new time stamp
    os.utime(listing.images[0].path, ns=(1, 1))

    outcome, cut = ran(tmp_path, listing)

    assert cut == 4
    os.utime(listing.images[0].path, ns=(2, 2))
    assert ran(tmp_path, listing)[1] == 1
    assert len(outcome.kept) == 4


def test_two_folders_of_one_data_set_hold_the_same_bytes(tmp_path, source):
    listing = drawn_listing(source, 5)

    ran(tmp_path, listing, "one")
    ran(tmp_path, listing, "two", jobs=2)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_leaves_no_process_and_the_next_goes_on(tmp_path, source, jobs):
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(source), str(tmp_path / "out"), str(jobs)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    children = json.loads(done.stdout)
    assert len(children) == (0 if jobs == 1 else jobs)
    assert not (tmp_path / "out" / "labels.csv").exists()
    listing = drawn_listing_as_it_is(source, 80)

    _, cut = ran(tmp_path, listing)
    ran(tmp_path, listing, "fresh")

    assert 0 < cut <= 40
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    deadline_s = time.monotonic() + 20
    while any(is_running(child) for child in children) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not any(is_running(child) for child in children)


def drawn_listing_as_it_is(source, count):
    """Returns the listing of pictures that are drawn already, their time stamps untouched."""
    stamps = {path: path.stat().st_mtime_ns for path in (source / "a").iterdir()}
    listing = drawn_listing(source, count)
    for path, stamp_ns in stamps.items():
        os.utime(path, ns=(stamp_ns, stamp_ns))
    return listing


def is_running(pid):
    """True for a process that is there and not a zombie nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(tmp_path, source, monkeypatch):
    monkeypatch.setattr(parallel_cutting, "BATCH_IMAGES", 2)
    listing = drawn_listing(source, 6)
    written = []

    def fill_up(path, data):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    with monkeypatch.context() as patch:
        patch.setattr(parallel_cutting, "write_whole", fill_up)
        with pytest.raises(SinkError, match=r"out: cannot be written \(No space left on device\)"):
            ran(tmp_path, listing)
    assert not (tmp_path / "out" / "labels.csv").exists()

    outcome, cut = ran(tmp_path, listing)

    assert (len(outcome.kept), cut) == (6, 4)


def test_when_no_image_can_be_used_the_reasons_are_written(tmp_path, source):
    listing = drawn_listing(source, 2)
    for image in listing.images:
        write_picture(image.path, (48, 40, 3))

    with pytest.raises(
        SourceOpenError,
        match=r"source: none of 2 images can be used; the first: a/0\.png: a face crop must be sq",
    ):
        ran(tmp_path, listing)

    assert len((tmp_path / "out" / "rejected.csv").read_text().splitlines()) == 3
    assert not (tmp_path / "out" / "labels.csv").exists()
    assert not (tmp_path / "out" / "prepared.json").exists()


@pytest.mark.parametrize("out", ["source", "source/made"])
def test_a_folder_inside_the_data_set_is_refused(tmp_path, source, out):
    source.mkdir()

    with pytest.raises(UsageError, match="OUT must not lie in the data set's own folder"):
        PrepareJob(source=source, out=tmp_path / out, plan=CROPS_48, jobs=1)
