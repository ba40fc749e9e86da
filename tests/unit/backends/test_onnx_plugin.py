import sys
from types import ModuleType, SimpleNamespace

import pytest

from rtau.backends import _onnx_plugin, bundled_models, open_engine
from rtau.backends._onnx_plugin import plugin_devices
from rtau.errors import BackendUnavailable

RTX = "NvTensorRTRTXExecutionProvider"


class FakeOrt:
    """onnxruntime as far as plug-ins go."""

    def __init__(self, *, devices=1, fails=False):
        self.registered, self.fails = [], fails
        self.devices = [SimpleNamespace(ep_name=RTX)] * devices

    def register_execution_provider_library(self, name, path):
        if self.fails:
            raise RuntimeError("Failed to load library:\nlibcuda.so.1: cannot open shared object")
        self.registered.append((name, path))

    def get_ep_devices(self):
        return [SimpleNamespace(ep_name="CPUExecutionProvider"), *self.devices]


@pytest.fixture
def plugin(monkeypatch):
    module = ModuleType("onnxruntime_ep_nv_tensorrt_rtx")
    module.__spec__ = SimpleNamespace(name=module.__name__)
    module.get_ep_name = lambda: RTX
    module.get_library_path = lambda: "/lib/plugin.so"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(_onnx_plugin, "_registered", set())


def test_a_plugin_is_registered_once_and_gives_its_own_devices(plugin):
    ort = FakeOrt()
    for _ in range(2):
        assert [device.ep_name for device in plugin_devices(ort, RTX)] == [RTX]
    assert ort.registered == [(RTX, "/lib/plugin.so")]


def test_a_plugin_that_does_not_load_is_one_line(plugin):
    with pytest.raises(BackendUnavailable, match=r"does not load \(.*libcuda\.so\.1") as error:
        plugin_devices(FakeOrt(fails=True), RTX)
    assert "\n" not in str(error.value)


def test_a_plugin_without_a_device_says_what_it_needs(plugin):
    with pytest.raises(BackendUnavailable, match="needs an NVIDIA RTX GPU"):
        plugin_devices(FakeOrt(devices=0), RTX)


def test_other_providers_are_no_plugins(plugin):
    assert plugin_devices(FakeOrt(), "CUDAExecutionProvider") == []


@pytest.mark.needs_onnxruntime
def test_without_the_plugin_the_error_names_the_wheel(monkeypatch):
    monkeypatch.setitem(_onnx_plugin.PLUGINS, RTX, "no_such_plugin")
    with pytest.raises(BackendUnavailable, match="pip install onnxruntime-ep-nv-tensorrt-rtx"):
        open_engine(next(iter(bundled_models())), provider="tensorrt-rtx")
