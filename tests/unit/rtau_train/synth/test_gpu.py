import types

import numpy as np
import pytest

from rtau.errors import BackendUnavailable
from rtau_train.synth import gpu


def test_without_moderngl_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(gpu.importlib, "import_module", missing)

    with pytest.raises(BackendUnavailable, match=r"pip install 'rtau\[synth\]'"):
        gpu.open_context()


def test_without_egl_the_system_packages_are_named(monkeypatch):
    def no_library(**_):
        raise RuntimeError("libEGL.so not loaded\nin a second line")

    broken = types.SimpleNamespace(create_context=no_library)
    monkeypatch.setattr(gpu.importlib, "import_module", lambda _: broken)

    with pytest.raises(BackendUnavailable, match="apt-get install libegl1 libgl1-mesa-dri") as told:
        gpu.open_context()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["vertex", "light", "head", "strands"])
def test_shaders_travel_with_the_package(name):
    assert "void main()" in gpu.shader(name) or name == "light"


def test_matrices_are_handed_over_column_by_column():
    written = {}

    class Uniform:
        def __init__(self, name):
            self.name = name

        def write(self, data):
            written[self.name] = np.frombuffer(data, np.float32)

    program = {name: Uniform(name) for name in ("view", "light_direction")}
    matrix = np.arange(9.0).reshape(3, 3)
    gpu.put(program, {"view": matrix, "light_direction": matrix, "unknown": matrix})

    np.testing.assert_array_equal(written["view"], matrix.T.ravel())
    np.testing.assert_array_equal(written["light_direction"], matrix.ravel())
