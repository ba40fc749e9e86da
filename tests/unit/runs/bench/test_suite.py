import functools
import sys

import pytest

from rtau.errors import BackendUnavailable
from rtau.runs.bench import suite
from rtau.runs.bench.live import LiveCost
from rtau.runs.bench.peer import VARIABLE, open_peer
from rtau.runs.bench.suite import Plan, measure
from tests.support.doubles import CountingEngine, make_contract
from tests.unit.runs.bench.test_peer import WORKER

pytestmark = pytest.mark.needs_onnxruntime


@pytest.fixture
def quick(monkeypatch):
    """Everything but fresh processes and the live run, which have tests of their own."""
    monkeypatch.setattr(suite, "open_engine", lambda *_, **__: CountingEngine())
    monkeypatch.setattr(suite, "process_metrics", lambda *_, **__: [])
    live = LiveCost((20.0,), infer_ms=(3.0,), captured=1, dropped=0, faces=1.0)
    monkeypatch.setattr(suite, "run_live", lambda *_, **__: live)
    return Plan(faces=(1,), sizes=((320, 180),), seconds=0.01, frames=16)


def test_the_peer_is_asked_in_turn_and_is_in_the_record(quick, tmp_path, monkeypatch):
    hello = {"version": "9.9", "model_sha256": "a" * 64, "python": "3.11.0"}
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER.format(hello=repr(hello), then="pass"))
    monkeypatch.setattr(suite, "open_peer", functools.partial(open_peer, worker=worker))
    monkeypatch.setenv(VARIABLE, sys.executable)
    said = []
    record = measure(quick, command="rtau bench", progress=said.append)
    assert record.peer.version == "9.9"
    assert [side.side for side in record.threads] == ["rtau", suite.NAME]
    (theirs,) = [one for one in record.figures if one.name == suite.NAME]
    assert theirs.p50 == 40.0
    assert theirs.rounds == suite.LEAST_RUNS
    turns = [words.partition(": ")[2] for words in said if words.startswith("faces-1")]
    assert turns.count(suite.NAME) == turns.count("file to CSV") == suite.LEAST_RUNS + 1


def test_a_peer_that_cannot_run_is_a_note_and_no_error(quick, monkeypatch):
    def refuse(**_):
        raise BackendUnavailable("the peer cannot run: no model")

    monkeypatch.setattr(suite, "open_peer", refuse)
    monkeypatch.setenv(VARIABLE, sys.executable)
    record = measure(quick, command="rtau bench", progress=lambda _: None)
    assert record.peer is None
    assert "the peer cannot run: no model" in record.notes


def test_how_to_get_the_peer_is_said_where_it_is_not(quick, monkeypatch):
    monkeypatch.setattr(suite, "find_peer_python", lambda: None)
    record = measure(quick, command="rtau bench", progress=lambda _: None)
    assert any("pip install mediapipe" in note for note in record.notes)


def test_a_model_without_heatmaps_is_run_without_them(quick, monkeypatch):
    bare = make_contract(cam_method=None, cam_scale=None)
    monkeypatch.setattr(suite, "open_engine", lambda *_, **__: CountingEngine(bare))
    monkeypatch.setattr(suite, "find_peer_python", lambda: None)
    record = measure(quick, command="rtau bench", progress=lambda _: None)
    names = {one.name for one in record.figures}
    assert "file to CSV" in names
    assert "file to CSV, all heatmaps" not in names
