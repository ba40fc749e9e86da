"""Reads a folder of labelled crops into the record that training works on.

Checks every label and says which row is wrong. The layout is described at
`rtau_train.datasets.labelled_crops`. Called by the command lines.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Task
from rtau.errors import SourceOpenError
from rtau.facs import au_from_label
from rtau_train.datasets.decoded import FEWEST, LARGEST_PX, decoded_pictures
from rtau_train.datasets.labelled_crops import LabelledCrops, Words
from rtau_train.datasets.preparation import read_preparation
from rtau_train.records import BROKEN_NPZ

LABELS, LANDMARKS = "labels.csv", "landmarks68.npz"
LAYOUT = "the folder must have crops/ and labels.csv, as `rtau-train prepare` writes"

Table = dict[str, list[str]]


def read_folder(
    folder: Path, *, labels: tuple[str, ...], task: Task = "multi_label"
) -> LabelledCrops:
    """Returns a folder's labels and landmarks.

    Pictures are not touched yet, unless they are many small ones, which are kept decoded.

    An AU without a column was not coded.

    Raises:
        SourceOpenError: a file is missing, or a column or value is not as the layout says.
    """
    path = folder / LABELS
    table = _read_table(path, needed=("file",) if task == "multi_label" else ("file", "emotion"))
    if not set(labels) & set(table) and task == "multi_label":
        raise SourceOpenError(f"{path}: has a column for none of {', '.join(labels)}")
    files = tuple(table.pop("file"))
    _check_distinct(files, path)
    if task == "multi_label":
        _check_names(table, path)
        targets = _intensities(table, labels, path, rows=len(files))
    else:
        targets = _one_hot(table.pop("emotion"), labels, path)
    made = read_preparation(folder)
    pictures = tuple(folder / "crops" / file for file in files)
    is_kept = made is not None and made.size_px <= LARGEST_PX and len(files) >= FEWEST
    return LabelledCrops(
        pictures=pictures,
        files=files,
        labels=labels,
        task=task,
        targets=targets,
        subjects=_subjects(table.pop("subject", None), files, path),
        columns={name: np.array(values) for name, values in table.items()},
        landmarks=_read_landmarks(folder / LANDMARKS, rows=len(files)),
        preparation=made,
        decoded=decoded_pictures(folder, pictures) if is_kept else None,
        cut_by=() if made is None or made.crop is None else (made.crop,) * len(files),
    )


def _read_table(path: Path, *, needed: tuple[str, ...]) -> Table:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceOpenError(f"{path}: labels cannot be read ({reason}); {LAYOUT}") from None
    for number, row in enumerate(rows, start=1):
        if None in row:
            raise SourceOpenError(f"{path}: data row {number} has more cells than the header")
    for name in needed:
        if not rows or name not in rows[0]:
            raise SourceOpenError(f"{path}: column {name} is missing or there are no rows")
    return {name: [row[name] or "" for row in rows] for name in rows[0]}


def _check_distinct(files: tuple[str, ...], path: Path) -> None:
    seen: set[str] = set()
    for row, file in enumerate(files):
        if file in seen:
            raise SourceOpenError(f"{path}: {file} stands in data row {row + 1} and before")
        seen.add(file)


def _check_names(table: Table, path: Path) -> None:
    """Raises SourceOpenError for a column such as `AU4`, which would be taken for no label."""
    for name in table:
        try:
            label = au_from_label(name).label
        except ValueError:
            continue
        if name != label:
            raise SourceOpenError(f"{path}: column {name} must be written {label}")


def _intensities(
    table: Table, labels: tuple[str, ...], path: Path, *, rows: int
) -> npt.NDArray[np.float32]:
    """Returns float32 (N, A), NaN where a cell is empty or the table has no such column."""
    columns = []
    for label in labels:
        values = table.pop(label, [""] * rows)
        try:
            column = np.array([float(value) if value else np.nan for value in values])
        except ValueError as error:
            raise SourceOpenError(f"{path}: an intensity is no number ({error})") from None
        empty = np.array([not value for value in values])
        wrong = ~empty & ~((column >= 0) & (column <= 5))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise SourceOpenError(
                f"{path}: intensities must lie in [0, 5], got {column[row]} for {label} in data "
                f"row {row + 1}"
            )
        columns.append(column)
    return np.stack(columns, axis=1).astype(np.float32)


def _one_hot(emotions: list[str], labels: tuple[str, ...], path: Path) -> npt.NDArray[np.float32]:
    """Returns float32 (N, A): 1 in the column of each row's emotion."""
    places = {label: place for place, label in enumerate(labels)}
    for row, emotion in enumerate(emotions):
        if emotion not in places:
            raise SourceOpenError(
                f"{path}: emotion must be one of {', '.join(labels)}, got {emotion!r} in data row "
                f"{row + 1}"
            )
    one_hot = np.zeros((len(emotions), len(labels)), np.float32)
    one_hot[np.arange(len(emotions)), [places[emotion] for emotion in emotions]] = 1
    return one_hot


def _subjects(named: list[str] | None, files: tuple[str, ...], path: Path) -> Words:
    """Returns who is shown; without the column every picture is another person."""
    if named is None:
        return np.array(files)
    if "" in named:
        raise SourceOpenError(
            f"{path}: subject is empty in data row {named.index('') + 1}; name a person in every "
            "row, or leave the column out if every picture shows another person"
        )
    return np.array(named)


def _read_landmarks(path: Path, *, rows: int) -> npt.NDArray[np.float32] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            landmarks = np.asarray(archive["xy"], np.float64)
    except FileNotFoundError:
        return None
    except BROKEN_NPZ as error:
        raise SourceOpenError(f"{path}: landmarks cannot be read ({error})") from None
    if landmarks.shape != (rows, 68, 2) or not (np.abs(landmarks) < geometry.MAX_PX).all():
        raise SourceOpenError(f"{path}: xy must be finite ({rows}, 68, 2), got {landmarks.shape}")
    return landmarks.astype(np.float32)
