import pytest

from benchmarks import compose_clips
from benchmarks.compose_clips import composed, given
from rtau.errors import SourceOpenError
from tests.support.media import write_clip


def test_a_clip_is_composed_once_and_then_taken_from_the_cache(tmp_path, monkeypatch):
    base = write_clip(tmp_path / "base.mp4", count=6, fps=25)
    cache = tmp_path / "cache"
    first = composed(2, (96, 64), frames=8, base=base, cache=cache)
    assert (first.record.width, first.record.height, first.record.frames) == (96, 64, 8)
    assert first.record.faces == 2
    monkeypatch.setattr(compose_clips, "compose", lambda *_, **__: pytest.fail("composed twice"))
    assert composed(2, (96, 64), frames=8, base=base, cache=cache) == first


def test_another_base_of_the_same_name_is_composed_anew(tmp_path):
    cache, paths = tmp_path / "cache", []
    for level in (60, 160):
        base = write_clip(tmp_path / "base.mp4", count=level // 20, fps=25)
        paths.append(composed(1, (96, 64), frames=2, base=base, cache=cache).path)
    assert paths[0] != paths[1]


def test_clips_of_a_folder_are_taken_as_they_are(tmp_path):
    write_clip(tmp_path / "a.mp4", count=3)
    (clip,) = given(tmp_path)
    assert (clip.path.name, clip.record.frames, clip.record.faces) == ("a.mp4", 3, 0)


def test_a_folder_without_clips_is_an_error(tmp_path):
    with pytest.raises(SourceOpenError, match="has no video"):
        given(tmp_path)
