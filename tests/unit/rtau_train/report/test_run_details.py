from rtau_train.report.document import Fold, Picture, Words
from rtau_train.report.run_details import clusters, matrices_section
from tests.support.report_pages import heads_of, row_of, tables_of


def test_every_figure_of_every_run_is_in_its_details(document1, results1):
    section = next(s for s in document1.sections if s.key == "details")
    run = [run for run in results1.runs if run.metrics]

    assert len(section.blocks) == len(run)
    table = section.blocks[0].blocks[0]
    for label, row in zip(run[0].metrics.labels, table.rows, strict=True):
        texts = [cell.text for cell in row]
        for value in (label.auc, label.pr_auc, label.mcc, label.ece, label.threshold, label.f1):
            assert f"{value:.3f}" in texts
        counts = label.confusion
        assert texts[-4:] == [str(n) for n in (counts.tn, counts.fp, counts.fn, counts.tp)]


def test_matrices_are_those_of_the_paper_s_networks(results1):
    blocks = matrices_section(results1).blocks

    captions = [block.caption for block in blocks if isinstance(block, Picture)]
    assert [caption.rpartition("Figure ")[2] for caption in captions] == ["5)", "6)", "9)", "10)"]
    folds = [block.title for block in blocks if isinstance(block, Fold)]
    assert len(folds) == 2  # by subject, DISFA+ only
    assert all("split by subject" in title for title in folds)


def test_matrices_that_cannot_be_drawn_are_said_to_be_missing(results2):
    words = [b.text for b in matrices_section(results2).blocks if isinstance(b, Words)]

    assert sum("not run" in text for text in words) == 4


def test_groups_have_a_row_each_with_every_network(document1, results1):
    tables = [t for t in tables_of(document1) if t.caption.startswith("Figures by group")]
    run = results1.runs[0]
    group = run.metrics.groups[0]

    row = row_of(tables[0], "sex: f")
    place = heads_of(tables[0]).index("VGG19: macro-F1")
    assert row[1].text == str(group.rows)
    assert row[place].text == f"{group.macro_f1_half:.3f}"
    assert len(tables) == 3


def test_data_without_groups_have_no_such_part(document2):
    assert "groups" not in {section.key for section in document2.sections}


def test_clusters_are_every_data_set_and_split(results1):
    assert [title for title, _, _ in clusters(results1)] == [
        "DISFA+, split by image",
        "DISFA+, split by subject",
        "DEM, split by image",
    ]
