"""An unbuffered text output that always ends with a whole line: a file, or `-` for standard output.

A killed run loses no line it has written, and a pipe is live. If the disk is full in the middle
of a line, the file is truncated to the last whole line.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

from rtau.errors import SinkError
from rtau.protocols import StopRun
from rtau.sinks._output_path import STDOUT, check_output


class LineFile:
    """An open output that takes whole lines of text."""

    def __init__(self, path: Path | str, *, overwrite: bool = True) -> None:
        """Opens `path`, or a private handle on standard output for `-`.

        Raises:
            UsageError: the path is a directory, or exists and `overwrite` is False.
            SinkError: the file cannot be opened.
        """
        is_stdout = str(path) == STDOUT
        self.name = "stdout" if is_stdout else str(path)
        if not is_stdout:
            check_output(Path(path), overwrite=overwrite)
        try:
            self._raw = _own_stdout() if is_stdout else io.FileIO(path, "wb")
            # Redirected standard output may contain the text of others, so it is never truncated.
            self._can_truncate = not is_stdout and self._raw.seekable()
        except OSError as error:
            raise self._failure(error) from error
        self._whole_bytes = 0

    def write(self, lines: str) -> None:
        r"""Writes text that ends with `\n`, without buffering.

        Raises:
            SinkError: full disk and the like; the file then ends with a whole line.
            StopRun: the reader closed the pipe.
        """
        # surrogateescape writes file names that are not UTF-8 as their original bytes.
        unsent = memoryview(lines.encode("utf-8", errors="surrogateescape"))
        try:
            while unsent:
                sent = self._raw.write(unsent)
                unsent = unsent[sent or 0 :]
        except BrokenPipeError:
            self.close()
            raise StopRun(f"the reader of {self.name} closed it") from None
        except OSError as error:
            self._truncate_to_whole_lines()
            self.close()
            raise self._failure(error) from error
        if self._can_truncate:
            self._whole_bytes = self._raw.tell()

    def close(self) -> None:
        """Closes the handle; may be called twice."""
        self._raw.close()

    def _truncate_to_whole_lines(self) -> None:
        if self._can_truncate:
            # The write error is the one to report; a device that cannot be truncated keeps its end.
            with contextlib.suppress(OSError):
                self._raw.truncate(self._whole_bytes)

    def _failure(self, error: OSError) -> SinkError:
        return SinkError(
            f"{self.name} cannot be written ({error.strerror or error}); the lines before this "
            "are kept: free space or choose another place"
        )


def _own_stdout() -> io.FileIO:
    """Returns a separate handle on standard output.

    Closing it leaves `sys.stdout` open, and after a broken pipe the interpreter has no unsent text
    to write at exit.
    """
    sys.stdout.flush()
    return io.FileIO(os.dup(1), "wb")
