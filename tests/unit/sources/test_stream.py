"""Streams from a server on loopback that works, stalls, hangs up, comes back or does not."""

import itertools
import socket
import time

import pytest

from rtau.errors import SourceError, SourceOpenError
from rtau.shown import without_passwords
from rtau.sources.stream import StreamSource
from tests.support.media import frame_number, write_audio_only, write_clip, write_text_as_video
from tests.support.stream_server import Behaviour, StreamServer

QUICK = {"timeout_s": 0.5, "first_pause_s": 0.01}


@pytest.fixture(scope="module")
def live_clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("stream") / "live.ts", count=90, gop=10)


class TestGood:
    def test_frames_come_live_with_capture_times(self, live_clip):
        with (
            StreamServer(live_clip, [Behaviour(seconds=0.6, repeats=True)]) as server,
            StreamSource(server.url, **QUICK) as source,
        ):
            frames = list(itertools.islice(source, 10))
            assert source.is_live
            assert source.info.frame_count is None
            assert (source.info.width, source.info.height) == (64, 48)
        assert frames[0].time_s == 0.0
        assert frames[-1].time_s < 5
        assert source.report().reconnects == 0

    def test_motion_jpeg_as_small_cameras_send_it(self, tmp_path):
        clip = write_clip(tmp_path / "cam.mjpeg", codec="mjpeg", pix_fmt="yuvj420p", count=60)
        parts = clip.read_bytes().split(b"\xff\xd8\xff")[1:]
        body = b"".join(
            b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
            % (len(part) + 3, b"\xff\xd8\xff" + part)
            for part in parts
        )
        clip.write_bytes(body)
        behaviour = Behaviour(
            content_type="multipart/x-mixed-replace;boundary=frame", seconds=0.5, repeats=True
        )
        with StreamServer(clip, [behaviour]) as server, StreamSource(server.url, **QUICK) as source:
            frames = list(itertools.islice(source, 5))
        assert frames[0].image_bgr.shape == (48, 64, 3)
        assert source.is_live

    def test_a_file_over_http_is_played_whole_at_its_own_times(self, tmp_path):
        clip = write_clip(tmp_path / "c.mp4", count=40, container={"movflags": "faststart"})
        behaviour = Behaviour(content_type="video/mp4", declares_length=True)
        with StreamServer(clip, [behaviour]) as server, StreamSource(server.url, **QUICK) as source:
            frames = []
            for frame in source:
                frames.append(frame)
                time.sleep(0.002)
            assert not source.is_live
            assert source.info.frame_count == 40
        assert [frame_number(frame.image_bgr) for frame in frames] == list(range(40))
        assert [frame.time_s for frame in frames] == pytest.approx([k / 30 for k in range(40)])

    def test_a_slow_reader_of_a_file_is_no_stall(self, tmp_path):
        clip = write_clip(tmp_path / "c.mp4", count=6, container={"movflags": "faststart"})
        behaviour = Behaviour(content_type="video/mp4", declares_length=True)
        with (
            StreamServer(clip, [behaviour]) as server,
            StreamSource(server.url, timeout_s=0.2, first_pause_s=0.01) as source,
        ):
            count = 0
            for _ in source:
                count += 1
                time.sleep(0.25 if count == 2 else 0)
        assert count == 6


