"""Results as columns: the CSV's names, rows and values, for pandas, Arrow, Parquet and Py-Feat.

`Detector.table` and `read_csv` return tables, the Parquet sink writes them. pandas and pyarrow are
imported by the methods that need them.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import importlib
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from rtau import columns as names
from rtau._csv_formats import renamed
from rtau.errors import BackendUnavailable, SourceOpenError, UsageError
from rtau.replacing import replacing

Column = npt.NDArray[Any]

_WHOLE = frozenset((names.FRAME, names.FACE_ID, names.SUCCESS))
_TEXT = frozenset((names.FILE, names.SEAT, names.EMOTION, names.MARKER, names.QUALITY_REASON))
# Pattern of a column's name -> unit of its values.
_UNITS = {
    r"timestamp": "s",
    r"face_[xywh]|[xy]_\d+": "px",
    r"confidence": "0 to 1",
    r"success|quality|.+_c": "0 or 1",
    r".+_p|AU\d+_n": "probability",
    r"AU\d+_r": "intensity, 0 to 5",
    r"pose_T[xyz]": "mm",
    r"pose_R[xyz]|gaze_angle_[xy]": "rad",
}
# No result is larger; sums of squares of numbers up to this one do not overflow.
LARGEST = 1e38
# Label in this package -> column of Py-Feat 2.1.5 (`feat.utils.FEAT_FACEBOX_COLUMNS`).
_FEAT_BOX = {
    names.FACE_X: "FaceRectX",
    names.FACE_Y: "FaceRectY",
    names.FACE_W: "FaceRectWidth",
    names.FACE_H: "FaceRectHeight",
    names.CONFIDENCE: "FaceScore",
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Table:
    """Rows of results by column, a row per face and frame, one for a frame without a face."""

    columns: Mapping[str, Column]
    """Name -> values, in the order of the CSV: int64 for frame, face_id and success, text for file
    and emotion, else float64. Unknown values are NaN, and None in text columns."""
    source: str | None = None
    """The video or the CSV the rows are from; None for several."""

    def __post_init__(self) -> None:
        lengths = {len(values) for values in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns must have equal lengths, got {sorted(lengths)}")
        for values in self.columns.values():
            values.setflags(write=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column that has one."""
        return {name: unit for name in self.columns if (unit := _unit(name)) is not None}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; there are {', '.join(self.columns)}")
        return self.columns[name]

    def __repr__(self) -> str:
        shown = [*self.names[:6], "..."] if len(self.names) > 7 else self.names
        origin = "" if self.source is None else f" of {self.source}"
        return f"Table({len(self)} rows{origin}; {len(self.names)} columns: {', '.join(shown)})"

    def to_dict(self) -> dict[str, Column]:
        """Returns the columns as a plain dict of read-only arrays."""
        return dict(self.columns)

    def to_pandas(self) -> Any:
        """Returns a pandas.DataFrame; units are in its `attrs`.

        Raises:
            BackendUnavailable: pandas is not installed.
        """
        frame = library("pandas").DataFrame(dict(self.columns))
        frame.attrs["units"] = self.units
        return frame

    def to_arrow(self) -> Any:
        """Returns a pyarrow.Table; units are in the fields' metadata, what is not known is null.

        Raises:
            BackendUnavailable: pyarrow is not installed.
        """
        arrow = library("pyarrow")
        fields, arrays = [], []
        for name, values in self.columns.items():
            kind = _arrow_kind(arrow, name, values)
            unit = _unit(name)
            fields.append(
                arrow.field(name, kind, metadata=None if unit is None else {"unit": unit})
            )
            arrays.append(arrow.array(values, type=kind, from_pandas=True))
        return arrow.table(arrays, schema=arrow.schema(fields))

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Writes a Parquet file: all of it or nothing.

        Raises:
            BackendUnavailable: pyarrow is not installed.
            SinkError: the file cannot be written.
        """
        table, parquet = self.to_arrow(), library("pyarrow.parquet")
        with replacing(path) as part:
            parquet.write_table(table, part)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes the CSV that the command line writes, to the last digit: all of it or nothing.

        Raises:
            SinkError: the file cannot be written.
        """
        with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            self._write_csv(file)

    def csv_text(self) -> str:
        """Returns what `to_csv` writes."""
        file = io.StringIO(newline="")
        self._write_csv(file)
        return file.getvalue()

    def to_feat(self) -> Any:
        """Returns a pandas.DataFrame with Py-Feat's names; `feat.Fex(frame, **frame.attrs)`.

        `AU01` and so on are the probabilities, `frame` counts from 0, `input` is the file.

        Raises:
            BackendUnavailable: pandas is not installed.
            UsageError: the table has no probabilities.
        """
        labels = {name: name[:-2] for name in self.columns if name.endswith("_p")}
        if not labels:
            raise UsageError("to_feat() needs columns of probabilities such as AU12_p, got none")
        renamed = {old: new for old, new in {**_FEAT_BOX, **labels}.items() if old in self.columns}
        points = [name for name in names.POINTS if name in self.columns]
        found: dict[str, Any] = {"frame": self[names.FRAME] - 1}
        found.update({new: self[old] for old, new in renamed.items()})
        found.update({name: self[name] for name in points})
        for kept in (names.TIMESTAMP, names.FACE_ID):
            if kept in self.columns:
                found[kept] = self[kept]
        found["input"] = self.columns.get(names.FILE, np.full(len(self), self.source, object))
        frame = library("pandas").DataFrame(found)
        frame.attrs = {
            "au_columns": [new for new in labels.values() if new.startswith("AU")],
            "emotion_columns": [new for new in labels.values() if not new.startswith("AU")],
            "facebox_columns": [new for old, new in _FEAT_BOX.items() if old in renamed],
            "landmark_columns": points,
            "time_columns": ["frame"],
            "detector": "rtau",
        }
        return frame

    def _write_csv(self, file: TextIO) -> None:
        texts = [self._texts(name) for name in self.columns]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*texts, strict=True))

    def _texts(self, name: str) -> list[str]:
        """Returns the cells of a column as the CSV has them."""
        values = self.columns[name]
        if values.dtype == object:
            return ["" if value is None else str(value) for value in values]
        if values.dtype.kind in "iu":
            return [str(value) for value in values.tolist()]
        texts = [_number_text(name, value) for value in values.tolist()]
        if name == names.CONFIDENCE and names.SUCCESS in self.columns:
            seen = self.columns[names.SUCCESS]
            # Without a face the CSV has a plain 0 there: nothing was measured.
            texts = [text if on or not text else "0" for text, on in zip(texts, seen, strict=True)]
        return texts


