import pytest

from rtau_train.fitting import loop
from rtau_train.study import plan
from tests.support import standins
from tests.support.made_up_head import make_assets
from tests.support.prepared import renders
from tests.support.study_results import write_paper1, write_paper2
from tests.support.training import faces, make_prepared, small_recipe

TWO_NETWORKS = ("mobilenetv2", "shufflenetv2_x1_0")


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
    out = tmp_path_factory.mktemp("run") / "small"
    loop.fit(small_recipe(), data, recipe_path="train/recipes/small.toml", out=out)
    return out


@pytest.fixture(scope="session")
def standin(tmp_path_factory):
    """Makes a stand-in of a layout, once; tests that change it copy it first."""
    made = {}

    def make(layout, count=14):
        if (layout, count) not in made:
            out = tmp_path_factory.mktemp("standin") / layout
            standins.make(layout, renders(), out, count=count, seed=3, jobs=2)
            made[layout, count] = out
        return made[layout, count]

    return make


@pytest.fixture(scope="session")
def asset_folder(tmp_path_factory):
    return make_assets(tmp_path_factory.mktemp("assets") / "made-up")


@pytest.fixture(scope="session")
def folder1(tmp_path_factory):
    """The files of a made-up study of the first paper; one of its experiments was not run."""
    return write_paper1(tmp_path_factory.mktemp("paper1"))


@pytest.fixture(scope="session")
def folder2(tmp_path_factory):
    return write_paper2(tmp_path_factory.mktemp("paper2"))


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Both data sets of the first paper as prepared folders, from rendered faces."""
    base = tmp_path_factory.mktemp("data")
    return {
        "disfa+": make_prepared(base / "disfa", dataset="disfa+", people=9),
        "dem": make_prepared(base / "dem", dataset="dem", people=40),
    }


@pytest.fixture
def two_networks(monkeypatch):
    """The first paper with two of its networks."""
    some = {name: plan.PAPER1_NETWORKS[name] for name in TWO_NETWORKS}
    monkeypatch.setattr(plan, "PAPER1_NETWORKS", some)
