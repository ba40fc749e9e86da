"""Output files that take their place when they are whole; pipes and devices are written directly.

Everything that writes a file puts it in its place through this module, so that no output replaces
a device such as /dev/null, which a rename by root would.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from rtau.errors import SinkError

# Longest name of a file on the usual file systems, bytes.
LONGEST_NAME = 255


def is_special(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path is a pipe or a device: written to, never replaced or removed."""
    place = Path(path)
    return place.exists() and not (place.is_file() or place.is_dir())


def real_target(path: str | os.PathLike[str]) -> Path:
    """Returns the file that takes an output: where its links lead, so that no link is replaced.

    The links of a pipe or a device are left to the system: those of /dev/stdout lead to no name.
    """
    return Path(path) if is_special(path) else Path(os.path.realpath(path))


def beside(target: Path, ending: str, *, hidden: bool = False) -> Path:
    """Returns the path of a file that goes with another: the target's stem with another ending.

    A stem that would make the name too long is replaced by its hash.
    """
    name = f"{'.' if hidden else ''}{target.stem}{ending}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        short = hashlib.sha256(os.fsencode(target.stem)).hexdigest()[:16]
        name = f"{'.' if hidden else ''}{short}{ending[-16:]}"
    return target.with_name(name)


def part_of(target: Path) -> Path:
    """Returns where a file is written until it is whole; of a pipe or a device, itself."""
    return target if is_special(target) else beside(target, f"{target.suffix}.part", hidden=True)


def place(part: Path, target: Path) -> None:
    """Puts a file that is whole in its place.

    Raises:
        OSError: it cannot be put there.
    """
    if part != target:
        part.replace(target)


def discard(part: Path, target: Path) -> None:
    """Removes a part if there is one."""
    if part != target:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, name: str | None = None) -> Iterator[Path]:
    """Gives a file beside `path` to write to, which takes its place when the block ends well.

    Args:
        path: the output; a pipe or a device is given itself.
        name: of the output in an error; its path if None.

    Raises:
        SinkError: the file cannot be written.
    """
    target = real_target(path)
    part = part_of(target)
    try:
        yield part
        place(part, target)
    except OSError as error:
        raise SinkError(not_written(name or path, error)) from error
    finally:
        discard(part, target)


def not_written(name: str | os.PathLike[str], error: OSError) -> str:
    """Returns the words for an output that cannot be written."""
    return (
        f"{name} cannot be written ({error.strerror or error}); free space or choose another place"
    )
