"""Lists the pictures that are labelled or warped: a scored folder, a plain one, or London's.

A folder with `blendshapes.csv` (docs/data-sets.md) names its pictures' source and who may be shown;
of any other, every picture below it is another person. Opens no picture. Called by the verbs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.prepare import london
from rtau_train.datasets.prepare.listing import PICTURE_SUFFIXES
from rtau_train.datasets.prepare.portraits import SCORES
from rtau_train.datasets.prepare.tables import read_table


@dataclasses.dataclass(frozen=True)
class Portrait:
    """One picture of one person."""

    path: Path
    name: str
    """Folder and path in it: what tables call it."""
    subject: str
    """Pictures of one subject may show one person."""
    origin: str
    """The word in column `source` of its table, or the folder's name."""


def read_portraits(folder: Path, /, *, of: Collection[str] = ()) -> tuple[Portrait, ...]:
    """Returns the pictures of a folder.

    Args:
        folder: with `blendshapes.csv` and `crops/`, or pictures in any subfolders.
        of: where there is a table, only rows whose column `source` holds one of these words.

    Raises:
        SourceOpenError: there is no picture.
        UsageError: no row has one of those sources.
    """
    if (folder / SCORES).is_file():
        return _scored(folder, of)
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise SourceOpenError(f"{folder}: no picture below it; expected {SCORES} or pictures")
    names = [f"{folder.name}/{path.relative_to(folder).as_posix()}" for path in paths]
    return tuple(
        Portrait(path, name, subject=name, origin=folder.name)
        for path, name in zip(paths, names, strict=True)
    )


def read_london(folder: Path, /, *, people: london.People) -> tuple[dict[str, Portrait], ...]:
    """Returns a pair of portraits, `neutral` and `smiling`, of each person who has both.

    Raises:
        SourceOpenError: the table is missing or names no such picture.
    """
    pairs: dict[str, dict[str, Portrait]] = {}
    for image in london.read(folder, people=people).images:
        portrait = Portrait(image.path, f"london/{image.name}", f"london/{image.subject}", "london")
        pairs.setdefault(image.subject, {})[image.columns["expression"]] = portrait
    return tuple(pair for pair in pairs.values() if len(pair) == 2)


def without(portraits: Sequence[Portrait], left_out: Path | None, /) -> tuple[Portrait, ...]:
    """Returns the portraits whose names a text file, one a line, does not list.

    Raises:
        SourceOpenError: the file cannot be read.
        UsageError: it lists a picture that is not there.
    """
    if left_out is None:
        return tuple(portraits)
    try:
        listed = set(left_out.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise SourceOpenError(f"{left_out}: cannot be read ({error})") from None
    unknown = sorted(listed - {portrait.name for portrait in portraits})
    if unknown:
        raise UsageError(
            f"{left_out}: {unknown[0]} is none of the pictures; expected names like "
            f"{portraits[0].name}"
        )
    return tuple(portrait for portrait in portraits if portrait.name not in listed)


def _scored(folder: Path, of: Collection[str]) -> tuple[Portrait, ...]:
    table = read_table(folder / SCORES)
    for column in ("file", "source", "sheet"):
        if column not in table.columns:
            raise SourceOpenError(f"{table.path}: column {column} is missing")
    rows = [row for row in table.rows if not of or row["source"] in of]
    if not rows:
        found = sorted({row["source"] for row in table.rows})
        raise UsageError(
            f"{table.path}: no row has source {', '.join(sorted(of))}; there are {', '.join(found)}"
        )
    return tuple(
        Portrait(
            path=folder / "crops" / row["file"],
            name=f"{folder.name}/{row['file']}",
            subject=row["sheet"] or row["file"],
            origin=row["source"],
        )
        for row in rows
    )
