"""What belongs to the repository: tracked files and new ones git does not ignore."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What is built, downloaded or kept by tools; only asked where git cannot tell.
NOT_OURS = {".git", ".venv", ".nox", "build", "dist", "out", "runs", "__pycache__"}


def _from_git() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def repository_files() -> list[Path]:
    """Returns every file that is or could be committed; in an unpacked archive, every file."""
    if (ROOT / ".git").exists():
        files = _from_git()
    else:
        files = [p for p in ROOT.rglob("*") if not NOT_OURS & set(p.relative_to(ROOT).parts)]
    return sorted(path for path in files if path.is_file())


FILES = repository_files()
PYTHON_FILES = [path for path in FILES if path.suffix == ".py"]
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
