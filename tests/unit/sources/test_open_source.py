"""What a target on the command line means, and that finding out costs nothing."""

import subprocess
import sys

import cv2
import pytest

from rtau.errors import BackendUnavailable, SourceOpenError, UsageError
from rtau.sources import is_address, kind_of, open_source
from rtau.sources.images import ImageSource
from rtau.sources.stream import StreamSource
from rtau.sources.video_file import VideoFileSource
from tests.support.media import numbered, write_clip
from tests.support.stream_server import Behaviour, StreamServer


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("0", "camera"),
        ("12", "camera"),
        ("/dev/video2", "camera"),
        ("/dev/v4l/by-id/usb-cam", "camera"),
        ("v4l2src ! videoconvert ! appsink", "camera"),
        ("rtspsrc location=rtsp://cam/a ! decodebin ! appsink", "camera"),
        ("rtsp://cam.local:554/stream", "stream"),
        ("HTTPS://example.org/live.m3u8", "stream"),
        ("udp://@:1234", "stream"),
        ("clip.mp4", "video"),
        ("without_suffix", "video"),
        ("./0", "video"),
        ("²", "video"),
        ("face.JPG", "images"),
        ("folder/*.png", "images"),
        (".", "images"),
    ],
)
def test_targets(target, kind):
    assert kind_of(target) == kind
    assert is_address(target) == (kind in ("camera", "stream"))


def test_an_unknown_kind_of_address():
    with pytest.raises(UsageError, match=r"addresses start with http, .*, got ftp"):
        open_source("ftp://host/clip.mp4")


def test_a_video_file(tmp_path):
    with open_source(str(write_clip(tmp_path / "a.mp4"))) as source:
        assert isinstance(source, VideoFileSource)


def test_an_exclamation_mark_in_a_name_is_no_pipeline(tmp_path):
    with open_source(str(write_clip(tmp_path / "wow!.mp4"))) as source:
        assert isinstance(source, VideoFileSource)


def test_images_by_name_folder_and_pattern(tmp_path):
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"{k}.png"), numbered(k))
    for target, count in ((tmp_path / "0.png", 1), (tmp_path, 3), (tmp_path / "*.png", 3)):
        with open_source(str(target)) as source:
            assert isinstance(source, ImageSource)
            assert source.info.frame_count == count


def test_a_stream(tmp_path):
    clip = write_clip(tmp_path / "live.ts", count=60)
    with (
        StreamServer(clip, [Behaviour(seconds=0.5, repeats=True)]) as server,
        open_source(server.url, timeout_s=1, reconnects=0) as source,
    ):
        assert isinstance(source, StreamSource)


def test_a_camera_that_is_not_there():
    with pytest.raises(SourceOpenError, match="no camera at /dev/video91"):
        open_source("91")


def test_a_pipeline_without_gstreamer(monkeypatch):
    monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda backend: False)
    with pytest.raises(BackendUnavailable, match="GStreamer"):
        open_source("videotestsrc ! appsink")


@pytest.mark.parametrize("option", ["width", "height", "fps"])
def test_a_cameras_options_are_for_cameras(option):
    with pytest.raises(UsageError, match="are for cameras, and clip"):
        open_source("clip.mp4", **{option: 30})


def test_neither_opencv_nor_pyav_is_imported_before_a_source_is_opened():
    code = (
        "import sys, rtau.sources as s; s.kind_of('a.mp4'); s.kind_of('rtsp://a');"
        "print([m for m in ('cv2', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
