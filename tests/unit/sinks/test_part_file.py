from pathlib import Path

import pytest

from rtau.errors import UsageError
from rtau.sinks import PartFile


def test_the_earlier_file_stays_until_the_new_one_takes_its_place(tmp_path):
    target = tmp_path / "o.csv"
    target.write_text("old")
    target.chmod(0o640)
    part = PartFile(target)
    part.create()
    part.path.write_text("new")
    assert target.read_text() == "old"
    assert part.path.name == "o.part.csv"

    part.place()
    part.release()

    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["o.csv"]


def test_a_first_text_file_can_be_followed_while_it_is_written(tmp_path):
    target = tmp_path / "o.csv"
    part = PartFile(target)
    part.create()
    part.path.write_text("a line")
    assert target.read_text() == "a line"

    part.place()
    part.release()

    assert [path.name for path in tmp_path.iterdir()] == ["o.csv"]


def test_what_earlier_runs_left_is_kept_and_named(tmp_path):
    left = [tmp_path / "o.part.csv", tmp_path / "o.part2.csv"]
    for path in left:
        path.write_text("rows")
    part = PartFile(tmp_path / "o.csv")
    assert part.leftovers == left
    assert part.path.name == "o.part3.csv"
    part.release()
    assert all(path.read_text() == "rows" for path in left)


@pytest.mark.parametrize("has_old", [True, False])
def test_a_discarded_file_leaves_what_was_there(has_old, tmp_path):
    target = tmp_path / "o.csv"
    if has_old:
        target.write_text("old")
    part = PartFile(target)
    part.create()
    part.discard()
    part.release()

    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"] * has_old


def test_one_run_at_a_time_writes_a_file_whatever_it_is_called(tmp_path):
    target, link = tmp_path / "o.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    first = PartFile(target)
    with pytest.raises(UsageError, match=r"link\.csv is being written by another run"):
        PartFile(link)
    first.release()

    PartFile(link).release()


def test_a_link_is_followed_and_stays(tmp_path):
    target, link = tmp_path / "o.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    part = PartFile(link)
    part.path.write_text("new")
    part.place()
    part.release()

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_is_written_directly():
    part = PartFile(Path("/dev/null"))
    part.create()
    part.place()
    part.discard()
    part.release()

    assert part.path == Path("/dev/null")


def test_the_longest_name_a_file_can_have_is_written_too(tmp_path):
    target = tmp_path / ("n" * 251 + ".csv")
    part = PartFile(target)
    part.create()
    part.path.write_text("rows")
    part.place()
    part.release()

    assert [path.name for path in tmp_path.iterdir()] == [target.name]
