"""A file that a web server serves is a file: played once, whole, with its sound, at any speed."""

import gzip
import threading

import pytest

from rtau.errors import SourceError, SourceOpenError
from rtau.sources.stream import StreamSource
from tests.support.flashes import annotated, assert_in_step, write_flashing
from tests.support.media import frame_number, write_clip
from tests.support.stream_server import Behaviour, StreamServer

QUICK = {"timeout_s": 0.5, "first_pause_s": 0.01}
FAST_START = {"movflags": "faststart"}


def served(clip, **behaviour):
    """Returns a server of a file whose length it says."""
    return StreamServer(clip, [Behaviour(declares_length=True, **behaviour)])


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("http") / "clip.ts", count=50, gop=10)


def numbers(source):
    return [frame_number(frame.image_bgr) for frame in source]


def test_a_transport_stream_whose_size_is_said_is_played_once(transport_stream):
    with served(transport_stream) as server, StreamSource(server.url, **QUICK) as source:
        assert not source.is_live
        assert numbers(source) == list(range(50))
        assert server.connections == 1


def test_a_slow_answer_is_no_stall(transport_stream):
    slow = served(transport_stream, seconds=2.0)
    with slow as server, StreamSource(server.url, **QUICK) as source:
        assert numbers(source) == list(range(50))


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_an_answer_that_breaks_off_is_an_error(transport_stream, share):
    broken = served(transport_stream, drop_after=share)
    with (
        broken as server,
        StreamSource(server.url, **QUICK) as source,
        pytest.raises(SourceError, match="broke off in the middle"),
    ):
        list(source)


def test_a_compressed_answer_is_unpacked(transport_stream, tmp_path):
    packed = tmp_path / "clip.ts.gz"
    packed.write_bytes(gzip.compress(transport_stream.read_bytes()))
    server = served(packed, headers=("Content-Encoding: gzip",))
    with server as server, StreamSource(server.url, **QUICK) as source:
        assert not source.is_live
        assert numbers(source) == list(range(50))


def test_a_redirection_is_followed(transport_stream):
    with served(transport_stream) as target:
        moved = Behaviour(status="302 Found", headers=(f"Location: {target.url}",))
        with (
            StreamServer(transport_stream, [moved]) as server,
            StreamSource(server.url, **QUICK) as source,
        ):
            assert numbers(source) == list(range(50))


def test_redirections_in_a_ring_end(transport_stream):
    with StreamServer(transport_stream) as server:
        server._behaviours = [Behaviour(status="302 Found", headers=(f"Location: {server.url}",))]
        with pytest.raises(SourceOpenError, match="cannot be opened"):
            StreamSource(server.url, **QUICK)


def test_an_answer_without_end_that_is_no_video_is_left(tmp_path):
    noise = tmp_path / "noise"
    noise.write_bytes(b"\0" * 200_000)
    with (
        StreamServer(noise, [Behaviour(repeats=True)]) as server,
        pytest.raises(SourceOpenError, match="cannot be opened"),
    ):
        StreamSource(server.url, **QUICK)
    assert threading.active_count() < 10


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts"])
def test_sound_comes_with_the_pictures(tmp_path, name):
    clip = write_flashing(tmp_path / name, container=FAST_START if name == "clip.mp4" else None)
    with served(clip) as server:
        _, sink = annotated(server.url, tmp_path / "o.mp4")
    assert_in_step(tmp_path / "o.mp4", count=2)
    assert sink.audio == "copied aac"


def test_a_second_answer_that_fails_costs_the_sound(tmp_path):
    clip = write_flashing(tmp_path / "clip.mp4", container=FAST_START)
    once = [Behaviour(declares_length=True), Behaviour(status="403 Forbidden")]
    with StreamServer(clip, once) as server:
        _, sink = annotated(server.url, tmp_path / "o.mp4")
    assert sink.audio == "none"
    assert "sound: cannot be read" in sink.report().note
