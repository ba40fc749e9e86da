"""Frozen dataclasses as plain JSON values and back: NaN becomes null, an unknown key is an error.

Knows how records are built, not what any of them means. Called by the records that are kept in
files: figures, studies and published tables.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

from rtau.errors import SourceOpenError

_Record = TypeVar("_Record")


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


def from_plain(kind: type[_Record], payload: Any, /, *, origin: str) -> _Record:
    """Returns the record that plain values describe; `origin` names the file in errors.

    A field with a default may be missing. A null is NaN where a number is due.

    Raises:
        SourceOpenError: a key is missing or unknown, or a value has the wrong type or is refused.
    """
    try:
        return typing.cast(_Record, _record(kind, payload, ""))
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
    except ValueError as error:  # undecodable text is one too
        raise SourceOpenError(f"{path} is not JSON ({error}); {hint}") from None


def _record(kind: type, payload: Any, place: str) -> Any:
    if not isinstance(payload, dict):
        raise _wrong(place or "the file", "hold keys", payload)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in payload:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(fields)}"
            raise ValueError(f"unknown key {_under(place, key)}{hint}")
    for key, field in fields.items():
        if key not in payload and _is_required(field):
            raise ValueError(f"missing key {_under(place, key)}")
    return kind(
        **{key: _value(item, hints[key], _under(place, key)) for key, item in payload.items()}
    )


def _under(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _value(value: Any, hint: Any, place: str) -> Any:
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, value, place)
    if origin in (types.UnionType, typing.Union):
        inside = next(kind for kind in typing.get_args(hint) if kind is not type(None))
        return None if value is None else _value(value, inside, place)
    if origin is tuple:
        return _tuple(value, typing.get_args(hint), place)
    if origin is dict:
        return _dict(value, typing.get_args(hint)[1], place)
    if origin is Literal:
        return _literal(value, typing.get_args(hint), place)
    return value if hint is Any else _scalar(value, hint, place)


def _dict(value: Any, inside: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(place, "hold keys", value)
    return {str(key): _value(item, inside, _under(place, key)) for key, item in value.items()}


def _literal(value: Any, allowed: tuple[Any, ...], place: str) -> Any:
    if value not in allowed:
        raise ValueError(f"{place} must be one of {', '.join(map(str, allowed))}, got {value!r}")
    return value


def _tuple(value: Any, inside: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(place, "be a list", value)
    if inside[-1] is not Ellipsis and len(value) != len(inside):
        raise ValueError(f"{place} must have {len(inside)} values, got {len(value)}")
    kinds = [inside[0]] * len(value) if inside[-1] is Ellipsis else inside
    return tuple(
        _value(item, kind, f"{place}[{k}]")
        for k, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )


def _scalar(value: Any, hint: Any, place: str) -> Any:
    is_bool = isinstance(value, bool)
    if hint is float and value is None:
        return float("nan")
    if hint is float and isinstance(value, int) and not is_bool:
        return float(value)
    if not isinstance(value, hint) or (is_bool and hint is not bool):
        raise _wrong(place, f"be {hint.__name__}", value)
    return value


def _wrong(place: str, words: str, got: Any) -> ValueError:
    return ValueError(f"{place} must {words}, got {type(got).__name__}")
