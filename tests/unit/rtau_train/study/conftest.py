"""Both data sets of the first paper as folders of `rtau-train prepare`, from rendered faces."""

import dataclasses
import shutil

import numpy as np
import pytest

from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.preparation import Preparation
from rtau_train.study import plan
from tests.support.training import FACES, shipped_recipe

# A run of seconds: 32 px, an epoch, two of the six networks.
QUICK = (
    "network.weights=none",
    "network.unfreeze=all",
    "network.input_size=64",
    "fit.epochs=1",
    "fit.batch=16",
    "split.validation=0.2",
)
TWO_NETWORKS = ("mobilenetv2", "shufflenetv2_x1_0")


def make_prepared(folder, *, dataset, people):
    """Writes the committed renders as if they were a prepared data set with some people."""
    shutil.copytree(FACES, folder)
    table = (folder / "labels.csv").read_text().splitlines()
    rows = [f"{row},P{index % people}" for index, row in enumerate(table[1:])]
    (folder / "labels.csv").write_text("\n".join([table[0] + ",subject", *rows]) + "\n")
    made = Preparation(
        dataset=dataset,
        task="multi_label",
        labels=shipped_recipe().network.labels,
        size_px=128,
        crop=shipped_recipe().shipping.haar_crop,
        images=len(rows),
        rejected=0,
        rtau_version="0",
        source="renders",
    )
    (folder / "prepared.json").write_text(made.to_json())
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("data")
    return {
        "disfa+": make_prepared(base / "disfa", dataset="disfa+", people=9),
        "dem": make_prepared(base / "dem", dataset="dem", people=40),
    }


@pytest.fixture(scope="session")
def sets(folders):
    labels = shipped_recipe().network.labels
    return {name: read_folder(folder, labels=labels) for name, folder in folders.items()}


@pytest.fixture
def two_networks(monkeypatch):
    """The first paper with two of its networks."""
    some = {name: plan.PAPER1_NETWORKS[name] for name in TWO_NETWORKS}
    monkeypatch.setattr(plan, "PAPER1_NETWORKS", some)


@pytest.fixture
def quick():
    return plan.Reduction(
        heading="Rendered faces",
        data="Renders only.",
        overrides=QUICK,
        datasets={"dem": ["oversample.copies=1"]},
    )


@pytest.fixture
def no_landmarks(sets):
    return {name: dataclasses.replace(data, landmarks=None) for name, data in sets.items()}


@pytest.fixture
def all_absent(sets):
    """DEM in which no AU ever occurs."""
    dem = sets["dem"]
    return {**sets, "dem": dataclasses.replace(dem, targets=np.zeros_like(dem.targets))}
