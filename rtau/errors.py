"""The few errors rtau raises on purpose; each is also a builtin error.

The text of every one says what was wrong, what was expected, what came and what to do.
The command line prints that text as one line and turns `exit_code` into the process's status;
anything that is not an `RtauError` is a bug and keeps its traceback.
"""


class RtauError(Exception):
    """Base of every error a user can meet; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(RtauError, ValueError):
    """The request contradicts itself or names something that does not exist."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file or a flag holds a key or a value that is not allowed."""


class SourceOpenError(RtauError, OSError):
    """A source could not be opened at all."""


class SourceError(RtauError, OSError):
    """A source that was open stopped giving frames before its end."""


class DetectorError(RtauError, RuntimeError):
    """A detector could not be built or failed on a frame."""


class ContractError(RtauError, ValueError):
    """A model's contract is missing, malformed, or not the one that was expected."""


class BackendUnavailable(RtauError, ImportError):  # noqa: N818 - a state, named as one says it
    """The library behind a backend, or the provider asked of it, is not on this machine."""


class EngineError(RtauError, RuntimeError):
    """An engine failed on a batch or returned values that are not finite."""


class SinkError(RtauError, OSError):
    """A sink could not take a result: full disk, missing codec, no display."""
