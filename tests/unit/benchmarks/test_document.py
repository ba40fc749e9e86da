import re

import pytest

from benchmarks.document import origin, processor, write_measured

PAGE = """# Title

<!-- measured by a.py: begin -->
old
<!-- measured by a.py: end -->

between

<!-- measured by b.py: begin -->
<!-- measured by b.py: end -->
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_a_script_writes_its_own_part_and_no_other(page):
    write_measured(page, "new\n", script="b.py")
    write_measured(page, "newer", script="b.py")

    assert page.read_text() == PAGE.replace("b.py: begin -->\n", "b.py: begin -->\nnewer\n")


def test_a_page_without_the_markers_is_named_and_left_alone(page):
    with pytest.raises(SystemExit, match=r"page\.md: must hold the lines <!-- measured by c\.py"):
        write_measured(page, "new", script="c.py")

    assert page.read_text() == PAGE


def test_the_origin_names_commit_processor_and_versions():
    assert re.fullmatch(
        r"Commit [0-9a-f]{7,}(-dirty)?; .+ cores, .+, load [\d.]+; numpy [\d.]+\.", origin("numpy")
    )


def test_the_processor_says_whether_it_multiplies_bytes():
    assert ("no VNNI" in processor()) != ("vnni" in processor())
