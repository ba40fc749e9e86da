import csv
from pathlib import Path

import numpy as np
import pytest

from rtau_train.face_alignment import faces, scenes
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.point_rule import average_rule

FIXTURE = Path(__file__).parents[3] / "data" / "synth-facs"


@pytest.fixture(scope="session")
def rule():
    return average_rule()


@pytest.fixture(scope="session")
def cutouts(rule):
    return faces.from_crops(FIXTURE, slice(0, 24), rule=rule, source="renders")


@pytest.fixture(scope="session")
def plain_scenes():
    kinds = ("knitwear", "denim", "page", "hands")
    return [Scene(scenes.drawn_scene(kind, seed=3, index=0), None, kind) for kind in kinds]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="session")
def labels():
    with (FIXTURE / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
