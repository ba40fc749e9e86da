import re

import pytest

from rtau_train.report.document import Cell, Document, Fold, Picture, Section, Table, Words
from rtau_train.report.markdown import as_markdown, escaped
from tests.support.report_pages import tables_of

NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")


@pytest.mark.parametrize(
    ("document", "text"), [("document1", "markdown1"), ("document2", "markdown2")]
)
def test_the_markdown_has_every_number_of_every_table(document, text, request):
    document, text = request.getfixturevalue(document), request.getfixturevalue(text)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    expected = []
    for table in tables_of(document):
        expected += ["", "", *(" ".join(f"{c.text} {c.note}" for c in row) for row in table.rows)]

    assert len(lines) == len(expected)
    for line, row in zip(lines, expected, strict=True):
        if row:
            assert NUMBER.findall(line) == NUMBER.findall(row)


def test_every_table_has_one_width(markdown1):
    for block in markdown1.split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0].startswith("|"):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
            assert len(widths) == 1, lines[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<img src=x>", r"\<img src=x\>"),
        ("two\nlines", "two lines"),
        ("nasnet_mobile *", r"nasnet\_mobile \*"),
        ("[x](y)", r"\[x\](y)"),
        ("`x`", r"\`x\`"),
    ],
)
def test_markup_in_texts_is_escaped(text, shown):
    assert escaped(text) == shown


def test_marks_and_folds_are_written_out():
    table = Table(
        "caption",
        ("AU", "F1"),
        (
            (Cell("AU1"), Cell("0.9", note="0.8", is_best=True)),
            (Cell("AU2"), Cell("0.1", is_weak=True)),
        ),
    )
    fold = Fold("more", (table, Picture(b"", "png", "a picture")))
    text = as_markdown(
        Document("t", "s", (Section("k", "One", (Words("note", is_notice=True), fold)),)),
        page="page.html",
    )

    assert "| AU1 | **0.9** (0.8) |\n| AU2 | 0.1\N{DAGGER} |" in text
    assert "### more" in text
    assert "> **note**" in text
    assert "Picture: a picture." in text
    assert "[the page](page.html)" in text
