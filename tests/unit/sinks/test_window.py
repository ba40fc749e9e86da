import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtau.errors import SinkError
from rtau.protocols import StopRun
from rtau.sinks import window
from rtau.sinks.window import Screen, WindowSink, check_display
from rtau.status import ViewControls
from tests.support.pictures import AUS, drawn_result
from tests.support.screen import MemoryScreen
from tests.support.terminals import make_status
from tests.support.x11 import ask_to_close, has_xlib

ROOT = Path(__file__).resolve().parents[3]
RESULT = drawn_result([(20, 20, 60, 60)], width=160, height=120)
QT, GTK = "QT5", "GTK3"


def build(screen, *, status=None):
    controls = ViewControls(cam_labels=AUS)
    reader = None if status is None else lambda: status
    return WindowSink("rtau", controls=controls, status=reader, screen=screen), controls


def image(width=160, height=120):
    return np.full((height, width, 3), 90, np.uint8)


def test_frames_are_shown_as_they_are():
    screen = MemoryScreen()
    sink, _ = build(screen)
    sink.write(RESULT, image())
    assert np.array_equal(screen.shown[0], image())


@pytest.mark.parametrize("key", ["q", 27])
def test_q_and_escape_end_the_run(key):
    screen = MemoryScreen([key])
    sink, _ = build(screen)
    with pytest.raises(StopRun):
        sink.write(RESULT, image())


def test_the_close_button_ends_the_run():
    screen = MemoryScreen()
    sink, _ = build(screen)
    screen.visible = False
    with pytest.raises(StopRun):
        sink.write(RESULT, image())


def test_keys_change_the_controls():
    screen = MemoryScreen([".", ".", ",", "b", "s", "m", -1])
    sink, controls = build(screen)
    for _ in range(6):
        sink.write(RESULT, image())
    assert controls.heatmap == "none"
    assert not controls.bars
    assert controls.header
    controls.toggle_heatmap()
    assert controls.heatmap == "top"


def test_help_is_shown_on_h_and_goes_away_on_h():
    screen = MemoryScreen(["h", "h"])
    sink, _ = build(screen)
    for _ in range(3):
        sink.write(RESULT, image())
    drawn = [not np.array_equal(shown, image()) for shown in screen.shown]
    assert drawn == [False, True, True, False, False]


def test_space_pauses_the_run_and_keys_are_answered_meanwhile():
    screen = MemoryScreen([" ", "h", "h", " ", "q"])
    sink, controls = build(screen)
    sink.write(RESULT, image())
    assert controls.is_paused
    shown = [not np.array_equal(one, image()) for one in screen.shown]
    assert shown == [False, True]  # the card of a pause
    for _ in range(3):
        sink.idle()
    assert not controls.is_paused
    with pytest.raises(StopRun):
        sink.idle()


def test_n_takes_the_neutral_of_a_run_that_takes_one():
    asked = []
    for on_key in (None, lambda: asked.append(1)):
        sink, controls = build(MemoryScreen(["n"]))
        controls.ask_neutral = on_key
        sink.write(RESULT, image())
    assert asked == [1]


def test_the_status_line_is_drawn_on_a_copy():
    screen = MemoryScreen(["s"])
    sink, controls = build(screen, status=make_status())
    picture = image()
    picture.flags.writeable = False
    sink.write(RESULT, picture)
    assert not np.array_equal(screen.shown[0], picture)
    assert np.array_equal(screen.shown[1], image())
    assert not controls.header


def test_a_display_that_goes_away_is_an_error():
    screen = MemoryScreen()
    sink, _ = build(screen)
    screen.broken = True
    with pytest.raises(SinkError, match=r"connection lost.*--view terminal"):
        sink.write(RESULT, image())


def fake_highgui(monkeypatch, **answers):
    """Replaces OpenCV's window functions; returns the calls that were made."""
    calls = []
    monkeypatch.setattr(window, "check_display", lambda *args, **kwargs: None)
    for name in (
        "namedWindow",
        "resizeWindow",
        "imshow",
        "getWindowProperty",
        "destroyWindow",
        "waitKey",
    ):

        def call(*args, name=name):
            calls.append((name, *args[1:]))
            answer = answers.get(name, -1)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(cv2, name, call)
    return calls


def test_large_frames_get_a_window_that_fits_a_screen(monkeypatch):
    calls = fake_highgui(monkeypatch)
    Screen("rtau").show(image(3840, 2160))
    assert ("resizeWindow", 1600, 900) in calls


