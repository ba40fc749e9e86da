"""Outputs take their place when they are whole; pipes and devices are never replaced or removed."""

import contextlib
import os
import stat
from pathlib import Path

import pytest

from rtau.errors import SinkError
from rtau.replacing import beside, is_special, part_of, real_target, replacing
from rtau.runs.run_record import remove_run_record, write_json
from rtau.sinks.image_folder import write_picture
from tests.support.commands import run_here
from tests.support.media import numbered
from tests.support.tables import face_table, write_csv


@pytest.fixture
def pipe(tmp_path):
    """A named pipe, and a function that returns what was written to it."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    yield path, lambda: os.read(end, 1 << 16)
    os.close(end)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path, link = tmp_path / "a.csv", tmp_path / "link.csv"
    path.write_text("old")
    link.symlink_to(path)
    with replacing(link) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), link.is_symlink()) == ("new", True)
    with contextlib.suppress(KeyError), replacing(path) as part:
        part.write_text("half")
        raise KeyError
    assert (path.read_text(), part.exists()) == ("new", False)


def test_files_that_go_with_a_long_name_have_its_hash():
    path = Path("n" * 251 + ".csv")
    assert len(beside(path, ".run.json").name) == len("0123456789abcdef.run.json")
    assert beside(path, ".run.json") == beside(path.with_suffix(".mp4"), ".run.json")
    assert beside(Path("take.1.csv"), ".run.json") == Path("take.1.run.json")


def test_an_output_without_a_folder_is_said(tmp_path):
    path = tmp_path / "none" / "b"
    with (
        pytest.raises(SinkError, match="record of b cannot be written"),
        replacing(path, name="record of b") as part,
    ):
        part.write_text("new")


def test_a_pipe_is_written_directly(pipe):
    path, written = pipe
    with replacing(path) as part:
        part.write_text("rows")
    assert written() == b"rows"
    write_json(path, {"schema": 1}, description="record")
    assert b'"schema": 1' in written()
    write_picture(path, numbered(1))
    assert written().startswith(b"\x89PNG")
    remove_run_record(path)


def test_standard_output_has_a_name_that_can_be_opened(tmp_path):
    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc on this system")
    read, write = os.pipe()
    link = tmp_path / "stdout"  # /dev/stdout is such a link
    link.symlink_to(f"/proc/self/fd/{write}")
    assert real_target(link) == part_of(link) == link
    with replacing(link) as part:
        part.write_text("rows")
    assert (os.read(read, 99), is_special(link)) == (b"rows", True)
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("verb", ["summary", "events", "compare", "rebaseline"])
def test_results_of_commands_go_through_a_pipe(pipe, tmp_path, capsys, verb):
    path, written = pipe
    table = tmp_path / "a.csv"
    write_csv(table, face_table({"AU12_p": [0.1] * 20, "AU12_c": [0] * 20}))
    given = {"compare": [table, table], "rebaseline": [table, "--neutral", "0-2"]}
    code, _, err = run_here(capsys, verb, *given.get(verb, [table]), "--out", path)
    assert (code, "Traceback" in err) == (0, False)
    assert written()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.csv", "pipe.png"]


def test_a_run_puts_no_record_beside_a_pipe(pipe, tmp_path, capsys):
    path, written = pipe
    clip = Path(__file__).parents[2] / "examples" / "one_face.mp4"
    code, _, err = run_here(capsys, "video", clip, "--csv", path, "--max-frames", 2)
    assert (code, written().count(b"\n")) == (0, 3)
    assert [one.name for one in tmp_path.iterdir()] == ["pipe.png"], err
