import base64
import dataclasses
import re

import pytest

from rtau_train.report import html
from rtau_train.report.document import (
    Cell,
    Document,
    Fold,
    HeadGroup,
    Picture,
    PictureGrid,
    Points,
    Section,
    Table,
    Words,
)
from tests.support.report_pages import Page, tables_of

PNG = b"\x89PNG\r\n\x1a\n"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;{{ 7 * 7 }}"


@pytest.fixture(params=["html1", "html2"])
def page(request):
    return request.getfixturevalue(request.param)


def test_the_page_needs_nothing_from_elsewhere(page):
    read = Page(page)

    assert not {"script", "link", "iframe", "object", "form"} & set(read.tags)
    for name, value in read.attributes:
        if name == "src":
            assert value.startswith("data:image/"), value[:60]
        if name == "href":
            assert value.startswith("#")
        assert not name.startswith("on")
    assert not re.search(r"url\(|@import|https?:", re.sub(r"data:image/[^\"]*", "", page))


def test_the_pictures_inside_need_nothing_from_elsewhere(page):
    pictures = re.findall(r'src="data:image/(svg\+xml|png);base64,([^"]*)"', page)

    assert pictures
    for kind, content in pictures:
        decoded = base64.b64decode(content, validate=True)
        if kind == "png":
            assert decoded.startswith(PNG)
            continue
        drawn = decoded.decode()
        assert "<svg" in drawn
        assert all(a.startswith("#") for a in re.findall(r'href="([^"]*)"', drawn))
        assert "<script" not in drawn


def test_every_tag_is_closed_and_every_anchor_exists(page):
    read = Page(page)

    assert read.open == []
    anchors = {value for name, value in read.attributes if name == "id"}
    targets = {value[1:] for name, value in read.attributes if name == "href"}
    assert targets == anchors


def test_every_table_and_cell_is_on_the_page(html1, document1):
    read = Page(html1)
    captions = html1.count('<p class="caption">')

    tables = tables_of(document1)
    assert read.tags.count("table") == captions >= len(tables)
    cells = sum(len(row) for table in tables for row in table.rows)
    assert read.tags.count("td") + read.tags.count("th") > cells
    assert read.tags.count("details") > 20


def everything(text):
    """A document with a hostile text wherever text may stand."""
    picture = Picture(PNG, "png", text, is_wide=False)
    blocks = (
        Words(text, is_notice=True),
        Points((text,)),
        Table(
            text,
            (text, text),
            ((Cell(text), Cell(text, note=text, is_best=True, is_weak=True, shade=0.5)),),
            groups=(HeadGroup(text, 2),),
            summary_rows=1,
        ),
        Fold(text, (dataclasses.replace(picture, is_wide=True), Words(text))),
        PictureGrid(text, (text,), ((text, ((picture,),)),)),
    )
    return Document(text, text, (Section("one", text, blocks),))


def test_hostile_text_stays_text():
    page = html.as_html(everything(HOSTILE))
    read = Page(page)

    assert "script" not in read.tags
    assert all(value.startswith("data:") for name, value in read.attributes if name == "src")
    assert not any(name.startswith("on") for name, _ in read.attributes)
    assert " ".join(HOSTILE.split()) in read.text
    assert "49" not in read.text


def test_an_empty_cell_of_a_grid_is_not_run():
    grid = PictureGrid("grid", ("VGG19",), (("Grad-CAM", ((),)),))
    page = html.as_html(Document("t", "s", (Section("one", "One", (grid,)),)))

    assert '<span class="missing">not run</span>' in page


def test_best_and_weak_cells_are_marked_for_eyes_that_see_no_colour():
    row = (Cell("AU1"), Cell("0.9", is_best=True), Cell("0.1", is_weak=True))
    table = Table("t", ("AU", "A", "B"), (row,))
    page = html.as_html(Document("t", "s", (Section("one", "One", (table,)),)))

    assert "<strong>0.9</strong>" in page
    assert '0.1<sup title="not above the baseline">&dagger;</sup>' in page


def test_groups_of_columns_begin_where_their_sums_say():
    table = Table(
        "t",
        ("a", "b", "c", "d"),
        (),
        groups=(HeadGroup("", 1), HeadGroup("x", 2), HeadGroup("y", 1)),
    )

    assert html.group_starts(table) == {1, 3}


def test_short_second_halves_of_headings_stay_on_their_line():
    assert html.unbroken("macro-F1 at 0.5") == "macro\N{NON-BREAKING HYPHEN}F1 at 0.5"
    assert html.unbroken("Grad-CAM++") == "Grad-CAM++"
