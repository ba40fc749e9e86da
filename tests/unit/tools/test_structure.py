import json
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT


def script(*arguments):
    done = subprocess.run(
        [sys.executable, "tools/structure.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def checkout(tmp_path):
    files = {
        "__init__.py": "",
        "data.py": "def make():\n    return 1\n",
        "faces/__init__.py": "",
        "faces/crops.py": "from rtau.data import make\nfrom rtau import data\nimport rtau.faces\n",
        "faces/luma.py": "import numpy\n",
        "faces/detectors/__init__.py": "",
        "faces/detectors/haar.py": "def find():\n    import rtau.data\n\n    return rtau.data\n",
        "pipeline.py": "from rtau.faces import crops\nfrom rtau.data import make\n",
    }
    for name, text in files.items():
        path = tmp_path / "rtau" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_rooms_arrows_and_lengths_are_counted(checkout):
    (package,) = json.loads(script(checkout, "--json"))

    assert package["name"] == "rtau"
    assert package["entries"] == 3
    assert package["arrows"] == 3
    assert package["modules"] == 5
    assert package["lines"] == 12
    assert package["file_lines_median"] == 1.5
    assert package["file_lines_p90"] == 4
    assert (package["function_lines_median"], package["function_lines_p90"]) == (3, 4)
    imports = {room["name"]: room["imports"] for room in package["rooms"]}
    assert imports == {"data": [], "faces": ["data"], "pipeline": ["data", "faces"]}
    faces = package["rooms"][1]
    assert faces["modules"] == {"faces": 2, "faces.detectors": 1}


def test_two_checkouts_are_shown_side_by_side(checkout, tmp_path):
    other = tmp_path / "other" / "rtau"
    other.mkdir(parents=True)
    (other / "data.py").write_text("VALUE = 1\n")

    lines = script(checkout, "--against", other.parent).splitlines()

    words = {line.rsplit("  ", 1)[0].strip(): line.split() for line in lines if "->" in line}
    assert [line[-3:] for name, line in words.items() if name.startswith("entries")] == [
        ["1", "->", "3"]
    ]
    assert [line[-3:] for name, line in words.items() if name.startswith("lines")] == [
        ["1", "->", "12"]
    ]


def test_this_checkout_is_measured_by_default():
    names = [package["name"] for package in json.loads(script("--json"))]

    assert names == ["rtau", "rtau_train", "rtau_export", "benchmarks", "tools"]
