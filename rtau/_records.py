"""What all records share: arrays checked when they are made, read-only, shown by their shapes.

Used by `rtau.data` only.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt


def check_array(name: str, array: Any, *, dtype: type, shape: tuple[int | str, ...]) -> None:
    """Raises unless the value is an array of the dtype and a shape that fits the pattern."""
    # Every record of every frame comes by here: words are made only for what is wrong.
    if isinstance(array, np.ndarray) and array.dtype == dtype and _is_like(array.shape, shape):
        return
    wanted = f"{name} must be {np.dtype(dtype).name} ({', '.join(map(str, shape))})"
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{wanted}, got {type(array).__name__}")
    raise ValueError(f"{wanted}, got {array.dtype.name} {array.shape}")


def _is_like(shape: tuple[int, ...], pattern: tuple[int | str, ...]) -> bool:
    """True where a shape fits a pattern, in which a name stands for any size."""
    if len(shape) != len(pattern):
        return False
    for have, want in zip(shape, pattern, strict=True):
        if have != want and not isinstance(want, str):
            return False
    return True


def is_finite(array: npt.NDArray[np.float32]) -> bool:
    """True where no value is NaN or infinite."""
    # Counting costs a third of what `all` does, which calls into Python for a few numbers.
    return bool(np.count_nonzero(np.isfinite(array)) == array.size)


def is_every_row(rows: npt.NDArray[Any], count: int) -> bool:
    """True where a mask or an index array picks each of so many rows, in their order."""
    if rows.shape != (count,):
        return False
    if rows.dtype == np.bool_:
        return bool(np.count_nonzero(rows) == count)
    return bool(rows.tolist() == list(range(count)))


def freeze(record: Any, field: str) -> None:
    """Replaces an array field by a read-only view, so that no reader can scribble on it.

    The maker must not keep a writable handle on the buffer: a view does not freeze its owner.
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