def read_csv(path: str | os.PathLike[str]) -> Table:
    """Returns a CSV of rtau, OpenFace 2 or 3, Py-Feat or LibreFace under rtau's column names.

    Frames count from 1, `_p` are probabilities, `_c` decisions, `_r` intensities from 0 to 5. What
    OpenFace writes as 0 where it found no face is not known here (NaN). Py-Feat and LibreFace have
    no track numbers: their `face_id` counts the faces of each frame.

    Raises:
        SourceOpenError: the file cannot be read, or is not a CSV.
        UsageError: it is a table of another kind.
    """
    name = os.fspath(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except OSError as error:
        raise SourceOpenError(f"{name}: cannot be read ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise SourceOpenError(f"{name}: not a CSV with a header ({error})") from None
    try:
        _, cells = renamed(header, rows)
        columns = {key: column_from_cells(key, values) for key, values in cells.items()}
        for key, values in columns.items():
            _check_numbers(key, values)
        return Table(columns, name)
    except LookupError as error:  # of a column, or of an entry of a list in a cell
        raise UsageError(f"{name}: a table without {error}") from None
    except (UsageError, ValueError, OverflowError) as error:
        raise UsageError(f"{name}: {error}") from None


def _check_numbers(name: str, values: Column) -> None:
    """Raises UsageError for a text or an absurdly large number in a column of numbers."""
    if name not in _WHOLE and _unit(name) is None:
        return
    if values.dtype == object:
        for row, cell in enumerate(values, start=1):
            try:
                float(cell or "nan")
            except ValueError:
                raise UsageError(f"{name} must be a number, got {cell!r} in row {row}") from None
        return
    for row in np.flatnonzero(np.abs(values) > LARGEST).tolist():
        raise UsageError(
            f"{name} must be a number up to {LARGEST:g}, got {values[row]:g} in row {row + 1}"
        )


def table_from_cells(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, source: str | None = None
) -> Table:
    """Returns the table of a CSV's cells, each column in the type of its name or of its cells."""
    cells = list(zip(*rows, strict=True)) or [()] * len(header)
    columns = {name: column_from_cells(name, cells[k]) for k, name in enumerate(header)}
    return Table(columns, source)


def table_from_arrow(table: Any, *, source: str | None = None) -> Table:
    """Returns a pyarrow.Table that `to_arrow` made, or one of other types that holds the same.

    Raises:
        UsageError: a column of numbers holds something else.
    """
    columns = {
        name: _column_from_arrow(name, table[name].to_numpy()) for name in table.column_names
    }
    for name, values in columns.items():
        _check_numbers(name, values)
    return Table(columns, source)


def _column_from_arrow(name: str, values: npt.NDArray[Any]) -> Column:
    """Returns a column in the type of its name; what is no number is read as a CSV's cells are."""
    if name in _TEXT or values.dtype.kind not in "biuf":
        return column_from_cells(name, ["" if one is None else str(one) for one in values])
    numbers = values.astype(np.float64)
    # A whole number that is not known, or too large to be one exactly, stays a float.
    is_whole = (np.abs(numbers) <= 2**53) & (numbers == np.rint(numbers))
    return numbers.astype(np.int64) if name in _WHOLE and is_whole.all() else numbers


def column_from_cells(name: str, cells: Sequence[str]) -> Column:
    """Returns the cells of one column as int64, float64 or text (object); empty is not known."""
    if name not in _TEXT:
        with contextlib.suppress(ValueError, OverflowError):
            if name in _WHOLE:
                return np.array([int(cell) for cell in cells], np.int64)
        with contextlib.suppress(ValueError):
            return np.array([float(cell) if cell else np.nan for cell in cells], np.float64)
    return text_column([cell or None for cell in cells])


def text_column(values: Sequence[str | None]) -> Column:
    """Returns texts as a column of objects; None is not known."""
    texts = np.empty(len(values), object)
    texts[:] = values
    return texts


def joined(tables: Sequence[Table], *, source: str | None = None) -> Table:
    """Returns the rows of tables one after the other; what a table has no column for is unknown."""
    order = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {
        name: np.concatenate([_column_or_unknown(table, name, tables) for table in tables])
        for name in order
    }
    return Table(columns, source)


def _column_or_unknown(table: Table, name: str, tables: Sequence[Table]) -> Column:
    if name in table.columns:
        return table[name]
    is_text = any(other[name].dtype == object for other in tables if name in other.columns)
    return np.full(len(table), None, object) if is_text else np.full(len(table), np.nan)


def _unit(name: str) -> str | None:
    return next((unit for like, unit in _UNITS.items() if re.fullmatch(like, name)), None)


def _number_text(name: str, value: float) -> str:
    if np.isnan(value):
        return ""
    digits = names.digits(name)
    if digits is not None:
        return f"{value:.{digits}f}"
    return np.format_float_positional(value, unique=True, trim="0")


def _arrow_kind(arrow: Any, name: str, values: Column) -> Any:
    if values.dtype == object:
        return arrow.string()
    if values.dtype.kind in "iu":
        return arrow.int64()
    return arrow.int8() if names.digits(name) == 0 else arrow.float64()


def library(name: str, *, extra: str = "table") -> Any:
    """Returns a library that rtau can do without, such as pandas, imported now.

    Raises:
        BackendUnavailable: it is not installed; the text names the extra.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"this needs {name.partition('.')[0]}, which is not installed; install it: "
            f'pip install "rtau[{extra}]"'
            + ("; to_dict() and to_csv() need nothing" if extra == "table" else "")
        ) from error
