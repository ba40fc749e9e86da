"""Runs ONNX files with ONNX Runtime: all faces of a batch in one call.

The only module that imports onnxruntime. It checks the file against its contract, requires the
provider that was asked for, and computes CAMs only when they are asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtau.backends import PROVIDER_BACKENDS
from rtau.backends._engine import BatchEngine, grey_crops, read_model, warm_up_rows
from rtau.backends._freed_memory import give_back
from rtau.backends._onnx_binding import BoundSession
from rtau.backends._onnx_messages import loading, log_severity
from rtau.backends._onnx_plugin import INSTALL, plugin_devices
from rtau.backends._onnx_shared import SharedSession
from rtau.backends.onnx_file import contract_in, keep_outputs, names_of_outputs
from rtau.backends.parity import as_crops
from rtau.backends.tensors import INPUT, output_names, row_shapes
from rtau.contract import ModelContract
from rtau.cpu import usable_cores
from rtau.data import Image
from rtau.errors import BackendUnavailable, ContractError, EngineError, UsageError, one_line

with loading():
    import onnxruntime

# Name on the command line -> ONNX Runtime's execution provider.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "tensorrt-rtx": "NvTensorRTRTXExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
# Those with tensors in the memory of an NVIDIA GPU: they run with bound inputs and outputs.
ON_GPU = frozenset(PROVIDERS[name] for name in ("cuda", "tensorrt", "tensorrt-rtx"))
# `auto` takes the first that is available. TensorRT must be asked for: it compiles for minutes.
AUTO_ORDER = ("cuda", "cpu")

# A network from this size on gets every core, a smaller one half of them. Layers of a small one are
# too short for several threads: ShuffleNetV2 (7 MB) takes 2.6 to 3.0 ms of one core for a face, or
# 3.7 to 4.9 core-ms with two threads, which the other stages of a run need. Idle cores run parts of
# its large batches.
HEAVY_BYTES = 16 << 20

# Longest wait for the first two rows: VGG19, the largest of the networks, takes 0.2 s of one core.
ANSWER_S = 60.0


class OnnxEngine(BatchEngine):
    """Engine on ONNX Runtime."""

    def __init__(self, path: Path, /, *, provider: str = "auto", threads: int = 0) -> None:
        """Loads, checks and warms a model; the first CAMs read the file once more.

        Args:
            path: an .onnx file with an rtau contract in its metadata.
            provider: key of PROVIDERS, or `auto`.
            threads: intra-op threads, and no others; 0 means one per core for a heavy network, and
                half of them for a small one, twice where a batch is large.

        Raises:
            UsageError: the provider's name is unknown.
            BackendUnavailable: the provider is not in this onnxruntime, or did not load.
            ContractError: the file is broken, has no contract, or breaks it.
            EngineError: it fails on grey crops, or gives no answer within ANSWER_S.
        """
        self._path = path
        model = read_model(path)
        cores = usable_cores()
        self._threads = threads or threads_for(len(model), cores=cores)
        self._provider, self._why = _choose_provider(provider)
        is_free = threads == 0 and self._provider == PROVIDERS["cpu"]
        self._calls = max(cores // self._threads, 1) if is_free else 1
        self._contract = contract_in(model, origin=str(path))
        bare = self._session(_without_cams(model, self._contract, path))
        _check_signature(bare, self._contract, path)
        on_cpu = self._provider == PROVIDERS["cpu"]
        # Other providers may compile the model in their first call: none may come during a run.
        waits = on_cpu or not self._contract.has_cams
        self._with_cams: Any = None if waits else self._cam_session()
        self._bare: Any = LimitedSession(bare) if on_cpu else self._bound(bare)
        rows = warm_up_rows(self._contract)
        self.infer(as_crops(grey_crops(rows, size=self._contract.input_size)))
        if on_cpu:
            self._bare = self._bound(bare)
        del model
        give_back()

    @property
    def device(self) -> str:
        """ONNX Runtime's version and the provider in use, and why `auto` chose it."""
        return f"onnxruntime {onnxruntime.__version__}, {self._provider}{self._why}"

    @property
    def threads(self) -> int:
        """Intra-op threads of one call."""
        return self._threads

    def close(self) -> None:
        """Frees the sessions."""
        self._with_cams = self._bare = None

    def _run(self, images_rgb: Image, *, cams: bool) -> list[np.ndarray]:
        if self._bare is None:
            raise EngineError(f"{self._contract.name} is closed; open the engine again")
        if cams and self._with_cams is None:
            self._with_cams = self._cam_session()
        session = self._with_cams if cams else self._bare
        outputs = output_names(self._contract, cams=cams)
        try:
            return list(session.run(list(outputs), {INPUT: images_rgb}))
        except Exception as error:  # onnxruntime's errors share no other base
            raise EngineError(
                f"{self._path.name} failed on {len(images_rgb)} crops with {self._provider}: "
                f"{one_line(error)}"
            ) from error

    def _cam_session(self) -> Any:
        """Returns the session of the whole model, which runs without heatmaps do not need."""
        model = read_model(self._path)
        if contract_in(model, origin=str(self._path)) != self._contract:
            raise ContractError(
                f"{self._path}: the file was replaced by another one after it was opened; run again"
            )
        return self._bound(self._session(model))

    def _session(self, model: bytes) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = log_severity()
        # Idle threads that spin take the core from the decoder, OpenCV and the encoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        wanted = [self._provider]
        if self._provider != PROVIDERS["cpu"]:
            wanted.append(PROVIDERS["cpu"])  # for single nodes the provider lacks
        if devices := plugin_devices(onnxruntime, self._provider):
            options.add_provider_for_devices(devices, {})
            wanted = []  # they are in the options already
        try:
            session = onnxruntime.InferenceSession(model, options, providers=wanted)
        except Exception as error:  # onnxruntime's errors share no other base
            raise ContractError(
                f"{self._path}: ONNX Runtime cannot load it ({one_line(error)}); export it again"
            ) from error
        used = session.get_providers()[0]
        if used != self._provider:
            raise BackendUnavailable(
                f"provider {self._provider} was asked for but ONNX Runtime used {used}: its "
                "libraries did not load; run `rtau doctor`, or ask for --provider cpu"
            )
        return session

    def _bound(self, session: Any) -> Any:
        """Returns the session with its tensors on the GPU, or as several threads run it."""
        if self._provider in ON_GPU:
            return BoundSession(session, onnxruntime.OrtValue)
        return SharedSession(session, calls=self._calls) if self._calls > 1 else session


