"""Opens media files and streams with PyAV, in one way for their pictures and for their sound.

Decodes nothing and explains no error. Called by the sources, and by the mp4 sink for the sound.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer

log = logging.getLogger(__name__)

# A playlist in disguise may not reach out to other places.
LOCAL_OPTIONS = {"protocol_whitelist": "file"}
# Titles in another encoding than UTF-8 must not keep a file from opening. PyAV 19 replaces such
# letters by itself and has no option for it; before, the default was to fail.
_LENIENT: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
)


def file_address(path: Path) -> str:
    """Returns what FFmpeg opens for a file, whatever its name looks like."""
    return f"file:{path}"


def open_media(
    address: str,
    *,
    options: Mapping[str, str],
    timeouts_s: tuple[float, float] | None = None,
) -> InputContainer:
    """Returns the open container; the caller closes it.

    Args:
        address: as in `MediaOrigin`.
        options: FFmpeg's options.
        timeouts_s: longest waits for opening and for reading, seconds; None: no limit.

    Raises:
        av.FFmpegError, OSError, ValueError: it cannot be opened.
    """
    if log.isEnabledFor(logging.INFO):  # PyAV passes FFmpeg's messages on to `logging`
        av.logging.set_level(av.logging.WARNING)
    opened = av.open(address, options=dict(options), timeout=timeouts_s, **_LENIENT)
    return cast(InputContainer, opened)
