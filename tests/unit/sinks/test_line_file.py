"""The line file: whole lines in files, and standard output that stays everybody's."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rtau.errors import SinkError
from rtau.sinks._line_file import LineFile
from tests.support.limits import file_size_limit

REPOSITORY = Path(__file__).parents[3]
REDIRECTED = """
    import resource
    from rtau.errors import SinkError
    from rtau.sinks._line_file import LineFile

    print("a line of somebody else", flush=True)
    lines = LineFile("-")
    lines.write("one\\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
    try:
        lines.write("two " * 100 + "\\n")
    except SinkError as error:
        import sys
        print(error, file=sys.stderr)
"""


def test_a_line_that_does_not_fit_is_taken_back_whole(tmp_path):
    lines = LineFile(tmp_path / "o.txt")
    lines.write("first\n")
    with file_size_limit(10), pytest.raises(SinkError, match="the lines before this are kept"):
        lines.write("second and third\n")
    assert (tmp_path / "o.txt").read_text() == "first\n"


def test_redirected_output_of_others_is_never_cut(tmp_path):
    with (tmp_path / "o.txt").open("w") as file:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(REDIRECTED)],
            cwd=REPOSITORY,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    assert done.stderr.startswith("stdout cannot be written (File too large)")
    assert (tmp_path / "o.txt").read_text().startswith("a line of somebody else\none\ntwo")


def test_closing_standard_output_leaves_it_open_for_others(capfd):
    lines = LineFile("-")
    lines.write("ours\n")
    lines.close()
    lines.close()
    sys.stdout.write("theirs\n")
    assert capfd.readouterr().out == "ours\ntheirs\n"


def test_names_that_are_no_utf8_come_out_as_the_bytes_they_are(tmp_path):
    lines = LineFile(tmp_path / "o.txt")
    lines.write("caf\udce9\n")
    lines.close()
    assert (tmp_path / "o.txt").read_bytes() == b"caf\xe9\n"
