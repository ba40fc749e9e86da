import errno
from pathlib import Path

import pytest

from rtau.errors import SinkError
from rtau_train.datasets.prepare.files import holds, write_whole, writing


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "new" / "a.txt"
    write_whole(path, b"old")

    def half(self, data):
        with self.open("wb") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_run_left_is_taken_away(tmp_path):
    (tmp_path / "a.txt.partial").write_bytes(b"hal")

    write_whole(tmp_path / "a.txt", b"whole")

    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_one_line(tmp_path):
    with (
        pytest.raises(
            SinkError,
            match=r"out: cannot be written \(No space left on device\); mend that and run the same",
        ),
        writing(tmp_path / "out"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_holds_its_bytes_and_no_others(tmp_path):
    path = tmp_path / "a"
    assert not holds(path, b"x")
    path.write_bytes(b"x")
    assert holds(path, b"x")
    assert not holds(path, b"y")
    assert not holds(path, b"xy")