class TestLosses:
    def test_a_dropped_connection_is_made_again_and_counted(self, live_clip):
        behaviours = [Behaviour(drop_after=0.5, seconds=0.4), Behaviour(seconds=0.6, repeats=True)]
        with (
            StreamServer(live_clip, behaviours) as server,
            StreamSource(server.url, reconnects=3, **QUICK) as source,
        ):
            frames = list(itertools.takewhile(lambda _: source.report().reconnects == 0, source))
            after = list(itertools.islice(source, 5))
            assert source.report().reconnects == 1
            assert server.connections == 2
        assert frames[-1].index < after[0].index
        assert frames[-1].time_s < after[0].time_s

    def test_a_stalled_connection_is_noticed_and_made_again(self, live_clip):
        behaviours = [Behaviour(stall_after=0.5), Behaviour(seconds=0.6, repeats=True)]
        with (
            StreamServer(live_clip, behaviours) as server,
            StreamSource(server.url, reconnects=2, **QUICK) as source,
        ):
            started_s = time.monotonic()
            for _ in source:
                if source.report().reconnects:
                    break
            assert 0.4 < time.monotonic() - started_s < 4
            assert server.connections == 2

    def test_when_the_server_is_gone_the_error_says_so(self, live_clip):
        with StreamServer(live_clip, [Behaviour(seconds=0.5, repeats=True)]) as server:
            source = StreamSource(server.url, reconnects=2, **QUICK)
            next(iter(source))
        started_s = time.monotonic()
        with source, pytest.raises(SourceError) as caught:
            list(source)
        assert time.monotonic() - started_s < 5
        assert "Connection refused" in str(caught.value)
        assert "not back after 2 tries to open it again" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_without_reconnects_the_first_loss_is_the_end(self, live_clip):
        with (
            StreamServer(live_clip, [Behaviour(drop_after=0.5, seconds=0.3)]) as server,
            StreamSource(server.url, reconnects=0, **QUICK) as source,
        ):
            with pytest.raises(SourceError, match=r"lost \(.*\) and not back after 0 tries"):
                list(source)
            assert server.connections == 1

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ({"stall_after": 0.7}, r"(no (data|frame) for 0\.5 s|the server gives no more data)"),
            ({"drop_after": 0.7}, "the server gives no more data"),
        ],
    )
    def test_a_file_that_breaks_off_is_not_started_again(self, fault, reason, tmp_path):
        clip = write_clip(tmp_path / "c.mp4", count=400, container={"movflags": "faststart"})
        behaviour = Behaviour(content_type="video/mp4", declares_length=True, **fault)
        with StreamServer(clip, [behaviour]) as server, StreamSource(server.url, **QUICK) as source:
            with pytest.raises(SourceError, match=f"broke off in the middle: {reason}"):
                list(source)
            assert server.connections == 1

    def test_close_ends_a_stalled_iteration_and_leaves_no_thread(self, live_clip):
        with StreamServer(live_clip, [Behaviour(stall_after=0.5)]) as server:
            source = StreamSource(server.url, **QUICK)
            next(iter(source))
            source.close()
            source.close()
            assert list(source) == []


class TestOpening:
    def test_a_server_that_is_not_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        url = f"rtsp://anna:secret@127.0.0.1:{port}/cam"
        with pytest.raises(
            SourceOpenError, match=r"cannot be opened \(Connection refused\)"
        ) as caught:
            StreamSource(url, **QUICK)
        assert "secret" not in str(caught.value)
        assert f"rtsp://127.0.0.1:{port}/cam" in str(caught.value)

    def test_a_server_that_never_answers_is_waited_for_no_longer_than_said(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            started_s = time.monotonic()
            with pytest.raises(SourceOpenError, match=r"no data for 0\.5 s"):
                StreamSource(f"http://127.0.0.1:{silent.getsockname()[1]}/", **QUICK)
            assert time.monotonic() - started_s < 3

    def test_an_address_that_does_not_exist_on_the_server(self, live_clip):
        with (
            StreamServer(live_clip, [Behaviour(status="404 Not Found")]) as server,
            pytest.raises(SourceOpenError, match="404 Not Found"),
        ):
            StreamSource(server.url, **QUICK)

    def test_something_else_than_a_video(self, tmp_path):
        clip = write_text_as_video(tmp_path / "page.html")
        with (
            StreamServer(clip, [Behaviour(content_type="text/html")]) as server,
            pytest.raises(SourceOpenError, match="cannot be opened"),
        ):
            StreamSource(server.url, **QUICK)

    def test_sound_alone(self, tmp_path):
        clip = write_audio_only(tmp_path / "radio.ts")
        with (
            StreamServer(clip) as server,
            pytest.raises(SourceOpenError, match="expected a video stream, got no video in it"),
        ):
            StreamSource(server.url, **QUICK)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://u:p@cam.local:554/a?b=c", "rtsp://cam.local:554/a?b=c"),
        ("rtsp://u:p@ss@cam/a", "rtsp://cam/a"),
        ("http://cam/a@b", "http://cam/a@b"),
    ],
)
def test_names_and_passwords_are_not_shown(url, shown):
    assert without_passwords(url) == shown
