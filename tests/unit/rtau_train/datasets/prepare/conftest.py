import pytest

from tests.support import standins
from tests.support.prepared import renders


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
