"""What commands wrote, searched for what must not be in it."""

from __future__ import annotations

from pathlib import Path


def naming(place: Path, folder: Path) -> list[str]:
    """Returns the files below a folder that hold the path of a place on this machine."""
    wanted = str(place).encode()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert files, f"{folder} is empty"
    return [path.relative_to(folder).as_posix() for path in files if wanted in path.read_bytes()]
