"""Reads pages and documents of reports: tables by caption, addresses, tags."""

from __future__ import annotations

import html.parser
from collections.abc import Iterator

from rtau_train.report.document import Block, Cell, Document, Fold, Table


def tables_of(document: Document, /) -> list[Table]:
    """Returns every table, those in folds too."""
    return [
        block
        for section in document.sections
        for block in _flat(section.blocks)
        if isinstance(block, Table)
    ]


def table_of(document: Document, caption: str, /) -> Table:
    """Returns the table whose caption begins so; there must be one."""
    found = [table for table in tables_of(document) if table.caption.startswith(caption)]
    assert len(found) == 1, [table.caption for table in tables_of(document)]
    return found[0]


def row_of(table: Table, *heads: str) -> tuple[Cell, ...]:
    """Returns the row whose first cells are these."""
    found = [row for row in table.rows if tuple(c.text for c in row[: len(heads)]) == heads]
    assert len(found) == 1, [row[0].text for row in table.rows]
    return found[0]


def heads_of(table: Table, /) -> list[str]:
    """Returns the heading of every column with its group's before it."""
    groups = [group.text for group in table.groups for _ in range(group.columns)]
    return [f"{group}: {head}" for group, head in zip(groups, table.head, strict=True)]


def _flat(blocks: tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from _flat(block.blocks)


class Page(html.parser.HTMLParser):
    """The tags, addresses and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} closes another tag"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
