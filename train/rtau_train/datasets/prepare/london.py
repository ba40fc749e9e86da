"""Reads the Face Research Lab London Set: 102 people, neutral and smiling (DeBruine & Jones 2017).

    crops/            pictures of one face each
    blendshapes.csv   file, sheet (`neutral_front/001_03.jpg`, `smiling_front/001_08.jpg`)

Nobody coded it: a neutral face was asked to show nothing, so all AUs are 0; of a smile only AU12 is
taken to be there, the rest is not coded. It serves to choose thresholds (people of odd numbers) and
to look for false alarms (even numbers), never to train. Called by the command line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare.listing import Listing, SourceImage
from rtau_train.datasets.prepare.portraits import LABELS, SCORES, SIZE_PX
from rtau_train.datasets.prepare.tables import Row, Table, read_table
from rtau_train.datasets.prepare.values import PRESENT

People = Literal["odd", "even", "all"]
_SHEET: Final = re.compile(r"(neutral|smiling)_front/(\d+)_\d+\.jpg")
Expression = Literal["neutral", "smiling"]
_REST: Final = {"odd": (1,), "even": (0,), "all": (0, 1)}


def read(source: Path, /, *, people: People = "all") -> Listing:
    """Returns the pictures of some people; `expression` says which are neutral.

    Raises:
        SourceOpenError: the table is missing or names no such picture.
    """
    table = read_sheets(source)
    images = [image for row in table.rows if (image := _image(source, row)) is not None]
    wanted = tuple(image for image in images if int(image.subject) % 2 in _REST[people])
    if not wanted:
        raise SourceOpenError(
            f"{table.path}: no row is of the London set; expected column sheet to hold "
            "neutral_front/NNN_NN.jpg or smiling_front/NNN_NN.jpg"
        )
    return Listing(
        dataset="london",
        task="multi_label",
        labels=LABELS,
        images=wanted,
        rejections=(),
        size_px=SIZE_PX,
        notes=("expressions were asked for and not coded by anybody",),
    )


def read_sheets(source: Path, /) -> Table:
    """Returns the table of a folder, which has columns `file` and `sheet`.

    Raises:
        SourceOpenError: the table or a column is missing.
    """
    table = read_table(source / SCORES)
    for column in ("file", "sheet"):
        if column not in table.columns:
            raise SourceOpenError(
                f"{table.path}: column {column} is missing; expected file and sheet"
            )
    return table


def person_and_expression(sheet: str, /) -> tuple[str, Expression] | None:
    """Returns who a sheet shows and how: `("001", "neutral")`; None for another form."""
    found = _SHEET.fullmatch(sheet)
    if found is None:
        return None
    return found[2], "neutral" if found[1] == "neutral" else "smiling"


def _image(source: Path, row: Row) -> SourceImage | None:
    shown = person_and_expression(row["sheet"])
    if shown is None:
        return None
    person, expression = shown
    is_neutral = expression == "neutral"
    return SourceImage(
        name=row["file"],
        path=source / "crops" / row["file"],
        subject=person,
        labels=dict.fromkeys(LABELS, 0.0) if is_neutral else {"AU12": PRESENT},
        columns={"expression": expression},
    )
