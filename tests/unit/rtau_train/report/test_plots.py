import re

import pytest

from rtau_train.evaluation.reliability import ReliabilityBin
from rtau_train.report import plots
from rtau_train.report.results import Epoch
from tests.support.study_results import au_metrics


@pytest.fixture(scope="module")
def labels():
    return au_metrics().labels


def drawn_words(svg):
    """Texts are drawn as outlines; matplotlib leaves each in a comment."""
    return re.findall(r"<!-- (.*?) -->", svg.decode(), flags=re.DOTALL)


def test_the_matrices_show_every_count(labels):
    words = drawn_words(plots.matrices(labels))

    for label in labels:
        counts = label.confusion
        for count in (counts.tn, counts.fp, counts.fn, counts.tp):
            assert any(word.startswith(f"{count}\n") or word == str(count) for word in words)
    assert {"AU1", "AU26"} <= set(words)


def test_the_same_numbers_give_the_same_bytes(labels):
    assert plots.matrices(labels) == plots.matrices(labels)


def test_a_run_without_epochs_is_left_out_and_keeps_its_colour():
    epochs = [Epoch(1, 0.5, 0.6), Epoch(2, 0.4, 0.7)]
    whole = plots.training_curves([("A", epochs), ("B", epochs)], score="AUC").decode()
    part = plots.training_curves([("A", ()), ("B", epochs)], score="AUC").decode()

    assert plots.COLOURS[0].lower() in whole
    assert plots.COLOURS[0].lower() not in part
    assert plots.COLOURS[1].lower() in part
    assert "A" not in drawn_words(part.encode())


def test_reliability_has_a_diagram_per_run_and_survives_a_label_without_rows():
    bins = (ReliabilityBin(0.25, 0.5, 4), ReliabilityBin(0.75, 0.9, 2))

    words = drawn_words(plots.reliabilities([("A", [bins, bins]), ("B", [bins])]))

    assert {"A", "B", "probability", "share present"} <= set(words)


def test_pooled_bins_weigh_by_their_rows():
    one = (ReliabilityBin(0.2, 0.0, 3), ReliabilityBin(0.95, 1.0, 1))
    other = (ReliabilityBin(0.12, 0.4, 1),)

    low, high = plots._pooled([one, other])

    assert low.rows == 4
    assert low.mean_probability == pytest.approx((3 * 0.2 + 0.12) / 4)
    assert low.share_present == pytest.approx(0.1)
    assert (high.mean_probability, high.share_present, high.rows) == (0.95, 1.0, 1)
