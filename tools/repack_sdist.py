"""Packs an sdist anew, so that two builds of one commit have the same bytes.

setuptools keeps the times and owners of the files, and gzip the time of packing; all become those
of SOURCE_DATE_EPOCH, as in the wheel. The session `wheel` of the noxfile runs it.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path


def repacked(packed: bytes, *, time_s: int) -> bytes:
    """Returns a tar.gz with the same files, in order of name, of one time and of no owner."""
    raw = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as old,
        tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, time_s
            plain.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(plain, old.extractfile(member) if member.isfile() else None)
    return gzip.compress(raw.getvalue(), mtime=time_s)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        time_s = int(os.environ["SOURCE_DATE_EPOCH"])
        path.write_bytes(repacked(path.read_bytes(), time_s=time_s))
