import dataclasses

import numpy as np
import pytest
import sklearn.metrics as sk

from rtau_train.evaluation import binary_metrics
from rtau_train.evaluation.assessment import Answers, class_metrics, group_metrics, label_metrics

LABELS = ("AU01", "AU12", "AU25")
EMOTIONS = ("anger", "fear", "happiness")


def answers(*, rows=120, people=10, seed=0, uncoded=0.2):
    """Probabilities that know something of the truth; some rows are not coded."""
    generator = np.random.default_rng(seed)
    present = generator.random((rows, 3)) < (0.15, 0.4, 0.7)
    coded = generator.random((rows, 3)) >= uncoded
    probabilities = np.clip(0.3 * present + generator.random((rows, 3)) * 0.7, 0, 1)
    return Answers(
        labels=LABELS,
        files=tuple(f"{row}.jpg" for row in range(rows)),
        probabilities=probabilities,
        present=present & coded,
        coded=coded,
        subjects=np.array([f"s{row % people}" for row in range(rows)]),
    )


def emotions(*, rows=90, people=9, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, rows)
    logits = generator.normal(0, 1, (rows, 3)) + 1.2 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Answers(
        labels=EMOTIONS,
        files=tuple(f"{row}.png" for row in range(rows)),
        probabilities=probabilities,
        present=np.eye(3, dtype=bool)[truth],
        coded=np.ones((rows, 3), bool),
        subjects=np.array([f"s{row % people}" for row in range(rows)]),
    )


@pytest.fixture(scope="module")
def judged():
    return label_metrics(answers(), thresholds=(0.4, 0.5, 0.6), seed=1)


def test_each_label_is_judged_over_its_coded_rows(judged):
    said = answers()
    for k, row in enumerate(judged[0]):
        coded = said.coded[:, k]
        truth, scores = said.present[coded, k], said.probabilities[coded, k]
        assert (row.label, row.rows, row.positives) == (LABELS[k], coded.sum(), truth.sum())
        assert row.base_rate == pytest.approx(truth.mean())
        assert row.f1_half == pytest.approx(sk.f1_score(truth, scores >= 0.5))
        assert row.f1 == pytest.approx(sk.f1_score(truth, scores >= row.threshold))
        assert row.f1_all_positive == pytest.approx(sk.f1_score(truth, np.ones_like(truth)))
        assert row.precision == pytest.approx(sk.precision_score(truth, scores >= 0.5))
        assert row.recall == pytest.approx(sk.recall_score(truth, scores >= 0.5))
        assert row.auc == pytest.approx(sk.roc_auc_score(truth, scores))
        assert row.pr_auc == pytest.approx(sk.average_precision_score(truth, scores))
        assert row.mcc == pytest.approx(sk.matthews_corrcoef(truth, scores >= 0.5))
        at_half = row.confusion
        expected = sk.confusion_matrix(truth, scores >= 0.5).ravel()
        assert [at_half.tn, at_half.fp, at_half.fn, at_half.tp] == list(expected)
        assert sum(found.rows for found in row.reliability) == row.rows


def test_the_means_are_over_labels_and_the_micro_f1_over_decisions(judged):
    labels, means = judged
    said = answers()
    coded = said.coded

    assert means.macro_f1_half == pytest.approx(np.mean([row.f1_half for row in labels]))
    assert means.macro_f1 == pytest.approx(np.mean([row.f1 for row in labels]))
    assert means.mean_auc == pytest.approx(np.mean([row.auc for row in labels]))
    pooled = sk.f1_score(said.present[coded], (said.probabilities >= 0.5)[coded])
    assert means.micro_f1_half == pytest.approx(pooled)


def test_intervals_hold_the_figure_and_come_from_whole_people(judged):
    labels, means = judged
    for row in labels:
        assert row.f1_half_low < row.f1_half < row.f1_half_high
        assert row.f1_low < row.f1 < row.f1_high
    assert means.macro_f1_half_low < means.macro_f1_half < means.macro_f1_half_high
    # A mean over labels scatters less than the rarest of them.
    rare = labels[0].f1_half_high - labels[0].f1_half_low
    assert means.macro_f1_half_high - means.macro_f1_half_low < rare


def test_an_interval_is_that_of_people_drawn_one_by_one():
    said = answers(rows=40, people=5)
    generator = np.random.default_rng(7)
    people = np.unique(said.subjects)
    scores = []
    for drawn in generator.integers(0, 5, (1000, 5)):
        rows = np.concatenate([np.flatnonzero(said.subjects == people[one]) for one in drawn])
        rows = rows[said.coded[rows, 2]]
        scores.append(binary_metrics.f1(said.probabilities[rows, 2] >= 0.5, said.present[rows, 2]))

    found = label_metrics(said, thresholds=(0.5,) * 3, seed=7)[0][2]
    ends = np.percentile(scores, (2.5, 97.5))
    assert (found.f1_half_low, found.f1_half_high) == pytest.approx(tuple(ends))


