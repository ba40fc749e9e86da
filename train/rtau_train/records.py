"""Frozen records in JSON files: NaN becomes null, and what cannot be read is one clear line.

The values themselves are checked by `rtau.strict_parser`; this adds files. Called by the
records that are kept in files: figures, studies and published tables.
"""

from __future__ import annotations

import dataclasses
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any, TypeVar

from rtau.errors import SourceOpenError
from rtau.strict_parser import StrictParser
from rtau_train.whole_file import write_whole

Record = TypeVar("Record")
PARSER = StrictParser(null_is_nan=True)
# What numpy raises for an .npz file that is missing, damaged or something else.
BROKEN_NPZ = (
    *(OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error),
    RuntimeError,  # members that are said to be encrypted or patched
)


def portable(path: Path, /) -> str:
    """Returns a path as a record may hold it: from the current folder down, else its name alone.

    So that a record that is published says nothing of the machine it was made on.
    """
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.resolve().name


def plain(value: Any, /) -> Any:
    """Returns dicts, lists, text and numbers that JSON can hold; a NaN becomes None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def as_json(value: Any, /) -> str:
    """Returns a record as indented JSON that ends in a line break."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any, /) -> None:
    """Writes a record as JSON, whole or not at all."""
    write_whole(path, as_json(value))


def from_plain(kind: type[Record], payload: Any, /, *, origin: str) -> Record:
    """Returns the record that plain values describe; `origin` names the file in errors.

    Raises:
        SourceOpenError: a key is missing or unknown, or a value has the wrong type or is refused.
    """
    try:
        return PARSER.parse(kind, payload)
    except ValueError as error:
        raise SourceOpenError(f"{origin}: {error}") from None


def read_json(path: Path, /, *, hint: str) -> Any:
    """Returns what a JSON file holds; `hint` tells who writes it.

    Raises:
        SourceOpenError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceOpenError(f"{path} cannot be read ({error.strerror}); {hint}") from None
    except (ValueError, RecursionError) as error:  # undecodable text, or nested too deeply
        raise SourceOpenError(f"{path} is not JSON ({error}); {hint}") from None
