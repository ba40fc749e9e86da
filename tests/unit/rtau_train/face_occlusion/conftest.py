from pathlib import Path

import numpy as np
import onnx
import pytest

from rtau_train.face_alignment import faces, scenes
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.point_rule import average_rule
from rtau_train.face_occlusion import graft

ROOT = Path(__file__).parents[4]
MODEL = ROOT / "engines" / "face-align.onnx"
FIXTURE = ROOT / "tests" / "data" / "synth-facs"


@pytest.fixture(scope="session")
def free_faces():
    cutouts = faces.from_crops(FIXTURE, slice(0, 40), rule=average_rule(), source="renders")
    return [one for one in cutouts if one.row["occluded"] == one.row["glasses"] == "0"]


@pytest.fixture(scope="session")
def plain_scenes():
    kinds = ("knitwear", "page")
    return [Scene(scenes.drawn_scene(kind, seed=3, index=0), None, kind) for kind in kinds]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="session")
def bare():
    return graft.without_branch(onnx.load(str(MODEL)))
