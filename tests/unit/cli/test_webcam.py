"""`rtau webcam` on a loopback stream, with the faults of a network camera."""

import csv
import json

import pytest

from tests.support import media
from tests.support.commands import example_frames, run_here
from tests.support.stream_server import Behaviour, StreamServer

pytestmark = pytest.mark.needs_onnxruntime


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory):
    """Two seconds of a rendered face as an MPEG transport stream."""
    path = tmp_path_factory.mktemp("stream") / "live.ts"
    return media.write_clip(path, example_frames(50), fps=25)


def record_of(path):
    return json.loads(path.with_suffix(".run.json").read_text())


def test_a_stream_is_scored_live_to_its_frame_limit(broadcast, tmp_path, capsys):
    table = tmp_path / "t.csv"
    with StreamServer(broadcast, [Behaviour(seconds=2, repeats=True)]) as server:
        code, _, err = run_here(
            capsys, "webcam", server.url, "--csv", table, "--max-frames", "30",
            "--view", "none", "--timeout", "5",
        )  # fmt: skip

    assert code == 0, err
    record = record_of(table)
    assert record["source"]["is_live"]
    # The limit is on frames that are taken; those left out before it are counted beside them.
    assert record["frames_read"] >= 30
    assert record["frames_processed"] + record["frames_dropped"] == record["frames_read"]
    assert set(record["latency_ms"]) == {"p50", "p95", "p99"}
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert {row["success"] for row in rows} >= {"1"}
    times = [float(row["timestamp"]) for row in rows]
    assert times == sorted(times)


def test_a_stream_that_disconnects_is_reopened_and_counted(broadcast, tmp_path, capsys):
    table = tmp_path / "t.csv"
    behaviours = [Behaviour(drop_after=0.5, seconds=1), Behaviour(seconds=2, repeats=True)]
    with StreamServer(broadcast, behaviours) as server:
        code, _, err = run_here(
            capsys, "webcam", server.url, "--csv", table, "--max-frames", "40", "--view", "none"
        )

    assert code == 0, err
    assert record_of(table)["reconnects"] == 1


def test_a_stream_that_stalls_permanently_ends_with_one_line_and_complete_rows(
    broadcast, tmp_path, capsys
):
    table = tmp_path / "t.csv"
    with StreamServer(broadcast, [Behaviour(stall_after=0.5, seconds=0.5)]) as server:
        code, _, err = run_here(
            capsys, "webcam", server.url, "--csv", table, "--view", "none",
            "--timeout", "0.5", "--reconnects", "0",
        )  # fmt: skip

    assert code == 1
    assert "127.0.0.1" in err
    assert "Traceback" not in err
    header, *rows = csv.reader(table.read_text().splitlines())
    assert rows
    assert all(len(row) == len(header) for row in rows)
    assert record_of(table)["end_reason"].startswith("failed: ")
