import pytest
import torch

from rtau_train.fitting import loop
from tests.support.training import faces, small_recipe


def pytest_collection_modifyitems(items):
    for item in items:
        if "rtau_train" in item.path.parts:
            item.add_marker(pytest.mark.needs_torch)


@pytest.fixture(scope="session")
def data():
    return faces()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, data):
    """A finished run of the small recipe."""
    torch.set_num_threads(2)
    out = tmp_path_factory.mktemp("run") / "small"
    loop.fit(small_recipe(), data, recipe_path="train/recipes/small.toml", out=out)
    return out
