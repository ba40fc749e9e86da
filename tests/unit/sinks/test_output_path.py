"""The checks an output passes before a run: no input lost, no surprise after an hour."""

from __future__ import annotations

import pytest

from rtau.errors import SinkError, UsageError
from rtau.sinks._output_path import check_output, is_same_file


def test_a_new_file_in_a_directory_that_is_there_passes(tmp_path):
    check_output(tmp_path / "o.csv", inputs=[tmp_path / "in.mp4"])
    assert list(tmp_path.iterdir()) == []


def test_any_of_several_inputs_is_protected(tmp_path):
    inputs = [tmp_path / name for name in ("a.mp4", "b.mp4")]
    for path in inputs:
        path.write_bytes(b"video")
    with pytest.raises(UsageError, match=r"is the input .*b\.mp4"):
        check_output(tmp_path / "sub" / ".." / "b.mp4", inputs=inputs)


def test_an_input_that_is_missing_is_still_recognised(tmp_path):
    with pytest.raises(UsageError, match="is the input"):
        check_output(tmp_path / "x.mp4", inputs=[tmp_path / "." / "x.mp4"])


@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to"])
def test_links_are_the_file_they_lead_to(tmp_path, make):
    (tmp_path / "in.mp4").write_bytes(b"video")
    getattr(tmp_path / "link.mp4", make)(tmp_path / "in.mp4")
    assert is_same_file(tmp_path / "link.mp4", tmp_path / "in.mp4")
    assert not is_same_file(tmp_path / "other.mp4", tmp_path / "in.mp4")


def test_a_link_to_nowhere_yet_is_the_file_it_will_make(tmp_path):
    (tmp_path / "link.mp4").symlink_to(tmp_path / "later.mp4")
    assert is_same_file(tmp_path / "link.mp4", tmp_path / "later.mp4")


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SinkError, match="does not exist"):
        check_output(tmp_path / "file" / "o.csv")


def test_a_directory_without_permission_is_refused(tmp_path, monkeypatch):
    # The test may run as root, whom nothing is forbidden.
    monkeypatch.setattr("rtau.sinks._output_path.os.access", lambda *_: False)
    with pytest.raises(SinkError, match="no permission"):
        check_output(tmp_path / "o.csv")
