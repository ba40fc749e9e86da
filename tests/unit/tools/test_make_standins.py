import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT
from tests.support import standins
from tests.support.prepared import FACES, contents, renders


def script(*arguments):
    return subprocess.run(
        [sys.executable, "tools/make_standins.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_script_writes_a_layout_and_overwrites_nothing(tmp_path):
    order = FACES, tmp_path / "disfa", "--layout", "disfa+", "--count", "12", "--seed", "3"

    done = script(*order)

    assert done.returncode == 0, done.stderr
    assert f"{tmp_path / 'disfa'}: " in done.stdout
    assert (tmp_path / "disfa" / "landmarks.csv").is_file()
    again = script(*order)
    assert again.returncode == 2
    assert "is there already; choose another OUT" in again.stderr


@pytest.mark.parametrize("layout", ["disfa+", "ck48"])
def test_a_seed_decides_every_byte(tmp_path, layout):
    for out, seed, jobs in (("a", 1, 1), ("b", 1, 2), ("c", 2, 1)):
        standins.make(layout, renders(), tmp_path / out, count=10, seed=seed, jobs=jobs)

    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")
