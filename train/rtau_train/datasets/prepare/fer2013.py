"""Reads FER2013: one CSV of 48x48 grey pictures, or folders of pictures by class, and its split.

The official split is Training, PublicTest and PrivateTest; here they are train, validation and
test (without PrivateTest, PublicTest is the test part), and the column `usage` keeps the original
word, because the second paper reports on PublicTest. The pictures are face crops already. Called by
the command line.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from rtau.data import Image
from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare import values
from rtau_train.datasets.prepare.class_folders import class_folders
from rtau_train.datasets.prepare.listing import Listing, Rejection, SourceImage, child
from rtau_train.datasets.prepare.tables import Row, stream_csv

# `icml_face_data.csv` is the same table under the name it had in the contest.
FILES: Final = ("fer2013.csv", "icml_face_data.csv")
HINT: Final = (
    "expected fer2013.csv with columns emotion, pixels, Usage, or folders train/ and test/ with "
    "folders angry, disgust, fear, happy, neutral, sad, surprise"
)
SIZE_PX: Final = 48
SPLITS: Final = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
_FOLDER_SPLITS: Final = {"train": "train", "validation": "validation", "val": "validation"}
_USAGE_IN_NAME: Final = re.compile(r"(Training|PublicTest|PrivateTest)_")
_NO_PEOPLE: Final = (
    "FER2013 does not say who is shown: a split by person is impossible, the official one is kept"
)
_NO_PRIVATE: Final = (
    "there is no PrivateTest: PublicTest is the test part, and the recipe's share of Training "
    "validates"
)


def read(source: Path, /) -> Listing:
    """Returns the pictures of FER2013 with class, split and original usage.

    Raises:
        SourceOpenError: neither layout is there, or no picture can be used.
    """
    table = _table(source)
    items = list(_csv_images(table) if table else _folder_images(source))
    images = tuple(item for item in items if isinstance(item, SourceImage))
    rejections = tuple(item for item in items if isinstance(item, Rejection))
    if not images:
        first = f"; the first: {rejections[0].name}: {rejections[0].reason}" if rejections else ""
        raise SourceOpenError(f"{source}: no picture of FER2013 was found{first}; {HINT}")
    notes = [_NO_PEOPLE]
    if {image.split for image in images} == {"train", "validation"}:
        images = tuple(_reported(image) for image in images)
        notes.append(_NO_PRIVATE)
    if not all(image.columns["usage"] for image in images):
        notes.append(
            "the folders' pictures do not carry PublicTest_ or PrivateTest_ in their names: all of "
            "test/ is the test part, and usage is empty"
        )
    return Listing(
        dataset="fer2013",
        task="multi_class",
        labels=values.EMOTIONS,
        images=images,
        rejections=rejections,
        size_px=SIZE_PX,
        are_crops=True,
        notes=tuple(notes),
    )


def _reported(image: SourceImage) -> SourceImage:
    """Returns an image of data without a test part: what would validate reports."""
    return dataclasses.replace(image, split="test") if image.split == "validation" else image


def _table(source: Path) -> Path | None:
    if source.is_file():
        return source
    return next((source / name for name in FILES if (source / name).is_file()), None)


def _csv_images(path: Path) -> Iterator[SourceImage | Rejection]:
    columns, rows = stream_csv(path)
    needed = ("emotion", "pixels", "Usage")
    missing = [name for name in needed if name not in columns]
    if missing:
        raise SourceOpenError(
            f"{path}: column {missing[0]} is missing; there are {', '.join(columns)}; {HINT}"
        )
    for row in rows:
        try:
            yield _csv_image(path, row)
        except ValueError as error:
            yield Rejection(f"{path.name}, data row {row.number}", str(error))


def _csv_image(path: Path, row: Row) -> SourceImage:
    """Returns the picture of a row; ValueError says why it cannot be used."""
    usage = row["Usage"]
    if usage not in SPLITS:
        raise ValueError(f"Usage must be one of {', '.join(SPLITS)}, got {usage!r}")
    code = row["emotion"]
    if not code.isdigit() or int(code) >= len(values.EMOTIONS):
        raise ValueError(f"emotion must be a number from 0 to 6, got {code!r}")
    return SourceImage(
        name=f"{usage}/{row.number:05d}",
        path=path,
        emotion=values.EMOTIONS[int(code)],
        split=SPLITS[usage],
        columns={"usage": usage},
        pixels=_pixels(row["pixels"]),
    )


def _pixels(text: str) -> Image:
    """Returns uint8 (48, 48), grey."""
    try:
        grey = np.frombuffer(bytes(map(int, text.split())), np.uint8)
    except ValueError:
        raise ValueError("pixels must be whole numbers from 0 to 255") from None
    if len(grey) != SIZE_PX**2:
        raise ValueError(f"pixels must be {SIZE_PX**2} numbers, got {len(grey)}")
    return grey.reshape(SIZE_PX, SIZE_PX)


def _folder_images(source: Path) -> Iterator[SourceImage | Rejection]:
    for name in ("train", "validation", "val", "test"):
        part = child(source, name) if source.is_dir() else None
        for folder in class_folders(part) if part else ():
            for path in folder.pictures:
                image_name = path.relative_to(source).as_posix()
                if folder.emotion == values.CONTEMPT:
                    yield Rejection(image_name, "contempt is no class of FER2013")
                    continue
                found = _USAGE_IN_NAME.match(path.name)
                usage = found.group(1) if found else "Training" if name == "train" else ""
                yield SourceImage(
                    name=image_name,
                    path=path,
                    emotion=folder.emotion,
                    split=SPLITS[usage] if usage else _FOLDER_SPLITS.get(name, "test"),
                    columns={"usage": usage},
                )
