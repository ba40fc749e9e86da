import dataclasses

import numpy as np
import pytest
import sklearn.metrics as sk

from rtau_train.report.emotion_tables import emotion_sections, in_paper_order
from rtau_train.report.published.tables import paper2
from rtau_train.report.results import StudyResults
from tests.support.report_pages import row_of, table_of


def classes_of(results, key):
    """The classes of a run on the public part, which the paper's matrix is of."""
    return next(run.public.classes for run in results.runs if run.experiment.key == key)


def test_both_accuracies_of_the_paper_stand_beside_ours(document2, results2):
    table = table_of(document2, "Accuracy beside the paper's")
    found = classes_of(results2, "resnet18-fer2013")

    assert row_of(table, "published, network and part not stated")[3].text == "67.51 %"
    assert row_of(table, "published matrix, ResNet18")[3].text == "65.17 %"
    ours, private = (row for row in table.rows if row[0].text == "ResNet18")
    assert ours[3].text == f"{found.accuracy:.2%}".replace("%", " %")
    assert (
        ours[3].note == f"{100 * found.accuracy_low:.1f}\N{EN DASH}{100 * found.accuracy_high:.1f}"
    )
    assert (ours[2].text, private[2].text) == ("public test", "private test")
    assert {cell.text for cell in row_of(table, "ResNet50")[2:]} == {"not run"}


def test_what_is_of_the_papers_pictures_stands_next_to_its_matrix(document2):
    section = next(s for s in document2.sections if s.key == "matrices")

    captions = [block.caption.partition(". Rows")[0] for block in section.blocks[:5]]
    assert captions == [
        "Published, ResNet18, FER2013, public test (the paper's Figure 3)",
        "Here: ResNet18, FER2013, public test",
        "Here: ResNet34, FER2013, public test",
        "Here: ResNet18, FER2013, private test",
        "Here: ResNet34, FER2013, private test",
    ]


def test_pictures_a_run_was_chosen_by_are_called_so(results2):
    run = results2.runs[0]
    used = dataclasses.replace(run.metrics, used_for="used to choose thresholds and epochs")
    runs = (dataclasses.replace(run, public=None, metrics=used),)

    table, _ = emotion_sections(StudyResults(results2.study, runs))[0].blocks

    assert row_of(table, "ResNet18")[2].note == "used to choose thresholds and epochs"


def test_the_published_f1_is_what_scikit_learn_makes_of_the_matrix(document2):
    matrix = paper2().matrix
    truth = np.repeat(np.arange(7), [sum(row) for row in matrix.rows])
    said = np.concatenate([np.repeat(np.arange(7), row) for row in matrix.rows])
    expected = sk.f1_score(truth, said, average=None)

    table = table_of(document2, "F1 per emotion")

    for label, score in zip(matrix.labels, expected, strict=True):
        assert float(row_of(table, label)[1].text) == pytest.approx(score, abs=5e-4)


def test_our_matrix_is_in_the_order_of_the_paper(document2, results2):
    found = classes_of(results2, "resnet18-fer2013")
    table = table_of(document2, "Here: ResNet18, FER2013, public test")

    assert table.head[1:-1] == paper2().matrix.labels
    for label in found.labels:
        row = row_of(table, label)
        place = found.labels.index(label)
        assert int(row[1 + table.head[1:].index(label)].text) == found.matrix[place][place]
        assert int(row[-1].text) == sum(found.matrix[place])


def test_other_emotions_than_the_paper_s_keep_their_order(results2):
    found = classes_of(results2, "resnet18-fer2013")
    other = dataclasses.replace(found, labels=("contempt", *found.labels[1:]))

    labels, counts = in_paper_order(other)

    assert labels == other.labels
    assert (counts == np.array(found.matrix)).all()


def test_the_top_losses_name_their_files(document2, results2):
    worst = classes_of(results2, "resnet18-fer2013").top_losses[0]
    section = next(s for s in document2.sections if s.key == "top-losses")

    row = section.blocks[0].blocks[0].rows[0]
    assert [cell.text for cell in row[:3]] == [worst.file, worst.truth, worst.said]


def test_a_run_that_only_says_the_most_frequent_class_is_named(results2):
    run = dataclasses.replace(results2.runs[0], public=None)
    found = run.metrics.classes
    weak = dataclasses.replace(found, accuracy=found.majority_accuracy)
    metrics = dataclasses.replace(run.metrics, classes=weak)
    results = StudyResults(results2.study, (dataclasses.replace(run, metrics=metrics),))

    table, words = emotion_sections(results)[0].blocks

    assert row_of(table, "ResNet18")[3].is_weak
    assert words.text.endswith("the most frequent emotion: ResNet18, FER2013, private test.")
