import dataclasses

import numpy as np
import pytest

from rtau_train.datasets.crop_folder import read_folder
from rtau_train.study import plan
from tests.support.training import shipped_recipe

# A run of seconds: 32 px, an epoch, two of the six networks.
QUICK = (
    "network.weights=none",
    "network.unfreeze=all",
    "network.input_size=64",
    "fit.epochs=1",
    "fit.batch=16",
    "split.validation=0.2",
)


@pytest.fixture(scope="session")
def sets(folders):
    labels = shipped_recipe().network.labels
    return {name: read_folder(folder, labels=labels) for name, folder in folders.items()}


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
