"""Writes a report as Markdown: the same words and numbers as the page, without its pictures.

Knows the document's blocks, not what they say; every text is escaped. Called by the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rtau_train.report.document import (
    Block,
    Cell,
    Document,
    Fold,
    Picture,
    PictureGrid,
    Points,
    Table,
    Words,
)
from rtau_train.report.names import NOT_RUN

# What would be read as markup inside a line or a cell.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~#&])")


def as_markdown(document: Document, /, *, page: str) -> str:
    """Returns the report; `page` names the HTML page beside it that has the pictures."""
    lines = [
        f"# {escaped(document.title)}",
        f"{escaped(document.subtitle)}. The pictures are on [the page]({page}) beside this file.",
    ]
    for section in document.sections:
        lines.append(f"## {escaped(section.title)}")
        for block in section.blocks:
            lines.extend(_block(block))
    lines.append("This file is written by `rtau-train report`; do not edit it by hand.")
    return "\n\n".join(lines) + "\n"


def escaped(text: str, /) -> str:
    """Returns a text on one line that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Words):
        yield f"> **{escaped(block.text)}**" if block.is_notice else escaped(block.text)
    elif isinstance(block, Points):
        yield "\n".join(f"* {escaped(item)}" for item in block.items)
    elif isinstance(block, Table):
        yield f"**{escaped(block.caption)}.**"
        yield _table(block)
    elif isinstance(block, Picture):
        yield f"Picture: {escaped(block.caption)}."
    elif isinstance(block, PictureGrid):
        yield f"Pictures: {escaped(block.caption)}. {_grid_words(block)}"
    else:
        yield from _fold(block)


def _fold(fold: Fold) -> Iterator[str]:
    yield f"### {escaped(fold.title)}"
    for block in fold.blocks:
        yield from _block(block)


def _table(table: Table) -> str:
    words = len(table.head) if table.is_text else table.text_columns
    ruler = ["---" if place < words else "---:" for place in range(len(table.head))]
    lines = [_line(list(_heads(table))), _line(ruler)]
    lines += [_line([_cell(cell) for cell in row]) for row in table.rows]
    return "\n".join(lines)


def _heads(table: Table) -> Iterator[str]:
    """Yields the heading of every column, with that of its group before it."""
    groups = [group.text for group in table.groups for _ in range(group.columns)]
    for head, group in zip(table.head, groups or [""] * len(table.head), strict=True):
        yield escaped(f"{group}: {head}" if group else head)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    text = f"**{text}**" if cell.is_best else text
    text += "\N{DAGGER}" if cell.is_weak else ""
    return f"{text} ({escaped(cell.note)})" if cell.note else text


def _grid_words(grid: PictureGrid) -> str:
    """Returns which pictures there are, and which were not made."""
    words = []
    for title, columns in grid.rows:
        for head, pictures in zip(grid.head, columns, strict=True):
            shown = ", ".join(picture.caption for picture in pictures) or NOT_RUN
            words.append(f"{title}, {head}: {shown}")
    return f"{escaped('; '.join(words))}."
