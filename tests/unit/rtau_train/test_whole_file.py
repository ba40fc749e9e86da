import pytest

from rtau.errors import SinkError, UsageError
from rtau_train.whole_file import whole_file, write_whole
from tests.support.limits import file_size_limit


@pytest.mark.parametrize("ending", [KeyboardInterrupt, RuntimeError, OSError(28, "No space left")])
def test_what_ends_a_command_leaves_the_old_file_and_nothing_else(tmp_path, ending):
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def interrupted():
        with whole_file(path) as part:
            part.write_text("ne")
            raise ending

    with pytest.raises((KeyboardInterrupt, RuntimeError, SinkError)):
        interrupted()

    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_text_and_bytes_take_their_name_when_they_are_whole(tmp_path):
    write_whole(tmp_path / "a.txt", "\u00e9\n")
    with whole_file(tmp_path / "b.bin") as part:
        part.write_bytes(b"new")
        assert not (tmp_path / "b.bin").exists()

    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\n"
    assert (tmp_path / "b.bin").read_bytes() == b"new"


def test_two_commands_do_not_write_one_file(tmp_path):
    with whole_file(tmp_path / "a") as part:
        with pytest.raises(UsageError, match="being written by another run"):
            write_whole(tmp_path / "a", "theirs")
        part.write_text("mine")

    assert (tmp_path / "a").read_text() == "mine"


def test_a_full_disk_is_one_line(tmp_path):
    with file_size_limit(100), pytest.raises(SinkError, match=r"a\.txt: cannot be written \("):
        write_whole(tmp_path / "a.txt", "x" * 200)
