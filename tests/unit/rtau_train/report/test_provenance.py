from rtau_train.report.document import Fold
from rtau_train.report.provenance import record_section
from tests.support.report_pages import row_of
from tests.support.study_results import NOT_RUN


def test_the_study_and_every_run_have_their_record(results1):
    study, runs, *folds = record_section(results1).blocks

    assert row_of(study, "commit")[1].text == "0123abc"
    assert row_of(study, "files.labels.csv")[1].text == "sha256 00ff"
    row = [cell.text for cell in row_of(runs, "vgg19-disfa-image")]
    assert row[:3] == ["vgg19-disfa-image", "by image", "1"]
    assert "1,400 (140)" in row
    assert "torch 2.14.1, numpy 2.4.6" in row
    assert len(folds) == sum(run.metrics is not None for run in results1.runs)
    assert all(isinstance(fold, Fold) for fold in folds)
    flat = folds[0].blocks[0]
    assert row_of(flat, "files.model.pt")[1].text == "sha256 ab12"
    assert row_of(flat, "settings.batch size")[1].text == "48"


def test_a_run_that_was_not_made_has_its_recipe_only(results1):
    runs = record_section(results1).blocks[1]
    row = dict(zip(runs.head, [cell.text for cell in row_of(runs, NOT_RUN)], strict=True))

    assert row["recipe"] == "train/recipes/nasnet_mobile-dem.toml"
    assert row["train"] == row["seed"] == "not run"
    assert row["commit"] == "\N{EN DASH}"
