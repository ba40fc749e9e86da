import pytest

from tests.support.mesh_points import fitted_teacher


@pytest.fixture(scope="session")
def fitted():
    """A teacher of the first 90 renders."""
    return fitted_teacher()
