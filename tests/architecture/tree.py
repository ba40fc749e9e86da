"""What belongs to the repository: tracked files and new ones git does not ignore."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What is built or kept by tools, beside hidden folders; only asked where git cannot tell.
NOT_OURS = {"build", "dist", "out", "runs", "__pycache__", "rtau.egg-info"}
HIDDEN_BUT_OURS = {".ci", ".github"}


def _from_git() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def _is_ours(path: Path) -> bool:
    folders = set(path.relative_to(ROOT).parts[:-1])
    hidden = {name for name in folders if name.startswith(".")} - HIDDEN_BUT_OURS
    return not hidden and not folders & NOT_OURS


def repository_files() -> list[Path]:
    """Returns every file that is or could be committed; in an unpacked archive, every file."""
    in_git = (ROOT / ".git").exists()
    files = _from_git() if in_git else [path for path in ROOT.rglob("*") if _is_ours(path)]
    return sorted(path for path in files if path.is_file())


FILES = repository_files()
PYTHON_FILES = [path for path in FILES if path.suffix == ".py"]
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