class LimitedSession:
    """A session whose runs are ended after ANSWER_S, with a session's interface."""

    def __init__(self, session: Any, /) -> None:
        """Takes an InferenceSession on the CPU."""
        self._session = session

    def run(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs, as the session's own `run` does.

        Raises:
            TimeoutError: there is no answer within ANSWER_S.
        """
        options = onnxruntime.RunOptions()
        timer = threading.Timer(ANSWER_S, setattr, (options, "terminate", True))
        timer.start()
        try:
            return list(self._session.run(list(outputs), dict(feeds), options))
        except Exception as error:
            if options.terminate:
                raise TimeoutError(f"no answer within {ANSWER_S:g} s") from error
            raise
        finally:
            timer.cancel()


def threads_for(model_bytes: int, /, *, cores: int) -> int:
    """Returns the intra-op threads for a model file of so many bytes."""
    return cores if model_bytes >= HEAVY_BYTES else max(cores // 2, 1)


def _choose_provider(name: str) -> tuple[str, str]:
    """Returns the execution provider and, for `auto`, a note on why."""
    available = onnxruntime.get_available_providers()
    if name == "auto":
        chosen = next(key for key in AUTO_ORDER if PROVIDERS[key] in available)
        return PROVIDERS[chosen], f" (auto: first of {', '.join(AUTO_ORDER)} in this onnxruntime)"
    if name not in PROVIDERS:
        known = ", ".join(["auto", *PROVIDERS, *PROVIDER_BACKENDS])
        raise UsageError(f"provider must be one of {known}, got {name!r}")
    if PROVIDERS[name] not in available and not plugin_devices(onnxruntime, PROVIDERS[name]):
        other = 'for CUDA: pip uninstall onnxruntime && pip install "rtau[gpu]"'
        raise BackendUnavailable(
            f"provider {PROVIDERS[name]} was asked for, but this onnxruntime "
            f"{onnxruntime.__version__} has only {', '.join(available)}; "
            f"{INSTALL.get(PROVIDERS[name], other)}"
        )
    return PROVIDERS[name], ""


def _without_cams(model: bytes, contract: ModelContract, path: Path) -> bytes:
    """Returns the model without CAMs; ContractError unless its outputs are the contract's."""
    wanted = output_names(contract, cams=True)
    try:
        given = names_of_outputs(model)
        if set(given) == set(wanted):
            return keep_outputs(model, frozenset(output_names(contract, cams=False)))
    except ContractError as error:
        raise ContractError(f"{path}: {error}; export it again") from None
    raise ContractError(
        f"{path}: outputs must be {', '.join(wanted)}, got {', '.join(given) or 'none'}"
    )


def _check_signature(session: Any, contract: ModelContract, path: Path) -> None:
    """Raises ContractError unless the input, and outputs but CAMs, are what the contract says."""
    size = contract.input_size
    inputs = {item.name: (item.type, item.shape[1:]) for item in session.get_inputs()}
    if inputs != {INPUT: ("tensor(uint8)", [size, size, 3])}:
        raise ContractError(
            f"{path}: input must be {INPUT}: uint8 (N, {size}, {size}, 3), got {inputs}"
        )
    outputs = {item.name: (item.type, item.shape[1:]) for item in session.get_outputs()}
    shapes = row_shapes(contract, cams=False)
    wanted = {name: ("tensor(float)", list(shape)) for name, shape in shapes.items()}
    if outputs != wanted:
        raise ContractError(f"{path}: outputs must be {wanted}, got {outputs}")
