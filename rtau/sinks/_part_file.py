"""The file an output is written to until it is whole: `out.part.csv` beside `out.csv`.

The output of an earlier run stays as it is until the new one takes its place, whatever ends the run
in between. A lock of the operating system, which ends with its process, keeps two runs from writing
one output.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from rtau.errors import SinkError, UsageError
from rtau.replacing import beside, real_target


class PartFile:
    """The claim of one run on one output.

    A pipe or a device is written directly: `path` is then the target, and nothing is locked.
    """

    def __init__(self, target: Path) -> None:
        """Claims the output; its directory must exist.

        Raises:
            UsageError: another run is writing it.
            SinkError: the directory cannot be written.
        """
        self.target = real_target(target)
        self.replaces = self.target.is_file()
        self.path = self.target
        self.leftovers: list[Path] = []
        """Files that runs which were killed or cut short left under temporary names."""
        self._lock: FileLock | None = None
        self._is_shown = False
        if self.replaces or not self.target.exists():
            self._lock = FileLock(target)
            # Under the lock, a part that is there is what a killed run left.
            for number in itertools.count(1):
                self.path = self._part(number)
                if not os.path.lexists(self.path):
                    break
                self.leftovers.append(self.path)

    def create(self) -> None:
        """Creates the part of a text file, and shows it under its final name if that is free.

        The lines of a first result can then be followed while they are written.
        """
        if self.path == self.target:
            return
        self.path.touch()
        if not self.replaces:
            # Some file systems have no hard links.
            with contextlib.suppress(OSError):
                os.link(self.path, self.target)
                self._is_shown = True

    def place(self) -> None:
        """Puts the file in its place; nothing happens if none was written.

        Raises:
            SinkError: it cannot be put there; it is kept under its temporary name.
        """
        if self.path == self.target or not self.path.exists():
            return
        try:
            if self._is_shown and self.target.exists() and self.path.samefile(self.target):
                self.path.unlink()  # renaming one of two links to the other does nothing
                return
            with contextlib.suppress(OSError):  # no earlier file, or no permission
                shutil.copymode(self.target, self.path)
            self.path.replace(self.target)
        except OSError as error:
            raise SinkError(
                f"{self.path} cannot be renamed to {self.target.name} "
                f"({error.strerror or error}); the results are whole in {self.path}"
            ) from error

    def discard(self) -> None:
        """Removes what was written."""
        if self.path == self.target:
            return
        with contextlib.suppress(OSError):
            if self._is_shown and self.path.samefile(self.target):
                self.target.unlink()
            self.path.unlink()

    def release(self) -> None:
        """Ends the claim; may be called twice."""
        if self._lock is not None:
            self._lock.close()

    def _part(self, number: int) -> Path:
        return beside(self.target, f".part{'' if number == 1 else number}{self.target.suffix}")


class FileLock:
    """A lock on an output: a hidden file beside it or in a folder, locked by the system."""

    def __init__(self, target: Path) -> None:
        """Takes the lock.

        Raises:
            UsageError: another run holds it.
            SinkError: the directory cannot be written.
        """
        path = Path(os.path.realpath(target))
        if path.is_dir():
            self._path = path / ".rtau.lock"
        else:
            self._path = beside(path, f"{path.suffix}.lock", hidden=True)
        self._file: BinaryIO | None = None
        try:
            while self._file is None:
                self._file = self._locked()
        except BlockingIOError:
            raise UsageError(
                f"output {target} is being written by another run; wait for it or choose another "
                "name"
            ) from None
        except OSError as error:
            raise SinkError(
                f"{target} cannot be written ({error.strerror or error}); choose another place"
            ) from error

    def close(self) -> None:
        """Ends the lock; may be called twice."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._file.close()
            self._file = None

    def _locked(self) -> BinaryIO | None:
        """Returns the locked file; None if the run that held it removed it in the meantime."""
        file = self._path.open("ab")
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()
        return None


def _lock(file: BinaryIO) -> None:
    """Locks a file for this process by what its system has for that.

    Raises:
        BlockingIOError: another process holds the lock.
    """
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:  # Windows, where a lock that is held is a PermissionError
        msvcrt = importlib.import_module("msvcrt")
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
