"""Two cameras, a process each, as docs/box.md has them: what ends one does not touch the other."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.commands import ROOT

pytest.importorskip("websockets", reason="needs websockets (the live extra)")
from websockets.sync.client import connect

pytestmark = [pytest.mark.slow, pytest.mark.needs_onnxruntime]
FPS, FRAMES, WAIT_S = 8, 40, 60


def started(folder, name):
    """Returns a camera's run in a process of its own, and the address of its dashboard."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.support.paced_run", str(FPS), "60", "webcam", name),
            *("--serve", "127.0.0.1:0", "--view", "none", "--policy", "wait"),
            *("--csv", str(folder / f"{name}.csv"), "--max-frames", str(FRAMES)),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return process, re.search(r"http://(\S+)/", process.stderr.readline())[1]


def test_a_camera_that_is_killed_leaves_the_other_one_running_to_its_end(tmp_path):
    (first, address), (second, other) = started(tmp_path, "0"), started(tmp_path, "1")
    assert address != other
    with connect(f"ws://{address}/stream") as one, connect(f"ws://{other}/stream") as two:
        for client in (one, two):  # both give frames
            while "faces" not in json.loads(client.recv(timeout=WAIT_S)):
                pass
        first.send_signal(signal.SIGKILL)
        last = [json.loads(text) for text in two][-1]
    assert first.wait(timeout=WAIT_S) == -signal.SIGKILL
    assert second.wait(timeout=WAIT_S) == 0
    for process in (first, second):
        process.stderr.close()
    assert last["type"] == "end"
    with (tmp_path / "1.csv").open(encoding="utf-8") as file:
        assert len({row["frame"] for row in csv.DictReader(file)}) == FRAMES
