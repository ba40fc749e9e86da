"""The front door for Python: the numbers of the command line, and nothing left behind."""

import contextlib
import gc
import json
import multiprocessing
import os
import pickle
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

import rtau.cli.webcam
import rtau.detector
from rtau import Detector
from rtau.data import Frame
from rtau.errors import ConfigError, SourceOpenError, UsageError
from rtau.runs.build import thresholds_of
from rtau.sinks.jsonl_file import JsonlSink
from tests.support import media
from tests.support.commands import example_frames, run_here
from tests.support.doubles import ListSource
from tests.support.stream_server import Behaviour, StreamServer

pytestmark = pytest.mark.needs_onnxruntime


def pictures():
    return [*example_frames(25), *[np.zeros((360, 640, 3), np.uint8)] * 12]


@pytest.fixture(scope="module")
def detector():
    with Detector() as opened:
        yield opened


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A second and a half of a rendered face, after which the frame is empty."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    # The index in front: a server sends it as a stream.
    return media.write_clip(path, pictures(), fps=25, container={"movflags": "faststart"})


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory):
    """The same as a transport stream, as a camera on the network sends it."""
    return media.write_clip(tmp_path_factory.mktemp("stream") / "live.ts", pictures(), fps=25)


@pytest.fixture
def written_by(capsys, tmp_path):
    """Returns a function that gives the JSON lines of a command."""

    def write(*arguments):
        path = tmp_path / "command.jsonl"
        code, _, err = run_here(capsys, *arguments, "--jsonl", path)
        assert code == 0, err
        return path.read_text()

    return write


@pytest.fixture
def lines_of(tmp_path):
    """Returns a function that gives results as the lines a command writes of them."""

    def write(results, *, contract):
        path = tmp_path / "python.jsonl"
        sink = JsonlSink(path, thresholds=thresholds_of(contract))
        for result in results:
            sink.write(result, None)
        sink.close()
        return path.read_text()

    return write


def open_files():
    """Returns what the open file descriptors of this process lead to."""
    return sorted(str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists())


@pytest.fixture
def nothing_left():
    """Returns a function that asserts that no thread and no file has come since."""
    threads, files = set(threading.enumerate()), open_files()

    def check():
        assert set(threading.enumerate()) == threads
        assert open_files() == files

    return check


# Still images


def test_an_image_has_the_faces_that_the_command_line_finds(
    detector, tmp_path, written_by, lines_of
):
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), example_frames(1)[0])
    wanted = json.loads(written_by("image", path))
    del wanted["file"]

    for image in (path, str(path), example_frames(1)[0]):
        lines = lines_of([detector.detect(image)], contract=detector.contract)
        assert json.loads(lines) == wanted


def test_two_images_share_no_track(detector):
    first, second = (detector.detect(example_frames(1)[0]) for _ in range(2))
    assert [face.id for face in first] == [face.id for face in second] == [1]
    assert (second.index, second.time_s) == (0, 0.0)


def test_smoothing_and_heatmaps_carry_nothing_from_image_to_image():
    frames = example_frames(25)
    with Detector(smooth=5, heatmaps=True) as smoothing, Detector() as plain:
        for frame in (frames[0], frames[24], frames[0]):
            (face,), (wanted,) = smoothing.detect(frame), plain.detect(frame)
            assert face.active == wanted.active
            assert face.heatmap("AU12").ndim == 2


def test_an_image_of_nothing_has_no_face(detector):
    assert list(detector.detect(np.zeros((48, 64), np.uint8))) == []


# Videos and cameras


def test_a_video_has_the_results_that_the_command_line_writes(detector, clip, written_by, lines_of):
    lines = lines_of(detector.detect_video(clip), contract=detector.contract)
    assert lines == written_by("video", clip)


def test_a_stream_has_the_results_that_the_command_line_writes(
    detector, clip, written_by, lines_of
):
    with StreamServer(clip, [Behaviour(content_type="video/mp4", declares_length=True)]) as server:
        wanted = written_by("webcam", server.url, "--view", "none")
        lines = lines_of(detector.stream(server.url), contract=detector.contract)
    assert lines == wanted
    assert lines.count("\n") == len(pictures())


