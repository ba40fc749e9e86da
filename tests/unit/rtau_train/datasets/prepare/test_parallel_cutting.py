import json
import subprocess
import sys

import pytest

from rtau.errors import SinkError
from rtau_train.datasets.prepare import parallel_cutting
from rtau_train.datasets.prepare.listing import crop_files
from rtau_train.datasets.prepare.parallel_cutting import cut_all
from tests.architecture.tree import ROOT
from tests.support.prepared import CROPS_48, contents, drawn_listing

LOADED = """
import json, sys
import rtau_train.datasets.prepare.parallel_cutting
print(json.dumps([name for name in ("torch", "rich", "pyarrow") if name in sys.modules]))
"""


def jobs_of(listing):
    return list(zip(listing.images, crop_files(listing), strict=True))


def test_one_and_two_processes_write_the_same_in_the_same_order(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel_cutting, "BATCH_IMAGES", 2)
    jobs = jobs_of(drawn_listing(tmp_path / "source", 17))
    jobs[4][0].path.write_bytes(b"no picture")

    outs = tmp_path / "one", tmp_path / "two"
    cuts = [
        [cut for batch in cut_all(jobs, CROPS_48, out, processes=n) for cut in batch]
        for n, out in enumerate(outs, 1)
    ]

    assert cuts[0] == cuts[1]
    assert [cut.image for cut in cuts[0]] == [image.name for image, _ in jobs]
    assert [bool(cut.reason) for cut in cuts[0]] == [index == 4 for index in range(17)]
    assert contents(outs[0]) == contents(outs[1])
    assert len(contents(outs[0])) == 16


def test_nothing_to_do_needs_no_process(tmp_path):
    assert list(cut_all([], CROPS_48, tmp_path / "out", processes=1)) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, processes):
    (tmp_path / "out").write_text("a file, no folder")
    jobs = jobs_of(drawn_listing(tmp_path / "source"))

    with pytest.raises(SinkError, match=r"out: cannot be written \(Not a directory\)"):
        list(cut_all(jobs, CROPS_48, tmp_path / "out", processes=processes))


def test_a_process_loads_nothing_it_does_not_need():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout) == []
