"""Turns plain values, as TOML and JSON hold them, into the frozen records they describe.

Every key is checked: an unknown one is an error that suggests the nearest, a wrong type names
what was expected. Knows no record in particular; called by the recipe and by what is read from
files.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from typing import Any, Literal, TypeVar

from rtau.errors import ConfigError

Record = TypeVar("Record")


def record_from(kind: type[Record], payload: Any, /, *, place: str = "") -> Record:
    """Returns the record that a table of plain values describes.

    Args:
        kind: a dataclass; nested dataclasses are nested tables.
        payload: the table.
        place: where it stands, `fit.`; put before the names of keys in errors.

    Raises:
        ConfigError: a key is missing or unknown, or a value has the wrong type.
    """
    if not isinstance(payload, dict):
        raise ConfigError(f"{place or 'the file'} must be a table, got {type(payload).__name__}")
    hints = typing.get_type_hints(kind)
    for key in payload:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(hints)}"
            raise ConfigError(f"unknown key {place}{key}{hint}")
    missing = [
        field.name
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.name not in payload
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"missing key {place}{missing[0]}")
    return kind(**{key: _value(payload[key], hints[key], place + key) for key in payload})


def _value(value: Any, hint: Any, place: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return record_from(hint, value, place=place + ".")
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        wanted = next(part for part in inside if part is not type(None))
        return None if value is None else _value(value, wanted, place)
    if origin is tuple:
        return _tuple(value, inside, place)
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{place} must be a table, got {type(value).__name__}")
        return {key: _value(item, inside[1], f"{place}.{key}") for key, item in value.items()}
    if hint is Any:
        return value
    return _literal(value, inside, place) if origin is Literal else _scalar(value, hint, place)


def _literal(value: Any, allowed: tuple[Any, ...], place: str) -> Any:
    if value not in allowed:
        known = ", ".join(map(str, allowed))
        raise ConfigError(f"{place} must be one of {known}, got {value!r}")
    return value


def _scalar(value: Any, hint: Any, place: str) -> Any:
    if hint is float and value is None:
        return float("nan")  # as JSON files hold it
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{place} must be {hint.__name__}, got {type(value).__name__}")
    return value


def _tuple(value: Any, inside: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{place} must be a list, got {type(value).__name__}")
    if inside[-1] is not Ellipsis and len(value) != len(inside):
        raise ConfigError(f"{place} must have {len(inside)} values, got {len(value)}")
    kinds = [inside[0]] * len(value) if inside[-1] is Ellipsis else inside
    return tuple(
        _value(item, kind, f"{place}[{k}]")
        for k, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )
