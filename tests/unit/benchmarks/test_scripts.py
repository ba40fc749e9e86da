import argparse
import importlib
import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.support.commands import ROOT

FOLDER = ROOT / "benchmarks"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))}
SCRIPTS = [name for name, text in TEXTS.items() if 'if __name__ == "__main__"' in text]
# What a script needs beside the runtime.
NEEDS = {
    "au_curves": [pytest.mark.needs_torch],
    "emotion_faces": [pytest.mark.needs_torch],
    "cam_cost": [pytest.mark.needs_torch, pytest.mark.needs_onnx],
    "model_parity": [pytest.mark.needs_torch, pytest.mark.needs_onnx],
    "own_neutral": [pytest.mark.needs_torch],
    "face_sides": [pytest.mark.needs_torch],
    "precision_speed": [pytest.mark.needs_onnx],
    "rendered_heads": [pytest.mark.needs_torch],
    "warped_pairs": [pytest.mark.needs_torch],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=NEEDS.get(name, [])) for name in SCRIPTS]
)
def test_a_script_shows_its_help_from_the_root_of_the_repository(name):
    done = subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ".:train:export"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {name}.py")


def documented():
    """Yields (name, words) of every command of a script in the documents and the scripts."""
    documents = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *FOLDER.glob("*.md"),
        ROOT / "Makefile",
    ]
    texts = [path.read_text(encoding="utf-8") for path in documents] + list(TEXTS.values())
    found = set()
    for text in texts:
        joined = re.sub(r"\\\n\s*", " ", text)
        for name, rest in re.findall(r"python`? benchmarks/(\w+)\.py([^\n`]*)", joined):
            found.add((name, *shlex.split(rest.replace("...", ""), comments=True)))
    return sorted(found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(name, words, marks=NEEDS.get(name, []), id=" ".join((name, *words)))
        for name, *words in documented()
    ],
)
def test_a_documented_command_is_one_that_the_script_takes(name, words, monkeypatch):
    class ParsedError(Exception):
        """Ends a script once its command line is read."""

    whole = argparse.ArgumentParser.parse_args

    def parse_args(self, args=None, namespace=None):
        whole(self, args, namespace)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *words])
    with pytest.raises(ParsedError):
        importlib.import_module(f"benchmarks.{name}").main()


def test_no_two_scripts_import_each_other_by_any_way_round():
    imports = {
        name: set(re.findall(r"^\s*from benchmarks(?:\.| import )(\w+)", text, flags=re.MULTILINE))
        for name, text in TEXTS.items()
    }

    def reached(name, seen=frozenset()):
        for other in imports.get(name, set()) - seen:
            seen = reached(other, seen | {other})
        return seen

    assert {name for name in imports if name in reached(name)} == set()


def test_the_readme_lists_every_file():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {name for name in TEXTS if f"`{name}.py`" not in readme} == {"conftest"}
