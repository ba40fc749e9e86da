"""What is known of an `.engine` file before it is opened: its contract and how it was built.

TensorRT's plan files say nothing a person can read, are code for one GPU and one library version,
and must not be deserialised anywhere else. So a JSON file `NAME.engine.json` lies beside each, and
all checks are made on it first. `rtau-export engine` writes it, the TensorRT backend reads it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import sys
from pathlib import Path
from typing import Any, Literal

from rtau.contract import MAX_JSON_BYTES, ModelContract, Precision
from rtau.errors import BackendUnavailable, ContractError
from rtau.strict_parser import StrictParser

SUFFIX = ".engine"
# Raised when a field changes its meaning; other schemas are refused.
SCHEMA = 1
# The first GPU generation that runs an engine of TensorRT for RTX built for no GPU in particular
# (its guide to CPU-only builds).
PORTABLE_FROM = (8, 0)
HASH_BLOCK_BYTES = 1 << 20

Library = Literal["tensorrt", "tensorrt_rtx"]


@dataclasses.dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as TensorRT tells them apart."""

    name: str
    """Name the driver gives: `Orin`, `NVIDIA GeForce RTX 3060`."""
    compute_capability: str
    """Generation of its instructions: `8.7`."""

    def __str__(self) -> str:
        return f"{self.name} (sm_{self.compute_capability.replace('.', '')})"


@dataclasses.dataclass(frozen=True, slots=True)
class EngineBuild:
    """How an engine file was made, and so where it runs."""

    library: Library
    """Python module that built it and must run it."""
    version: str
    """Version of that module; plans of another one are refused."""
    platform: str
    """Operating system and processor: `linux-aarch64`."""
    gpu: str | None
    """Name of the GPU it was tuned on; None when built ahead of time for a generation."""
    compute_capabilities: tuple[str, ...]
    """Generations it was built for; none: every one from 8.0 on (TensorRT for RTX only)."""
    precision: Precision
    """Precision that was asked for."""
    typing: Literal["strong", "weak"]
    """strong: types as in the ONNX file. weak: TensorRT 10 chose per layer under its flags."""
    batch: tuple[int, int, int]
    """Least, best and greatest number of rows in one call."""
    onnx: str
    """File name of the ONNX file it was built from."""
    onnx_sha256: str
    """SHA-256 of that file."""
    engine_sha256: str
    """SHA-256 of the engine file."""
    without_cams: str | None = None
    """File name of the twin without CAMs, beside this one; None when there is none."""

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
        """The command that builds the engine again, on the machine that is to run it."""
        rows = ",".join(map(str, dict.fromkeys(self.batch)))
        return (
            f"build it on this machine: rtau-export engine {self.onnx} "
            f"--precision {self.precision} --batch {rows}"
        )

    @property
    def runs_on(self) -> str:
        """Library and GPU the engine needs, for people."""
        generations = ", ".join(f"sm_{one.replace('.', '')}" for one in self.compute_capabilities)
        where = self.gpu or generations or "any RTX GPU from sm_80 on"
        return f"{self.library} {self.version} on {where}"


def this_platform() -> str:
    """Returns the operating system and the processor, as engines record them."""
    return f"{sys.platform}-{platform.machine()}"


def sidecar_path(engine: Path) -> Path:
    """Returns where an engine's JSON lies: `NAME.engine.json`; `NAME.json` is the ONNX file's."""
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
    """Returns the contract and the build facts of an engine file.

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
        found = file_sha256(engine)
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
        engine: the file, for the text.
        build: how it was made.
        version: version of the installed `build.library`.
        gpu: the GPU that is to run it.
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


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


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
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ContractError(f"{path}: is not JSON ({error})") from None
    if not isinstance(payload, dict):
        raise ContractError(f"{path}: must hold a JSON object")
    return payload