def test_one_person_has_no_interval():
    labels, means = label_metrics(answers(people=1), thresholds=(0.5,) * 3, seed=0)

    assert np.isnan([labels[0].f1_half_low, labels[0].f1_half_high, means.macro_f1_low]).all()
    assert not np.isnan(labels[0].f1_half)


def test_a_label_that_never_occurs_has_no_f1_and_leaves_the_mean_alone():
    said = answers(uncoded=0)
    present = said.present.copy()
    present[:, 0] = False
    labels, means = label_metrics(
        dataclasses.replace(said, present=present), thresholds=(0.5,) * 3, seed=0
    )

    never = labels[0]
    assert (never.positives, never.base_rate) == (0, 0)
    for figure in ("f1_half", "f1", "f1_all_positive", "recall", "auc", "pr_auc", "mcc"):
        assert np.isnan(getattr(never, figure)), figure
    assert np.isnan([never.f1_half_low, never.f1_half_high]).all()
    assert means.macro_f1_half == pytest.approx((labels[1].f1_half + labels[2].f1_half) / 2)


def test_a_label_that_nobody_coded_has_no_figures():
    said = answers()
    coded = said.coded.copy()
    coded[:, 1] = False
    blind = dataclasses.replace(said, coded=coded, present=said.present & coded)

    labels, _ = label_metrics(blind, thresholds=(0.5,) * 3, seed=0)

    assert labels[1].rows == 0
    assert np.isnan([labels[1].base_rate, labels[1].f1_half, labels[1].ece]).all()


def test_what_is_not_coded_changes_nothing():
    said = answers()
    other = dataclasses.replace(
        said, probabilities=np.where(said.coded, said.probabilities, 1 - said.probabilities)
    )

    assert label_metrics(said, thresholds=(0.5,) * 3, seed=0) == label_metrics(
        other, thresholds=(0.5,) * 3, seed=0
    )


def test_groups_cover_every_row_and_are_judged_as_the_whole_is():
    said = answers(uncoded=0)
    sexes = np.array(["f", "m"] * 60)

    groups = group_metrics(said, {"sex": sexes}, thresholds=(0.4, 0.5, 0.6))

    assert [(group.column, group.value, group.rows) for group in groups] == [
        ("sex", "f", 60),
        ("sex", "m", 60),
    ]
    rows = sexes == "m"
    expected = [
        sk.f1_score(said.present[rows, k], said.probabilities[rows, k] >= 0.5) for k in range(3)
    ]
    assert groups[1].macro_f1_half == pytest.approx(np.mean(expected))
    assert np.isnan(groups[1].accuracy)


def test_classes_are_judged_by_the_most_probable_one():
    said = emotions()
    truth, chosen = said.present.argmax(axis=1), said.probabilities.argmax(axis=1)

    found = class_metrics(said, seed=2)

    assert (np.array(found.matrix) == sk.confusion_matrix(truth, chosen)).all()
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, chosen))
    assert found.macro_f1 == pytest.approx(sk.f1_score(truth, chosen, average="macro"))
    assert found.f1 == pytest.approx(tuple(sk.f1_score(truth, chosen, average=None)))
    assert found.precision == pytest.approx(tuple(sk.precision_score(truth, chosen, average=None)))
    assert found.recall == pytest.approx(tuple(sk.recall_score(truth, chosen, average=None)))
    assert found.majority_accuracy == pytest.approx(np.bincount(truth).max() / len(truth))
    assert found.accuracy_low < found.accuracy < found.accuracy_high
    assert found.macro_f1_low < found.macro_f1 < found.macro_f1_high


def test_top_losses_come_first_and_name_file_and_classes():
    said = emotions()
    losses = -np.log(said.probabilities[said.present])

    found = class_metrics(said, seed=2).top_losses

    assert len(found) == 20
    worst = int(np.argmax(losses))
    assert found[0].file == f"{worst}.png"
    assert found[0].loss == pytest.approx(losses[worst])
    assert found[0].truth == EMOTIONS[said.present[worst].argmax()]
    assert [one.loss for one in found] == sorted((one.loss for one in found), reverse=True)


def test_groups_of_classes_have_an_accuracy():
    said = emotions()
    groups = group_metrics(said, {"sex": np.array(["f", "m", "m"] * 30)}, thresholds=None)

    right = said.present.argmax(axis=1) == said.probabilities.argmax(axis=1)
    assert groups[0].accuracy == pytest.approx(right[::3].mean())
    assert np.isnan(groups[0].mean_auc)


def test_rows_of_an_unknown_group_are_in_none():
    said = answers()
    sexes = np.array(["", "f", "m", "f"] * 30)

    groups = group_metrics(said, {"sex": sexes}, thresholds=(0.5,) * 3)

    assert [(group.value, group.rows) for group in groups] == [("f", 60), ("m", 30)]
