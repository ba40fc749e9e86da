import itertools

import av
import numpy as np
import pytest

from rtau.config import OutputConfig
from rtau.errors import UsageError
from rtau.runs.bench.clips import clip_record, compose, grid, transcode
from rtau.sources.video_file import VideoFileSource
from tests.support.commands import EXAMPLE
from tests.support.media import write_clip


@pytest.mark.parametrize(
    ("faces", "size", "expected"),
    [
        (1, (640, 360), (1, 1)),
        (2, (640, 360), (2, 1)),
        (4, (640, 360), (2, 2)),
        (8, (640, 360), (4, 2)),
        (8, (360, 640), (2, 4)),
        (3, (640, 360), (3, 1)),
    ],
)
def test_tiles_leave_each_face_the_most_room(faces, size, expected):
    assert grid(faces, width=size[0], height=size[1]) == expected


@pytest.mark.parametrize("base", [None, EXAMPLE], ids=["drawn", "clip"])
def test_a_composed_clip_has_the_frames_size_and_rate_that_were_asked_for(base, tmp_path):
    record = compose(base, tmp_path / "c.mp4", faces=4, size=(320, 180), frames=12)
    assert (record.width, record.height, record.frames, record.faces) == (320, 180, 12, 4)
    assert record == clip_record(tmp_path / "c.mp4", faces=4, made_from=record.made_from)
    with VideoFileSource(tmp_path / "c.mp4") as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(12))
    first = frames[0].image_bgr.astype(float)
    tiles = [first[y : y + 90, x : x + 160] for y in (0, 90) for x in (0, 160)]
    apart = [np.abs(a - b).mean() for a, b in itertools.combinations(tiles, 2)]
    assert min(apart) > 2  # every tile is at another moment
    across, down = first[89:91, :].max(), first[:, 159:161].max()
    assert max(across, down) < 50  # they do not touch


def test_a_short_base_is_repeated_and_its_sound_comes_along(tmp_path):
    base = write_clip(tmp_path / "base.mp4", count=5, size=(64, 48), fps=25, audio="aac")
    record = compose(base, tmp_path / "c.mp4", faces=1, size=(96, 64), frames=12)
    assert record.frames == 12
    with av.open(str(tmp_path / "c.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]


@pytest.mark.parametrize(
    "wrong", [{"faces": 0}, {"size": (321, 180)}, {"size": (8, 8)}, {"frames": 0}, {"faces": 65}]
)
def test_a_clip_that_cannot_be_is_refused_and_not_begun(wrong, tmp_path):
    asked = {"faces": 1, "size": (320, 180), "frames": 4, **wrong}
    with pytest.raises(UsageError, match="a clip needs 1 to 64 faces"):
        compose(None, tmp_path / "c.mp4", **asked)
    assert list(tmp_path.iterdir()) == []


def test_a_bare_transcode_keeps_every_frame_and_the_sound(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", count=9, fps=25, audio="aac")
    assert transcode(clip, tmp_path / "b.mp4", output=OutputConfig()) == 9
    with av.open(str(tmp_path / "b.mp4")) as file:
        kinds = [stream.type for stream in file.streams]
        assert (kinds, sum(1 for _ in file.decode(video=0))) == (["video", "audio"], 9)
