import pytest

from rtau_train.report.differences import differences_section, doubts_section
from rtau_train.report.published.doubts import doubts_of_paper1, doubts_of_paper2
from rtau_train.report.published.tables import paper1, paper2


def test_differences_begin_with_the_data_and_hold_what_the_study_adds(results1):
    (points,) = differences_section(results1).blocks

    assert points.items[0] == results1.study.data
    assert points.items[1].startswith("3 values are other than in the recipes")
    assert set(results1.study.differences) <= set(points.items)
    assert any("binary cross-entropy" in item for item in points.items)


@pytest.mark.parametrize(
    ("results", "doubts"),
    [("results1", doubts_of_paper1(paper1())), ("results2", doubts_of_paper2(paper2()))],
    ids=["paper 1", "paper 2"],
)
def test_every_doubt_about_the_paper_is_told(results, doubts, request):
    section = doubts_section(request.getfixturevalue(results))

    assert section.blocks[1].items == doubts
