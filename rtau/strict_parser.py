"""Turns the plain values of a JSON or TOML file into frozen dataclasses, and checks every key.

Knows no record in particular and opens no file. Settings, contracts, benchmark records and the
records of training are read with it.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from rtau.errors import ConfigError, RtauError

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True, slots=True)
class StrictParser:
    """Parses tables of plain values; every error gives the path of the key, wanted and got."""

    error: type[RtauError] = ConfigError
    """What is raised."""
    null_is_nan: bool = False
    """Whether null, where a number is wanted, is NaN: JSON has no NaN."""
    name_of: Callable[[str], str] = str
    """Turns a path such as `fit.epochs` into its name in errors."""

    def parse(self, kind: type[Record], payload: Any, /, *, path: str = "") -> Record:
        """Returns the record that a table describes; nested dataclasses are nested tables.

        A field may limit its number by `low` and `high` in its metadata, both included.

        Args:
            kind: the dataclass.
            payload: the table.
            path: path of the table in its file; empty for the whole file.

        Raises:
            RtauError: of the type `error`. A key is missing or unknown, or a value has the wrong
                type or lies outside of its limits.
        """
        if not isinstance(payload, dict):
            raise self._wrong(path or "the file", "a table", _got(payload))
        hints = typing.get_type_hints(kind)
        below = f"{path}." if path else ""
        if unknown := [key for key in payload if key not in hints]:
            hint = _suggestion(unknown[0], kind, below)
            raise self.error(f"unknown key {below}{unknown[0]}; {hint}")
        values = {}
        for field in dataclasses.fields(kind):  # type: ignore[arg-type] # a dataclass
            where = below + field.name
            if field.name in payload:
                value = self._value(payload[field.name], hints[field.name], where)
                values[field.name] = self._within(value, field.metadata, where)
            elif field.default is field.default_factory is dataclasses.MISSING:
                raise self.error(f"missing key {where}")
        return kind(**values)

    def _value(self, value: Any, hint: Any, path: str) -> Any:
        origin, inside = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any or (value is None and type(None) in inside):
            return value
        if origin in (typing.Union, types.UnionType):
            return self._value(value, next(one for one in inside if one is not type(None)), path)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.parse(hint, value, path=path)
        if origin is Literal:
            if value not in inside:
                raise self._wrong(path, f"one of {', '.join(map(str, inside))}", repr(value))
            return value
        if origin in (dict, tuple):
            parse = self._dict if origin is dict else self._tuple
            return parse(value, inside, path)
        return self._scalar(value, hint, path)

    def _dict(self, value: Any, inside: tuple[Any, ...], path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(path, "a table", _got(value))
        return {key: self._value(one, inside[1], f"{path}.{key}") for key, one in value.items()}

    def _tuple(self, value: Any, inside: tuple[Any, ...], path: str) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise self._wrong(path, "a list", _got(value))
        kinds = [inside[0]] * len(value) if inside[-1] is Ellipsis else inside
        if len(value) != len(kinds):
            raise self.error(
                f"{self.name_of(path)} must have {len(kinds)} values, got {len(value)}"
            )
        pairs = enumerate(zip(value, kinds, strict=True))
        return tuple(self._value(one, kind, f"{path}[{index}]") for index, (one, kind) in pairs)

    def _scalar(self, value: Any, hint: Any, path: str) -> Any:
        if hint is float and value is None and self.null_is_nan:
            return math.nan
        is_bool = isinstance(value, bool)
        if hint is float and isinstance(value, int) and not is_bool:
            try:
                return float(value)
            except OverflowError:
                raise self._wrong(path, "a number below 1e308", "a longer one") from None
        if hint is Path and isinstance(value, str):
            return Path(value)
        if not isinstance(value, hint) or (is_bool and hint is not bool):
            raise self._wrong(path, hint.__name__, _got(value))
        return value

    def _within(self, value: Any, limits: typing.Mapping[str, Any], path: str) -> Any:
        low, high = (limits.get(name) for name in ("low", "high"))
        if isinstance(value, (int, float)) and (low, high) != (None, None):
            low, high = -math.inf if low is None else low, math.inf if high is None else high
            if not low <= value <= high:  # written so that NaN fails too
                raise self._wrong(path, f"in [{low:g}, {high:g}]", str(value), verb="lie")
        return value

    def _wrong(self, path: str, wanted: str, got: str, *, verb: str = "be") -> RtauError:
        return self.error(f"{self.name_of(path)} must {verb} {wanted}, got {got}")


def _got(value: Any) -> str:
    """Returns type and value for an error; of a long value the type only."""
    if value is None:
        return "null"
    name = type(value).__name__
    return f"{name} {value!r}" if isinstance(value, (str, int, float)) else name


def _suggestion(key: str, kind: type, below: str) -> str:
    """Returns the nearest key of the table or of a table in it; all keys where none is near."""
    known = list(_keys(kind))
    near = difflib.get_close_matches(key, [one.rpartition(".")[2] for one in known], n=1)
    for one in known:
        if near and one.rpartition(".")[2] == near[0]:
            return f"did you mean {below}{one}?"
    return f"known: {', '.join(known)}"


def _keys(kind: type, below: str = "") -> Iterator[str]:
    """Yields the paths of the fields of a record, then of the records in it."""
    hints = typing.get_type_hints(kind)
    yield from (below + name for name in hints)
    for name, hint in hints.items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _keys(hint, f"{below}{name}.")
