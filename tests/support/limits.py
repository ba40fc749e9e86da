"""A disk that is full: the kernel refuses to let any file grow past a size."""

from __future__ import annotations

import contextlib
import resource


@contextlib.contextmanager
def file_size_limit(size_bytes: int):
    """Lets no file of this process grow past `size_bytes` inside the block (writes fail, EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
