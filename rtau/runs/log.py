"""What a run says on standard error: its own lines, and the warnings of the process."""

from __future__ import annotations

import logging
import sys


def say(words: str) -> None:
    """Prints one line on standard error, in the name of the command."""
    print(f"rtau: {words}", file=sys.stderr)  # noqa: T201 - what a run tells its user


def log_to_stderr() -> None:
    """Sends warnings of this process to standard error, in the form of the command's own lines."""
    logging.basicConfig(level=logging.WARNING, format="rtau: %(message)s", stream=sys.stderr)
