"""Engines that were built before, and the timings TensorRT made for them, on this machine.

An entry's key holds everything an engine depends on, so an entry is right or absent, never stale. A
lock per entry lets two builds of one engine run as one. Called by `rtau_export.engine`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

# Raised when the builder changes what it makes of the same inputs.
BUILDER_REVISION = 1


@dataclasses.dataclass(frozen=True, slots=True)
class EngineKey:
    """Everything an engine depends on."""

    onnx_sha256: str
    """SHA-256 of the very bytes that are parsed."""
    library: str
    """`tensorrt 10.3.0`."""
    target: str
    """GPU name and generation, or the generations it is built ahead for."""
    precision: str
    """Precision and how it is reached."""
    batch: tuple[int, int, int]
    """Least, best and greatest rows."""

    @property
    def digest(self) -> str:
        """SHA-256 over all of it: the entry's file name."""
        facts = {"revision": BUILDER_REVISION, **dataclasses.asdict(self)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class EngineCache:
    """A folder of built engines and timing caches."""

    def __init__(self, folder: Path) -> None:
        """Uses a folder; it is made when something is first kept."""
        self._folder = folder

    @classmethod
    def of_user(cls, environment: Mapping[str, str] = os.environ) -> EngineCache:
        """Returns the user's own: `$XDG_CACHE_HOME/rtau/engines`, by default under `~/.cache`."""
        home = environment.get("XDG_CACHE_HOME")
        return cls((Path(home) if home else Path.home() / ".cache") / "rtau" / "engines")

    def path(self, key: EngineKey) -> Path:
        """Returns where an engine is kept."""
        return self._folder / f"{key.digest}.engine"

    def timing_path(self, library: str, target: str) -> Path:
        """Returns where the timings for a TensorRT on a GPU are kept."""
        name = re.sub(r"[^\w.]+", "-", f"{library}-{target}").strip("-").lower()
        return self._folder / f"{name}.timing-cache"

    def read(self, key: EngineKey) -> bytes | None:
        """Returns a kept engine, or None."""
        return _read(self.path(key))

    def keep(self, key: EngineKey, plan: bytes) -> None:
        """Keeps an engine, at once or not at all."""
        write_whole(self.path(key), plan)

    @contextlib.contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """Holds the lock of a kept file: other processes wait here until it is let go.

        The lock is the kernel's and ends with the process that holds it, however that ends.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read_timings(self, path: Path) -> bytes:
        """Returns the timings kept in a file; none of them if there is no such file."""
        return _read(path) or b""


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader finds the old one or the whole new one, never a part.

    Raises:
        OSError: with the file's name: no such folder, no permission, no space.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)  # a temporary file is its owner's alone
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
