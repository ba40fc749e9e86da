"""Helpers of the records in `rtau.data`: array checks, read-only views, a repr with shapes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt


def check_array(name: str, array: Any, *, dtype: type, shape: tuple[int | str, ...]) -> None:
    """Raises unless the value is an array of the dtype and a shape that fits the pattern."""
    # Called for every record of every frame: the message is built only for an error.
    if isinstance(array, np.ndarray) and array.dtype == dtype and _is_like(array.shape, shape):
        return
    wanted = f"{name} must be {np.dtype(dtype).name} ({', '.join(map(str, shape))})"
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{wanted}, got {type(array).__name__}")
    raise ValueError(f"{wanted}, got {array.dtype.name} {array.shape}")


def _is_like(shape: tuple[int, ...], pattern: tuple[int | str, ...]) -> bool:
    """True if a shape matches a pattern, in which a name matches any size."""
    if len(shape) != len(pattern):
        return False
    for have, want in zip(shape, pattern, strict=True):
        if have != want and not isinstance(want, str):
            return False
    return True


def is_finite(array: npt.NDArray[np.float32]) -> bool:
    """True where no value is NaN or infinite."""
    # For a few numbers, counting takes a third of the time of `all`, which calls into Python.
    return bool(np.count_nonzero(np.isfinite(array)) == array.size)


def is_every_row(rows: npt.NDArray[Any], count: int) -> bool:
    """True if a mask or an index array selects all `count` rows, in order."""
    if rows.shape != (count,):
        return False
    if rows.dtype == np.bool_:
        return bool(np.count_nonzero(rows) == count)
    return bool(rows.tolist() == list(range(count)))


def freeze(record: Any, field: str) -> None:
    """Replaces an array field by a read-only view.

    The underlying buffer stays writable for whoever has another reference to it.
    """
    view = getattr(record, field).view()
    view.setflags(write=False)
    object.__setattr__(record, field, view)


def shapes(record: Any) -> str:
    parts = []
    for field in (one for one in dataclasses.fields(record) if one.repr):
        value = getattr(record, field.name)
        shown = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        parts.append(f"{field.name}={shown}")
    return f"{type(record).__name__}({', '.join(parts)})"
