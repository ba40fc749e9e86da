"""Registers execution providers that are plug-ins of ONNX Runtime, and lists their devices.

TensorRT for RTX is one (the wheel onnxruntime-ep-nv-tensorrt-rtx): ONNX Runtime lists it only after
its library is registered.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from rtau.errors import BackendUnavailable

# Execution provider -> the Python module that has its library's path.
PLUGINS = {"NvTensorRTRTXExecutionProvider": "onnxruntime_ep_nv_tensorrt_rtx"}
# Execution provider -> how to install it.
INSTALL = {
    "NvTensorRTRTXExecutionProvider": "pip install onnxruntime-ep-nv-tensorrt-rtx  # for CUDA 12: "
    "onnxruntime-ep-nv-tensorrt-rtx-cu12; beside onnxruntime, not onnxruntime-gpu",
}

_registered: set[str] = set()


def plugin_devices(onnxruntime: Any, provider: str) -> list[Any]:
    """Returns the devices of a provider's plug-in; an empty list if it is not installed.

    Raises:
        BackendUnavailable: the plug-in is installed but its library does not load, or finds no
            device.
    """
    module_name = PLUGINS.get(provider)
    if module_name is None or importlib.util.find_spec(module_name) is None:
        return []
    plugin = importlib.import_module(module_name)
    name = plugin.get_ep_name()
    if name not in _registered:
        try:
            onnxruntime.register_execution_provider_library(name, plugin.get_library_path())
        except Exception as error:  # onnxruntime's errors share no other base
            words = " ".join(str(error).split())[-300:]
            raise BackendUnavailable(
                f"provider {provider} is installed but does not load ({words}); it needs an "
                "NVIDIA driver and onnxruntime 1.24 or newer: run `rtau doctor --gpu`"
            ) from error
        _registered.add(name)
    devices = [device for device in onnxruntime.get_ep_devices() if device.ep_name == name]
    if not devices:
        raise BackendUnavailable(
            f"provider {provider} finds no device: it needs an NVIDIA RTX GPU from Ampere on; "
            "run `nvidia-smi`, or ask for another --provider"
        )
    return devices
