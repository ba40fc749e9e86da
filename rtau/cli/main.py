"""The `rtau` command: parses arguments, runs a verb, returns an exit code.

Imports only the module of the chosen verb, and prints every expected error as one line. Exit codes:
0 done, 1 failed, 2 usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Sequence

from rtau.cli import streams
from rtau.cli.parser import build_parser
from rtau.errors import RtauError, SourceOpenError
from rtau.runs.interrupts import INTERRUPTED, raising_keyboard_interrupt
from rtau.runs.log import choose_messages, log_to_stderr, say


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of one command."""
    streams.prepare()
    args = build_parser().parse_args(argv)
    choose_messages(verbose=args.verbose)
    log_to_stderr()
    try:
        with raising_keyboard_interrupt():
            code = _run(args)
    except RtauError as error:
        say(str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        code = INTERRUPTED
    fault = streams.stdout_fault()
    # The reader of standard output may close it (`rtau ... | head`), which is no error.
    if fault is not None and not isinstance(fault, BrokenPipeError) and code == 0:
        say(f"standard output cannot be written ({fault.strerror})")
        return 1
    return code


def _run(args: argparse.Namespace) -> int:
    """Runs the verb; returns its exit code.

    Raises:
        RtauError: what ended it.
    """
    try:
        return int(importlib.import_module(f"rtau.cli.{args.verb}").run(args))
    except RtauError:
        raise
    except BrokenPipeError:
        return 0
    except ImportError as error:
        from rtau.cli.system_libraries import (  # noqa: PLC0415 - 40 ms, and rarely needed
            explain_import_error,
        )

        line = explain_import_error(error)
        if line is None:
            raise
        say(line)
        return 1
    except OSError as error:
        if error.filename is not None:  # such as a folder that may not be entered
            name = os.fsdecode(error.filename)
            raise SourceOpenError(
                f"{name}: cannot be opened ({error.strerror}); check the path"
            ) from error
        if error.errno in streams.FULL:
            streams.stdout_fault()
            say(f"standard output cannot be written ({error.strerror})")
            return 1
        raise
