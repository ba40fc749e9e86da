"""The JSON beside an `.engine` file, `NAME.engine.json`: the contract and how it was built.

A TensorRT plan is code for one GPU and one library version and must not be deserialised elsewhere,
so everything is checked on the JSON first. `rtau-export engine` writes it.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import sys
from pathlib import Path
from typing import Any, Literal

from rtau.contract import MAX_JSON_BYTES, ModelContract, Precision, sha256_of
from rtau.errors import BackendUnavailable, ContractError
from rtau.strict_parser import StrictParser

SUFFIX = ".engine"
# Increased when a field changes its meaning; other schemas are refused.
SCHEMA = 1
# First compute capability for engines that TensorRT for RTX builds for no particular GPU (its guide
# to CPU-only builds).
PORTABLE_FROM = (8, 0)

Library = Literal["tensorrt", "tensorrt_rtx"]


@dataclasses.dataclass(frozen=True, slots=True)
class Gpu:
    """The properties of a GPU that an engine depends on."""

    name: str
    """The driver's name for it: `Orin`, `NVIDIA GeForce RTX 3060`."""
    compute_capability: str
    """`8.7`."""

    def __str__(self) -> str:
        return f"{self.name} (sm_{self.compute_capability.replace('.', '')})"


@dataclasses.dataclass(frozen=True, slots=True)
class EngineBuild:
    """How an engine file was built, which determines where it runs."""

    library: Library
    """Python module that built it and must run it."""
    version: str
    """Version of that module; plans of another one are refused."""
    platform: str
    """Operating system and processor: `linux-aarch64`."""
    gpu: str | None
    """Name of the GPU it was tuned on; None when built for compute capabilities alone."""
    compute_capabilities: tuple[str, ...]
    """Those it was built for; empty for all from 8.0 on (TensorRT for RTX only)."""
    precision: Precision
    """Requested precision."""
    typing: Literal["strong", "weak"]
    """strong: types as in the ONNX file. weak: TensorRT 10 chose per layer under its flags."""
    batch: tuple[int, int, int]
    """Minimum, optimum and maximum rows per call."""
    onnx: str
    """File name of the ONNX file it was built from."""
    onnx_sha256: str
    """SHA-256 of that file."""
    engine_sha256: str
    """SHA-256 of the engine file."""
    without_cams: str | None = None
    """File name of the CAM-less variant in the same folder; None when there is none."""

    def __post_init__(self) -> None:
        least, best, greatest = self.batch
        if not 1 <= least <= best <= greatest:
            raise ContractError(
                f"batch must be least, best and greatest rows in order, got {self.batch}"
            )
        if self.without_cams is not None and Path(self.without_cams).name != self.without_cams:
            raise ContractError(
                f"without_cams must be a file name in the same folder, got {self.without_cams!r}"
            )

    @property
    def remedy(self) -> str:
        """The command that rebuilds the engine, for error messages."""
        rows = ",".join(map(str, dict.fromkeys(self.batch)))
        return (
            f"build it on this machine: rtau-export engine {self.onnx} "
            f"--precision {self.precision} --batch {rows}"
        )

    @property
    def runs_on(self) -> str:
        """Library and GPU the engine needs, as text."""
        generations = ", ".join(f"sm_{one.replace('.', '')}" for one in self.compute_capabilities)
        where = self.gpu or generations or "any RTX GPU from sm_80 on"
        return f"{self.library} {self.version} on {where}"


def this_platform() -> str:
    """Returns operating system and processor, as in `EngineBuild.platform`."""
    return f"{sys.platform}-{platform.machine()}"


def sidecar_path(engine: Path) -> Path:
    """Returns the path of an engine's JSON, `NAME.engine.json`; `NAME.json` is the ONNX file's."""
    return engine.with_name(engine.name + ".json")


def sidecar_text(contract: ModelContract, build: EngineBuild) -> str:
    """Returns the JSON that belongs beside an engine file."""
    payload = {
        "schema": SCHEMA,
        "contract": json.loads(contract.to_json()),
        "build": dataclasses.asdict(build),
    }
    return json.dumps(payload, indent=2) + "\n"


def read_sidecar(engine: Path) -> tuple[ModelContract, EngineBuild]:
    """Returns the contract and the build record of an engine file.

    Raises:
        ContractError: the JSON is missing, broken, or not what this version writes.
    """
    path = sidecar_path(engine)
    payload = _read_json(path)
    if payload.get("schema") != SCHEMA or set(payload) != {"schema", "contract", "build"}:
        raise ContractError(
            f"{path}: must hold schema {SCHEMA}, contract and build, got {sorted(payload)} of "
            f"schema {payload.get('schema')!r}; build the engine again with `rtau-export engine`"
        )
    contract = ModelContract.from_json(json.dumps(payload["contract"]), origin=str(path))
    try:
        build = StrictParser(error=ContractError).parse(EngineBuild, payload["build"], path="build")
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None
    return contract, build


def check_file(engine: Path, build: EngineBuild) -> None:
    """Raises ContractError unless the file is, byte for byte, the one the JSON describes."""
    try:
        found = sha256_of(engine)
    except OSError as error:
        raise ContractError(f"{engine}: cannot be read ({error.strerror})") from None
    if found != build.engine_sha256:
        raise ContractError(
            f"{engine}: SHA-256 must be {build.engine_sha256[:12]}... as in "
            f"{sidecar_path(engine).name}, got {found[:12]}...: the file is damaged or not the one "
            f"that was built; {build.remedy}"
        )


def check_machine(engine: Path, build: EngineBuild, *, version: str, gpu: Gpu) -> None:
    """Raises BackendUnavailable unless this library version, processor and GPU can run the engine.

    Args:
        engine: the file, for the message.
        build: how it was built.
        version: version of the installed `build.library`.
        gpu: the GPU of this machine.
    """
    if version != build.version:
        wanted, got = f"{build.library} {build.version}", version
    elif build.gpu is not None and build.platform != this_platform():
        wanted, got = build.platform, this_platform()
    elif build.gpu is not None and build.gpu != gpu.name:
        wanted, got = f"the GPU {build.gpu}", str(gpu)
    elif not _generation_fits(build, gpu):
        listed = ", ".join(build.compute_capabilities) or "8.0 or newer"
        wanted, got = f"a GPU of compute capability {listed}", str(gpu)
    else:
        return
    raise BackendUnavailable(
        f"{engine}: was built for {wanted}, this machine has {got}; {build.remedy}"
    )


def _generation_fits(build: EngineBuild, gpu: Gpu) -> bool:
    if build.compute_capabilities:
        return gpu.compute_capability in build.compute_capabilities
    major, _, minor = gpu.compute_capability.partition(".")
    return (int(major), int(minor)) >= PORTABLE_FROM


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_JSON_BYTES + 1)
        if len(raw) > MAX_JSON_BYTES:
            raise ContractError(f"{path}: an engine's JSON must be under 1 MiB")
        payload = json.loads(raw.decode("utf-8"))
    except OSError as error:
        raise ContractError(
            f"{path}: the engine's contract cannot be read ({error.strerror}); keep the JSON that "
            "`rtau-export engine` wrote beside the engine"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{path}: is not JSON ({error})") from None
    if not isinstance(payload, dict):
        raise ContractError(f"{path}: must hold a JSON object")
    return payload
