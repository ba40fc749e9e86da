"""Messages of a run on standard error: its own lines, and the warnings of the process."""

from __future__ import annotations

import logging
import sys


def say(line: str) -> None:
    """Prints one line on standard error, prefixed with the name of the command."""
    print(f"rtau: {line}", file=sys.stderr)  # noqa: T201 - a message to the user


def log_to_stderr() -> None:
    """Prints warnings of this process on standard error, formatted like the command's own lines."""
    logging.basicConfig(level=logging.WARNING, format="rtau: %(message)s", stream=sys.stderr)


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 frame`, `2 processes`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
