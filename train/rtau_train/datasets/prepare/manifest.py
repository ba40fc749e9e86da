"""Reads a manifest: one table with a row per image, which any lab can write for its own data.

Columns: `image`, `subject`, AUs (`AU1`, `AU01`, ...) or `emotion`, optional `split`, and any others
that describe the person or the image. docs/data-sets.md is its specification. Called by the command
line, and by `dem.py` with DEM's own demands.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.preparation import FILE_NAME as PREPARED
from rtau_train.datasets.prepare import values
from rtau_train.datasets.prepare.listing import Dataset, Listing, Rejection, SourceImage, is_picture
from rtau_train.datasets.prepare.tables import Row, Table, read_table

Kind = Literal["intensity", "occurrence", "emotion"]
FILES: Final = ("manifest.csv", "manifest.parquet")
HINT: Final = (
    "expected manifest.csv with columns image, subject, AU1, AU2, ... (or emotion), as "
    "docs/data-sets.md describes"
)
SIZE_PX: Final = 224
# Columns of labels.csv that a manifest's own columns may not be named like.
_TAKEN: Final = ("file", "source")
_PARSERS: Final[dict[str, Callable[[str], float]]] = {
    "intensity": values.intensity,
    "occurrence": values.occurrence,
}


@dataclasses.dataclass(frozen=True)
class _Columns:
    """What the columns of a manifest hold."""

    aus: dict[str, str]
    """Column -> AU label, in the order of the AUs' numbers."""
    has_split: bool
    others: tuple[str, ...]
    notes: tuple[str, ...]


def read_manifest(
    source: Path,
    /,
    *,
    kind: Kind,
    dataset: Dataset = "folder",
    size_px: int = SIZE_PX,
    are_crops: bool = False,
) -> Listing:
    """Returns what a manifest lists; `source` is the table or the folder that holds it.

    Raises:
        SourceOpenError: there is no manifest, a column is missing, or no row can be used.
        UsageError: a column has a name that cannot be kept, or there are two manifests.
        BackendUnavailable: it is Parquet and pyarrow is not installed.
    """
    table = read_table(manifest_file(source))
    columns = _columns(table, kind)
    images: list[SourceImage] = []
    rejections: list[Rejection] = []
    first_rows: dict[Path, int] = {}
    folder = table.path.parent
    unnamed = {path.resolve(): path for path in _pictures_below(folder)}
    for row in table.rows:
        unnamed.pop((folder / _name(row)).resolve(), None)
        try:
            image = _image(row, columns, kind=kind, folder=folder)
            _note_file(image.path, row, first_rows)
        except ValueError as error:
            name = row["image"] or f"{table.path.name}, data row {row.number}"
            rejections.append(Rejection(name, str(error)))
        else:
            images.append(image)
    if not images:
        first = f"; the first: {rejections[0].name}: {rejections[0].reason}" if rejections else ""
        raise SourceOpenError(
            f"{table.path}: none of {len(table.rows)} rows can be used{first}; {HINT}"
        )
    rejections += [
        Rejection(path.relative_to(folder).as_posix(), f"no row of {table.path.name} names it")
        for path in unnamed.values()
    ]
    found = {image.emotion for image in images}
    labels = values.emotion_order(found) if kind == "emotion" else tuple(columns.aus.values())
    return Listing(
        dataset=dataset,
        task="multi_class" if kind == "emotion" else "multi_label",
        labels=labels,
        images=tuple(images),
        rejections=tuple(rejections),
        size_px=size_px,
        are_crops=are_crops,
        notes=columns.notes,
    )


def manifest_file(source: Path, /) -> Path:
    """Returns the table that a path means: itself, or the manifest in that folder.

    Raises:
        SourceOpenError: there is none.
        UsageError: there are two.
    """
    if source.is_file():
        return source
    found = [source / name for name in FILES if (source / name).is_file()]
    if not found:
        raise SourceOpenError(f"{source}: there is no manifest; {HINT}")
    if len(found) > 1:
        raise UsageError(f"{source}: there are {' and '.join(FILES)}; name the one to read")
    return found[0]


def _columns(table: Table, kind: Kind) -> _Columns:
    needed = ("image", "subject", *(("emotion",) if kind == "emotion" else ()))
    for name in needed:
        if name not in table.columns:
            raise SourceOpenError(
                f"{table.path}: column {name} is missing; there are "
                f"{', '.join(table.columns)}; {HINT}"
            )
    taken = [name for name in table.columns if name in _TAKEN]
    if taken:
        raise UsageError(f"{table.path}: column {taken[0]} must be renamed: labels.csv has its own")
    aus = _au_columns(table)
    if kind != "emotion" and not aus:
        raise SourceOpenError(
            f"{table.path}: no column is an AU; there are {', '.join(table.columns)}; {HINT}"
        )
    notes = [
        f"column {name} is left out: rtau has no such AU"
        for name in table.columns
        if values.au_number(name) is not None and values.au_label(name) is None
    ]
    unused = list(aus) if kind == "emotion" else [n for n in table.columns if n == "emotion"]
    if unused:
        notes.append(f"{', '.join(unused)} left out: --labels {kind}")
    others = tuple(
        name
        for name in table.columns
        if name not in ("image", "subject", "emotion", "split") and values.au_number(name) is None
    )
    return _Columns(
        aus={} if kind == "emotion" else aus,
        has_split="split" in table.columns and any(row["split"] for row in table.rows),
        others=others,
        notes=tuple(notes),
    )


def _au_columns(table: Table) -> dict[str, str]:
    """Returns the AU columns, column -> label, by the AUs' numbers."""
    aus: dict[str, str] = {}
    for name in table.columns:
        label = values.au_label(name)
        if label is None:
            continue
        if label in aus.values():
            raise UsageError(f"{table.path}: two columns are {label}; keep one of them")
        aus[name] = label
    return dict(sorted(aus.items(), key=lambda item: item[1]))


def _image(row: Row, columns: _Columns, *, kind: Kind, folder: Path) -> SourceImage:
    """Returns the image of a row; ValueError says why the row cannot be used."""
    if not row["image"]:
        raise ValueError("image is empty")
    name = _name(row)
    path = folder / name
    if not path.is_file():
        raise ValueError("there is no such file")
    if not row["subject"]:
        raise ValueError("subject is empty; name the person in every row")
    return SourceImage(
        name=name,
        path=path,
        subject=row["subject"],
        labels=_labels(row, columns.aus, kind),
        emotion=values.emotion(row["emotion"]) if kind == "emotion" else "",
        split=values.split(row["split"]) if columns.has_split else "",
        columns={name: row[name] for name in columns.others},
    )


def _pictures_below(folder: Path) -> list[Path]:
    """Returns the pictures of a folder and its subfolders, but not those of prepared folders."""
    prepared = {path.parent for path in folder.rglob(PREPARED)}
    return sorted(
        path for path in folder.rglob("*") if is_picture(path) and not prepared & {*path.parents}
    )


def _name(row: Row) -> str:
    return PurePosixPath(row["image"].replace("\\", "/")).as_posix()


def _labels(row: Row, aus: dict[str, str], kind: Kind) -> dict[str, float]:
    labels = {}
    for column, label in aus.items():
        if not row[column]:
            continue
        try:
            labels[label] = _PARSERS[kind](row[column])
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None
    if aus and not labels:
        raise ValueError("no AU is coded")
    return labels


def _note_file(path: Path, row: Row, first_rows: dict[Path, int]) -> None:
    first = first_rows.setdefault(path.resolve(), row.number)
    if first != row.number:
        raise ValueError(f"listed again in data row {row.number}; row {first} is kept")
