"""The `rtau` command: parses arguments, runs a verb, returns an exit code.

Imports only the module of the chosen verb, and prints every expected error as one line. Exit codes:
0 done, 1 failed, 2 usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from rtau.cli.parser import build_parser
from rtau.cli.system_libraries import explain_import_error
from rtau.errors import RtauError
from rtau.runs.interrupts import INTERRUPTED, raising_keyboard_interrupt
from rtau.runs.log import log_to_stderr


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of one command."""
    args = build_parser().parse_args(argv)
    log_to_stderr()
    try:
        with raising_keyboard_interrupt():
            verb = importlib.import_module(f"rtau.cli.{args.verb}")
            return int(verb.run(args))
    except RtauError as error:
        print(f"rtau: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("rtau: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of standard output has closed it (`rtau ... | head`), which is no error.
        # Standard output is replaced so that Python's flush at exit does not raise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ImportError as error:
        line = explain_import_error(error)
        if line is None:
            raise
        print(f"rtau: {line}", file=sys.stderr)
        return 1
