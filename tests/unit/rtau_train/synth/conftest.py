import pytest

from rtau_train.synth.assets import read_assets
from rtau_train.synth.render import Renderer
from rtau_train.synth.sculpted_heads import SculptedHeads


@pytest.fixture(scope="session")
def assets(asset_folder):
    return read_assets(asset_folder)


@pytest.fixture(scope="session")
def renderer(assets):
    """An open renderer; tests that use it are marked needs_egl."""
    return Renderer(assets, size=96)


@pytest.fixture(scope="session")
def heads(renderer):
    """The family of heads that it draws."""
    return SculptedHeads(renderer)
