"""The last step of an mp4, and the file that is left where it could not be taken."""

from __future__ import annotations

import types

import pytest

from rtau.sinks import _video_remux, video_file
from tests.support import media
from tests.support.mp4 import boxes, copy_clip, decoded, open_sink, write_numbered


def test_the_finished_file_is_plain_with_its_index_in_front(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.04 * k for k in range(80)])
    sink.close()
    kinds = boxes(tmp_path / "o.mp4")
    assert "moof" not in kinds
    assert kinds.index("moov") < kinds.index("mdat")
    assert [p.name for p in tmp_path.iterdir()] == ["o.mp4"]
    assert sink.note is None


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory):
    """The bytes of a fragmented file with sound, as a run writes it before it is finished."""
    folder = tmp_path_factory.mktemp("fragmented")
    clip = media.write_clip(folder / "in.mp4", count=120, fps=25, audio="aac")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_file, "make_streamable", lambda _: "not now")
        copy_clip(clip, folder / "o.mp4")
    return (folder / "o.mp4").read_bytes()


@pytest.mark.parametrize("share", [0.35, 0.5, 0.61, 0.7, 0.83, 0.9, 0.99])
@pytest.mark.parametrize("cut", [False, True])
def test_a_file_torn_anywhere_plays_up_to_there(tmp_path, fragmented, share, cut):
    """As kill -9 leaves it, and as the sink leaves it after a full disk: cut to whole fragments."""
    torn = tmp_path / "o.mp4"
    torn.write_bytes(fragmented[: int(len(fragmented) * share)])
    if cut:
        assert _video_remux.truncate_to_whole_boxes(torn)
    times_s, images = decoded(torn, tolerant=not cut)
    assert len(images) >= 120 * share - 30
    assert times_s == pytest.approx([k / 25 for k in range(len(times_s))], abs=1e-4)
    assert [media.frame_number(image) for image in images[:-1]] == list(range(len(images) - 1))


def test_a_file_without_a_whole_fragment_holds_nothing(tmp_path, fragmented):
    torn = tmp_path / "o.mp4"
    torn.write_bytes(fragmented[:1500])
    assert not _video_remux.truncate_to_whole_boxes(torn)


def test_no_room_for_the_second_copy_leaves_the_fragmented_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_video_remux.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=10))
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.04 * k for k in range(50)])
    sink.close()
    assert "no room for a second copy" in sink.note
    assert "moof" in boxes(tmp_path / "o.mp4")
    assert len(decoded(tmp_path / "o.mp4")[0]) == 50


def test_a_remux_that_fails_half_way_leaves_the_fragmented_file(tmp_path, monkeypatch):
    def fails(_, part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_video_remux, "_copy_packets", fails)
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.04 * k for k in range(50)])
    sink.close()
    assert "No space left on device" in sink.note
    assert [p.name for p in tmp_path.iterdir()] == ["o.mp4"]
    assert len(decoded(tmp_path / "o.mp4")[0]) == 50