def test_a_screen_is_taken_down_once_and_only_if_it_was_open(monkeypatch):
    calls = fake_highgui(monkeypatch)
    screen = Screen("rtau")
    screen.close()
    screen.show(image())
    screen.close()
    screen.close()
    assert [name for name, *_ in calls].count("destroyWindow") == 1


def test_a_closed_window_of_qt_raises_instead_of_answering(monkeypatch):
    gone = cv2.error("NULL guiReceiver")
    fake_highgui(monkeypatch, getWindowProperty=gone, destroyWindow=gone)
    screen = Screen("rtau")
    screen.show(image())
    assert not screen.is_visible()
    screen.close()


@pytest.mark.parametrize(("answer", "visible"), [(1.0, True), (0.0, False), (-1.0, False)])
def test_a_screen_knows_whether_it_is_seen(monkeypatch, answer, visible):
    fake_highgui(monkeypatch, getWindowProperty=answer)
    assert Screen("rtau").is_visible() is visible


@pytest.mark.parametrize(
    ("environ", "framework"),
    [
        ({}, QT),
        ({"WAYLAND_DISPLAY": "wayland-0"}, QT),
        ({"DISPLAY": ":4711"}, QT),
        ({"DISPLAY": "nonsense"}, GTK),
        ({"DISPLAY": ":4711", "WAYLAND_DISPLAY": "wayland-0"}, QT),
    ],
)
def test_no_display_is_said_before_opencv_is_asked(environ, framework):
    with pytest.raises(SinkError, match=r"DISPLAY.*--view terminal"):
        check_display(environ, platform="linux", framework=framework)


def test_opencv_without_windows_is_said():
    with pytest.raises(SinkError, match="opencv-python-headless"):
        check_display({"DISPLAY": ":0"}, platform="linux", framework="")


def test_wayland_is_enough_for_gtk_and_other_systems_need_no_variable():
    check_display({"WAYLAND_DISPLAY": "wayland-0"}, platform="linux", framework=GTK)
    check_display({}, platform="darwin", framework="COCOA")


SCRIPT = """
import sys
import time
import numpy as np
from rtau.errors import SinkError
from rtau.protocols import StopRun
from rtau.sinks.window import WindowSink
from rtau.status import ViewControls
from tests.support.pictures import AUS, drawn_result
try:
    sink = WindowSink("rtau test", controls=ViewControls(cam_labels=AUS))
except SinkError as error:
    sys.exit(f"SinkError: {error}")
image = np.full((120, 160, 3), (40, 200, 40), np.uint8)
result = drawn_result([(20, 20, 60, 60)], width=160, height=120)
sink.write(result, image)
print("shown", flush=True)
try:
    for _ in range(1500):
        sink.write(result, image)
        time.sleep(0.01)
except StopRun as stop:
    print("stopped", flush=True)
finally:
    sink.close()
print("closed", flush=True)
"""


def start(environ):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_without_a_display_the_process_lives_and_says_so():
    environ = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = start(environ)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    missing = "a window needs a display" if cv2.currentUIFramework() else "OpenCV has no windows"
    assert missing in errors


@pytest.fixture
def display():
    """The name of a display that no one sees; skips where there is no Xvfb."""
    if not shutil.which("Xvfb") or not shutil.which("xdotool"):
        pytest.skip("needs Xvfb and xdotool (apt-get install xvfb xdotool)")
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=(write_end,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    with os.fdopen(read_end) as numbers:
        number = numbers.readline().strip()
    if not number:
        pytest.skip(f"Xvfb ended with status {server.wait(timeout=10)} before it had a display")
    yield f":{number}"
    server.terminate()
    server.wait(timeout=10)


@pytest.mark.parametrize("way", ["key", "close"])
def test_a_real_window_ends_on_q_and_on_its_close_button(display, way):
    if way == "close" and not has_xlib():
        pytest.skip("needs libX11 (apt-get install libx11-6)")
    environ = {**os.environ, "DISPLAY": display}
    environ.pop("WAYLAND_DISPLAY", None)
    process = start(environ)
    try:
        assert process.stdout.readline().strip() == "shown"
        found = subprocess.run(
            ["xdotool", "search", "--sync", "--name", "rtau test"],
            env=environ, capture_output=True, text=True, timeout=30, check=True,
        ).stdout.split()  # fmt: skip
        # Without a window manager there is no focus and no close button: the window is told.
        if way == "key":
            words = ["xdotool", "key", "--window", found[0], "q"]
            subprocess.run(words, env=environ, check=True, capture_output=True)
        else:
            ask_to_close(display, int(found[0]))
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert output.split() == ["stopped", "closed"], errors
    assert process.returncode == 0
