import dataclasses

from rtau_train.report.overview import overview_section
from rtau_train.report.results import StudyResults
from tests.support.report_pages import row_of, table_of


def test_the_best_network_of_each_split_stands_beside_the_best_published(document1, results1):
    row = row_of(table_of(document1, "At one glance"), "DISFA+", "by subject")
    runs = [
        run
        for run in results1.runs
        if (run.experiment.dataset, run.experiment.protocol) == ("disfa+", "subject")
    ]
    best = max(run.metrics.means.macro_f1_half for run in runs)

    assert row[3].text == f"{best:.3f}"
    assert (row[-1].text, row[-1].note) == ("0.9440", "F ShuffleNetV2")


def test_every_reduction_is_in_the_table(document1, results1):
    table = table_of(document1, "What was reduced")

    assert [[cell.text for cell in row] for row in table.rows] == [
        [one.what, one.published, one.used] for one in results1.study.reduced
    ]


def test_emotions_have_the_published_accuracy_beside_the_best(document2):
    table = table_of(document2, "At one glance")

    assert "67.51 % without naming network and part" in table.caption
    assert [[row[1].text, row[-1].text] for row in table.rows] == [
        ["public test", "65.17 %"],
        ["private test", "\N{EN DASH}"],
    ]
    assert {row[2].text for row in table.rows} <= {"ResNet18", "ResNet34"}


def test_nothing_run_is_said_so(results2):
    runs = tuple(dataclasses.replace(run, metrics=None, public=None) for run in results2.runs)
    blocks = overview_section(StudyResults(results2.study, runs)).blocks

    assert blocks[1].text.startswith("0 of 3 experiments were run. Not run: resnet18-fer2013, ")
    assert [cell.text for cell in blocks[2].rows[0]][1:4] == ["not run"] * 3
