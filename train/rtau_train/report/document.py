"""What a report consists of, free of any format: sections of words, tables and pictures.

Frozen records without logic; the same document becomes HTML and Markdown. Made by the sections,
read by the two renderers.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

PictureKind = Literal["png", "svg+xml"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    note: str = ""
    """Beneath the text and smaller: an interval."""
    is_best: bool = False
    """In bold."""
    is_weak: bool = False
    """Not above what it must beat; marked."""
    is_missing: bool = False
    """Not run or not given; muted."""
    shade: float = 0.0
    """Background, 0-1, in a matrix."""


@dataclasses.dataclass(frozen=True)
class HeadGroup:
    """A heading over several neighbouring columns."""

    text: str
    columns: int


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; the first cell of every row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    groups: tuple[HeadGroup, ...] = ()
    """Over `head`; their columns sum to its length."""
    summary_rows: int = 0
    """So many last rows are set apart: averages and baselines."""
    is_text: bool = False
    """Cells hold words, not numbers: aligned left and wrapped."""
    text_columns: int = 1
    """So many first columns of a table of numbers hold words."""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.head) for row in self.rows), self.caption
        spanned = sum(group.columns for group in self.groups)
        assert not self.groups or spanned == len(self.head), self.caption


@dataclasses.dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    is_notice: bool = False
    """Set apart, so that nobody misses it."""


@dataclasses.dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture with its caption, carried along as bytes."""

    content: bytes
    kind: PictureKind
    caption: str
    is_wide: bool = True


@dataclasses.dataclass(frozen=True)
class PictureGrid:
    """Small pictures in rows and columns; a cell may hold several or none."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Picture, ...], ...]], ...]
    """(heading, a tuple of pictures per column) per row."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """Details that are shown when asked for."""

    title: str
    blocks: tuple[Block, ...]


Block = Words | Points | Table | Picture | PictureGrid | Fold


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the report under its heading."""

    key: str
    """Anchor: lower-case letters and hyphens."""
    title: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    """Those without blocks have been left out."""
