import math

import pytest

from rtau_train.report.au_tables import published_table
from rtau_train.report.names import paper_label
from rtau_train.report.published.tables import paper1
from tests.support.report_pages import heads_of, row_of, table_of

F1 = {"disfa+": "F1 per AU at probability 0.5, DISFA+", "dem": "F1 per AU at probability 0.5, DEM"}


def metrics_of(results, key):
    return next(run.metrics for run in results.runs if run.experiment.key == key)


def column_of(table, head):
    place = heads_of(table).index(head)
    return {row[0].text: row[place] for row in table.rows}


def test_ours_stand_beside_the_published_ones_with_their_intervals(document1, results1):
    table = table_of(document1, F1["disfa+"])
    for protocol in ("image", "subject"):
        metrics = metrics_of(results1, f"vgg19-disfa-{protocol}")
        ours = column_of(table, f"VGG19: ours by {protocol}")
        for row in metrics.labels:
            cell = ours[paper_label(row.label)]
            assert cell.text == f"{row.f1_half:.3f}"
            assert cell.note == f"{row.f1_half_low:.2f}\N{EN DASH}{row.f1_half_high:.2f}"
        assert ours["average"].text == f"{metrics.means.macro_f1_half:.3f}"
    published = column_of(table, "VGG19: published A")
    assert published["AU20"].text == "0.6828"
    assert published["average"].text == "0.9106"


def test_letters_whose_network_is_not_stated_stand_apart(document1):
    heads = heads_of(table_of(document1, F1["dem"]))

    assert [head for head in heads if "not stated" in head] == [
        f"published, network not stated: published {letter}" for letter in "BCE"
    ]
    assert not [head for head in heads if head.startswith("ResNet101: published")]
    assert "EfficientNetB0: published D" in heads


def test_the_best_of_each_kind_is_in_bold(document1):
    table = table_of(document1, F1["disfa+"])
    for row in table.rows:
        for kind in ("published", "ours by image", "ours by subject"):
            cells = [
                cell
                for cell, head in zip(row, table.head, strict=True)
                if head.startswith(kind) and not cell.is_missing
            ]
            best = max(float(cell.text) for cell in cells)
            assert {float(cell.text) for cell in cells if cell.is_best} == {best}


def test_the_paper_s_own_table_has_the_best_as_the_numbers_have_it():
    table = published_table(paper1().f1_of("disfa+"))

    best = [cell.text for cell in row_of(table, "AU15") if cell.is_best]
    assert best == ["0.9395"]  # the paper prints F's 0.8942 in bold
    assert [c.text for c in row_of(table, "average, printed")][4] == "0.8715"
    assert [c.text for c in row_of(table, "average, recomputed")][4] == "0.9074"


def test_a_network_that_is_not_above_the_baseline_is_marked_and_named(document1, results1):
    means = metrics_of(results1, "nasnet_mobile-disfa-image").means
    assert means.macro_f1_half <= means.macro_f1_all_positive

    row = row_of(table_of(document1, "Means over the AUs, DISFA+"), "NASNet Mobile", "by image")
    assert row[3].text == f"{means.macro_f1_half:.3f}"
    assert row[3].is_weak
    assert row[4].text == f"{means.macro_f1_all_positive:.3f}"
    section = next(s for s in document1.sections if s.key == "table-7")
    words = [block.text for block in section.blocks if hasattr(block, "is_notice")]
    named = [text for text in words if text.startswith("Split by image: not above")]
    assert named
    assert "NASNet Mobile" in named[0]
    assert "VGG19" not in named[0]


def test_the_baseline_is_that_of_the_test_part(document1, results1):
    column = column_of(table_of(document1, F1["disfa+"]), 'always saying "present": by image')

    for row in metrics_of(results1, "vgg19-disfa-image").labels:
        always = 2 * row.base_rate / (1 + row.base_rate)
        assert float(column[paper_label(row.label)].text) == pytest.approx(always, abs=6e-4)


def test_what_was_not_run_is_called_so_in_every_cell(document1):
    column = column_of(table_of(document1, F1["dem"]), "NASNet Mobile: ours by image")

    assert {cell.text for cell in column.values()} == {"not run"}
    row = row_of(table_of(document1, "Means over the AUs, DEM"), "NASNet Mobile", "by image")
    assert {cell.text for cell in row[3:]} == {"not run"}


def test_our_best_network_stands_beside_table_9(document1, results1):
    table = table_of(document1, "F1 per AU: Table 9")
    runs = [run for run in results1.runs if run.experiment.dataset == "dem" and run.metrics]
    best = max(runs, key=lambda run: run.metrics.means.macro_f1_half)

    place = next(
        k for k, head in enumerate(table.head) if head.startswith("ours") and "DEM" in head
    )
    ours = [row[place].text for row in table.rows]
    assert ours == [f"{row.f1_half:.3f}" for row in best.metrics.labels]
    assert [cell.text for cell in row_of(table, "AU5")][3] == "\N{EN DASH}"
    for row, (label, value) in zip(table.rows, paper1().compared[5].f1.items(), strict=True):
        assert row[0].text == paper_label(label)
        assert math.isclose(float(row[6].text), value)