def test_a_camera_has_the_results_that_the_command_line_writes(
    detector, written_by, lines_of, monkeypatch
):
    def open_list(target, **options):
        assert target == "7"
        return ListSource([Frame(k, k / 25, one) for k, one in enumerate(pictures())], live=True)

    monkeypatch.setattr(rtau.cli.webcam, "open_source", open_list)
    monkeypatch.setattr(rtau.detector, "open_source", open_list)
    lines = lines_of(detector.camera(7, policy="wait"), contract=detector.contract)
    assert lines == written_by("webcam", "7", "--view", "none", "--policy", "wait")


def test_a_video_is_tracked_at_its_own_times(detector, clip):
    results = list(detector.detect_video(clip, max_frames=20))
    assert [result.index for result in results] == list(range(20))
    assert [result.time_s for result in results] == pytest.approx([k / 25 for k in range(20)])
    assert {face.id for result in results for face in result} == {1}


def test_nothing_is_opened_before_the_loop_begins(detector, nothing_left):
    results = detector.detect_video("nowhere.mp4")
    nothing_left()
    with pytest.raises(SourceOpenError, match=r"nowhere\.mp4"):
        next(results)


def leave_by_break(results):
    for result in results:
        if result.index > 2:
            break


def leave_by_error(results):
    for result in results:
        raise KeyError(result.index)


def leave_by_close(results):
    next(results)
    results.close()


def leave_to_the_garbage_collector(results):
    next(results)
    circle = [results]
    circle.append(circle)


@pytest.mark.parametrize(
    "leave", [leave_by_break, leave_by_error, leave_by_close, leave_to_the_garbage_collector]
)
@pytest.mark.parametrize("kind", ["video", "stream"])
def test_leaving_the_loop_leaves_no_thread_and_no_file(
    detector, clip, broadcast, nothing_left, leave, kind
):
    with StreamServer(broadcast, [Behaviour(repeats=True, seconds=1)]) as server:
        with contextlib.suppress(KeyError):
            leave(detector.detect_video(clip) if kind == "video" else detector.stream(server.url))
        gc.collect()
    nothing_left()


def test_closing_the_detector_ends_what_is_running(clip, nothing_left):
    with Detector() as opened:
        results = opened.detect_video(clip)
        next(results)
    nothing_left()
    assert list(results) == []


