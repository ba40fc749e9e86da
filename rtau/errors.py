"""The errors rtau raises for its users; each is also a builtin error.

Each message says what was wrong, what was expected, what was given and what to do next. The command
line prints it as one line and exits with `exit_code`; any other error is a bug and keeps its
traceback.
"""


class RtauError(Exception):
    """Base of all errors for users; `exit_code` is the command line's exit status."""

    exit_code = 1


class UsageError(RtauError, ValueError):
    """The request contradicts itself or names something that does not exist."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file or a flag holds a key or a value that is not allowed."""


class SourceOpenError(RtauError, OSError):
    """A source could not be opened."""


class SourceError(RtauError, OSError):
    """An open source failed before its end."""


class DetectorError(RtauError, RuntimeError):
    """A detector could not be built or failed on a frame."""


class ContractError(RtauError, ValueError):
    """A model's contract is missing, malformed, or not the one that was expected."""


class BackendUnavailable(RtauError, ImportError):  # noqa: N818 - it names a state
    """The library behind a backend, or the provider asked of it, is not on this machine."""


class EngineError(RtauError, RuntimeError):
    """An engine failed on a batch or returned values that are not finite."""


class SinkError(RtauError, OSError):
    """A sink could not write a result: full disk, missing codec, no display."""


def one_line(message: object) -> str:
    """Returns the message of a library on one line, at most 300 characters."""
    return " ".join(str(message).split())[:300]
