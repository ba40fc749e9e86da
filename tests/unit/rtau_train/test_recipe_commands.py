"""The commands in the headers of recipes, read and run on stand-ins of the data they name."""

import re
import shlex

import pytest

from rtau_train.commands.main import build_parser, main
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.splits import splits_of
from rtau_train.models.checkpoint import load_model
from rtau_train.recipe import read_recipe
from tests.support.prepared import renders
from tests.support.standins import make
from tests.support.training import ROOT

RECIPES = sorted((ROOT / "train").glob("*/*.toml"))
STUDIES = [path for path in RECIPES if re.search(r"-(disfa|dem|emotions)$", path.stem)]
# What a source is called in a header -> layout of the stand-in.
SOURCES = {"DISFA+": "disfa+", "DEM": "dem", "fer2013.csv": "fer2013", "CK+": "ckplus"}
PICTURES = 40
# A run of seconds on any machine.
SMALL = (
    "network.name=shufflenetv2_x1_0",
    "network.weights=none",
    "network.unfreeze=all",
    "network.input_size=32",
    "fit.epochs=1",
    "fit.frozen_epochs=0",
    "fit.batch=4",
    "fit.epoch_rows=4",
    "split.validation=0.2",
)


def commands_of(path):
    """Returns the commands of a recipe's header, each as its words."""
    header = path.read_text(encoding="utf-8").partition("\n[")[0]
    entry = re.search(r"^# Command +(.*?)(?=^# \w+ |^#$)", header, re.DOTALL | re.MULTILINE)
    if entry is None:  # that a header has a command is the matter of test_recipe.py
        return []
    text = re.sub(r"^# *", "", entry[1], flags=re.MULTILINE).replace("\\\n", " ")
    lines = [one.strip() for line in text.splitlines() for one in line.split("&&")]
    return [shlex.split(line) for line in lines if line.startswith("rtau-train ")]


def ids_of(path):
    return path.stem


@pytest.mark.parametrize("path", [path for path in RECIPES if commands_of(path)], ids=ids_of)
def test_a_header_names_commands_that_the_command_line_takes(path):
    for words in commands_of(path):
        arguments = build_parser().parse_args(words[1:])
        recipe = getattr(arguments, "recipe", None)
        assert recipe is None or ROOT / recipe == path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that the headers' commands can be run in; each `prepare` has been, once."""
    base = tmp_path_factory.mktemp("place")
    (base / "train").symlink_to(ROOT / "train")
    prepares = {tuple(w) for path in STUDIES for w in commands_of(path) if w[1] == "prepare"}
    assert {words[3] for words in prepares} == set(SOURCES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        for words in sorted(prepares):
            made = base / words[3] if words[3] in {"DISFA+", "DEM", "CK+"} else base / "fer"
            make(SOURCES[words[3]], renders(), made, count=PICTURES, seed=1, jobs=1)
            if made.name == "fer":
                (made / words[3]).rename(base / words[3])
            assert main([*words[1:], "--jobs", "1"]) == 0
    return base


def fits_of(path):
    return [words for words in commands_of(path) if words[1] == "fit"]


@pytest.mark.parametrize("path", STUDIES, ids=ids_of)
def test_the_data_of_a_header_fit_its_recipe(path, place, monkeypatch):
    monkeypatch.chdir(place)
    for words in fits_of(path):
        arguments = build_parser().parse_args(words[1:])
        recipe = read_recipe(arguments.recipe, overrides=arguments.overrides)
        network = recipe.network
        (folder,) = arguments.data

        splits = splits_of(read_folder(folder, labels=network.labels, task=network.task), recipe)

        assert min(len(splits.split.train), len(splits.split.test)) > 0


@pytest.mark.parametrize("stem", ["resnet18-emotions", "shufflenetv2-disfa", "resnet101-dem"])
def test_the_commands_of_a_header_train_a_network(stem, place, monkeypatch, tmp_path):
    monkeypatch.chdir(place)
    changes = [word for change in SMALL for word in ("--set", change)]
    for number, words in enumerate(fits_of(ROOT / "train" / "recipes" / f"{stem}.toml")):
        out = tmp_path / str(number)

        assert main([*words[1:], *changes, "--out", str(out)]) == 0

        assert load_model(out).epochs_done == 1