def test_closing_the_detector_from_another_thread_ends_a_running_loop(broadcast, nothing_left):
    opened = Detector()
    begun, seen = threading.Event(), []

    def loop(server):
        for result in opened.stream(server.url):
            seen.append(result.index)
            begun.set()

    with StreamServer(broadcast, [Behaviour(repeats=True, seconds=1)]) as server:
        thread = threading.Thread(target=loop, args=(server,))
        thread.start()
        assert begun.wait(20)
        opened.close()
        thread.join(20)
        assert not thread.is_alive()
    assert seen
    nothing_left()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda d: d.detect_video("rtsp://host/x"), r"is no video; stream\(\) takes it"),
        (lambda d: d.detect_video("a.png"), r"is no video; detect\(\)"),
        (lambda d: d.camera("clip.mp4"), r"is no camera; detect_video\(\) takes it"),
        (lambda d: d.stream("0"), r"is no stream; camera\(\) takes it"),
        (lambda d: d.camera(0, width=0), r"^width must lie in \[1, inf\], got 0"),
        (lambda d: d.stream("rtsp://host/x", timeout_s=0), "^timeout_s must lie in"),
        (lambda d: d.camera(0, policy="newest"), "^policy must be one of auto, wait, drop"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_opened(detector, ask, words):
    with pytest.raises(UsageError, match=words):
        ask(detector)


# Settings


def test_a_setting_out_of_its_range_is_called_by_its_name_in_python():
    with pytest.raises(ConfigError, match=r"^smooth must lie in \[0, 10\], got -1"):
        Detector(smooth=-1)


def test_settings_are_those_of_the_command_line(clip, written_by, lines_of):
    flags = ["--smooth", "0.2", "--hysteresis", "0.1", "--min-face", "25%", "--detect-every", "0"]
    with Detector(smooth=0.2, hysteresis=0.1, min_face="25%", detect_every=0) as opened:
        lines = lines_of(opened.detect_video(clip), contract=opened.contract)
    assert lines == written_by("video", clip, *flags)


def test_seats_are_in_results_tables_and_lines_and_survive_pickling(clip, written_by, lines_of):
    flags = ["--seat", "all here=0,0,0.9,1", "--seat", "rest=0.9,0,1,1"]
    with Detector(seats={"all here": (0, 0, 0.9, 1), "rest": (0.9, 0, 1, 1)}) as opened:
        results = list(opened.detect_video(clip, max_frames=3))
        written = written_by("video", clip, *flags, "--max-frames", "3")
        assert lines_of(results, contract=opened.contract) == written
        copy = pickle.loads(pickle.dumps(opened))
        table = opened.table(clip)
    assert [face.seat for result in results for face in result] == ["all here"] * 3
    assert set(table["seat"].tolist()) == {"all here", None}
    with copy:
        assert [face.seat for face in next(copy.detect_video(clip))] == ["all here"]


def test_heatmaps_come_as_often_as_asked(clip):
    with Detector(heatmaps=True, heatmap_hz=5) as opened:
        results = list(opened.detect_video(clip, max_frames=20))
    shown = [face.heatmap("AU12") is not None for result in results for face in result]
    assert 2 <= sum(shown) < len(shown)


def test_the_repr_names_model_and_device(detector):
    assert repr(detector).startswith("Detector('shufflenetv2-au14', 14 labels, onnxruntime")


# Closed, shared, in other threads and processes


def test_a_closed_detector_says_so():
    opened = Detector()
    opened.close()
    opened.close()
    for ask in (opened.detect, opened.detect_video):
        with pytest.raises(UsageError, match="this detector is closed; make a new one"):
            ask("a.png")
    assert repr(opened) == "Detector('shufflenetv2-au14', 14 labels, closed)"


def test_two_detectors_and_two_loops_do_not_disturb_each_other(detector, clip):
    wanted = [[face.au for face in result] for result in detector.detect_video(clip)]
    with Detector() as other:
        loops = (detector.detect_video(clip), detector.detect_video(clip), other.detect_video(clip))
        together = [
            [[face.au for face in one] for one in step] for step in zip(*loops, strict=True)
        ]
    for k, step in enumerate(together):
        assert step == [wanted[k]] * 3


def test_threads_take_turns_and_get_the_same_numbers(detector):
    frames = example_frames(6)
    wanted = [[face.au for face in detector.detect(frame)] for frame in frames]
    found = {}

    def work(name):
        found[name] = [[face.au for face in detector.detect(frame)] for frame in frames]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(3), wanted)


def test_a_pickled_detector_opens_its_model_again(detector):
    frame = example_frames(1)[0]
    with Detector(smooth=0.3, heatmaps=True) as opened, pickle.loads(pickle.dumps(opened)) as copy:
        assert copy._config() == opened._config()
        (face,), (wanted,) = copy.detect(frame), opened.detect(frame)
    assert face.au == wanted.au


def detected_there(given):
    """Runs in a worker process: what a detector that was sent there finds."""
    with given as opened:
        return [face.au for face in opened.detect(example_frames(1)[0])]


def test_a_worker_process_may_be_sent_a_detector(detector):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(detected_there, (detector,))
    assert found == [face.au for face in detector.detect(example_frames(1)[0])]


def test_a_forked_process_is_refused_the_detector_of_its_parent(detector, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(UsageError, match="make a Detector in each worker process"):
        detector.detect(np.zeros((48, 64), np.uint8))
