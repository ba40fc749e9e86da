from rtau_train.evaluation.metrics_table import metrics_table
from tests.support.study_results import au_metrics, emotion_metrics


def test_labels_have_a_row_each_and_their_means_one():
    metrics = au_metrics()
    said, empty, *lines = metrics_table(metrics).splitlines()

    assert (said, empty) == ("Test part, 400 pictures", "")
    assert len(lines) == 2 + 12 + 1
    assert len({line.count("|") for line in lines}) == 1
    first = metrics.labels[0]
    assert lines[2].startswith(f"| {first.label} | inner brow raiser | {first.auc:.3f} |")
    assert f"| {first.f1_half_low:.2f}-{first.f1_half_high:.2f} | {first.f1:.3f} |" in lines[2]
    assert f"| {metrics.means.macro_f1_half:.3f} |" in lines[-1]


def test_classes_have_a_row_each_and_the_accuracy_a_line():
    metrics = emotion_metrics()
    text = metrics_table(metrics)

    assert len(text.splitlines()) == 2 + 2 + 7 + 2
    found = metrics.classes
    assert f"| anger | {found.precision[0]:.3f} | {found.recall[0]:.3f} |" in text
    assert f"Accuracy {found.accuracy:.3f} (" in text
    assert f"most frequent class {found.majority_accuracy:.3f}" in text
