import pytest

from benchmarks.compose_clips import EXAMPLE
from benchmarks.reading import read_as_usual
from rtau.errors import SourceOpenError
from rtau.sources.video_file import VideoFileSource


def test_so_many_frames_are_read_and_no_more_than_there_are():
    assert read_as_usual(EXAMPLE, frames=7).units == 7

    with VideoFileSource(EXAMPLE) as source:
        frames = sum(1 for _ in source)
    cost = read_as_usual(EXAMPLE, frames=10**6)
    assert cost.units == frames
    assert cost.wall_s > 0


def test_what_is_no_video_is_named(tmp_path):
    path = tmp_path / "no.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(SourceOpenError, match=r"no\.mp4"):
        read_as_usual(path, frames=1)
