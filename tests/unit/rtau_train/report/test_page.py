import pytest

from rtau_train.report.page import document_of, write_report
from rtau_train.report.results import StudyResults
from tests.support.report_pages import Page, tables_of
from tests.support.study_results import NOT_RUN

PARTS_OF_1 = [
    "F1 per Action Unit: DISFA+ (Table 7)",
    "F1 per Action Unit: DEM (Table 8)",
    "Beside published methods (Table 9)",
    "Confusion matrices per AU",
    "Heatmaps",
    "Training curves",
    "Calibration",
    "By group of people",
    "Images per label and part",
    "Hyper-parameters (Table 6)",
    "What differs from the paper, and why",
    "What does not add up in the paper",
    "Details of every run",
    "The run's record",
]


@pytest.mark.parametrize("part", PARTS_OF_1)
def test_the_report_of_the_first_paper_has_each_part(html1, markdown1, part):
    assert part in Page(html1).text
    assert part in markdown1.replace("\\", "")


@pytest.mark.parametrize(
    "part", ["Accuracy", "Confusion matrices", "F1 per emotion", "Top losses", "67.51 %", "65.17 %"]
)
def test_the_report_of_the_second_paper_has_each_part(html2, markdown2, part):
    assert part in Page(html2).text
    assert part in markdown2


def test_it_says_first_what_data_this_is(document1, results1):
    first = document1.sections[0].blocks[0]

    assert first.text == results1.study.data
    assert first.is_notice
    assert document1.title == results1.study.heading


def test_nothing_but_what_was_not_run_is_called_so(html1):
    assert f"17 of 18 experiments were run. Not run: {NOT_RUN}." in Page(html1).text


def test_a_study_of_which_nothing_was_run_has_a_report_without_a_number_of_ours(results1):
    empty = StudyResults(
        results1.study,
        tuple(type(run)(run.experiment, None) for run in results1.runs),
    )

    document = document_of(empty)

    ours = [table for table in tables_of(document) if table.caption.startswith("F1 per AU at prob")]
    for table in ours:
        for column, head in enumerate(table.head):
            if head.startswith(("ours", "by ")):
                assert {row[column].text for row in table.rows} == {"not run"}


def test_both_files_are_written(results2, tmp_path):
    html, markdown = write_report(results2, out=tmp_path / "deep" / "report")

    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert markdown.read_text(encoding="utf-8").startswith("# Three ResNets")
    assert (html.name, markdown.name) == ("index.html", "report.md")


def test_the_same_results_give_the_same_bytes(results2, tmp_path):
    first, _ = write_report(results2, out=tmp_path / "a")
    again, _ = write_report(results2, out=tmp_path / "b")

    assert first.read_bytes() == again.read_bytes()
