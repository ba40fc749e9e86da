"""Summaries, recomputed by other means; weights are times, and rows without a face do not count."""

import math

import numpy as np
import pytest

from rtau import analysis
from rtau.analysis.event_detection import EventRule
from rtau.analysis.face_summary import weighted_quantile
from tests.support.tables import face_table, merged


def only_row(table):
    assert len(table) == 1
    return {name: values[0] for name, values in table.columns.items()}


def test_means_are_over_time():
    times = [0.0, 0.1, 0.3, 0.4]
    table = face_table({"AU12_p": [0.0, 0.9, 0.0, 0.0], "AU12_c": [0, 1, 0, 0]}, times=times)
    row = only_row(analysis.summary(table))
    assert row["duration_s"] == pytest.approx(0.5)
    assert row["mean_AU12"] == pytest.approx(0.9 * 0.2 / 0.5)
    assert row["active_AU12"] == pytest.approx(0.2 / 0.5)
    assert row["sd_AU12"] == pytest.approx(math.sqrt(0.9**2 * 0.4 - 0.36**2))
    assert row["p95_AU12"] == 0.9
    assert row["events_per_min_AU12"] == pytest.approx(60 / 0.5)
    assert row["median_duration_s_AU12"] == pytest.approx(0.2)


def test_frames_without_the_face_are_in_no_mean():
    table = face_table({"AU12_p": [1.0, None, None, 0.5], "AU12_c": [1, None, None, 0]})
    row = only_row(analysis.summary(table))
    assert (row["frames"], row["frames_seen"], row["seen"]) == (4, 2, 0.5)
    assert row["mean_AU12"] == 0.75
    assert row["active_AU12"] == 0.5


def test_flagged_frames_are_in_no_mean_and_the_usable_share_is_told():
    values = {"AU12_p": [1.0, 0.0, 0.0, 0.0], "AU12_c": [1, 0, 0, 0], "quality": [1, 1, 0, 0]}
    row = only_row(analysis.summary(face_table(values)))
    assert (row["seen"], row["usable"], row["frames_usable"]) == (1.0, 0.5, 2)
    assert row["usable_s"] == pytest.approx(0.2)
    assert row["mean_AU12"] == 0.5
    assert only_row(analysis.summary(face_table(values), all_rows=True))["mean_AU12"] == 0.25


def test_cheeks_and_lips_together_are_counted():
    values = {"AU06_c": [1, 1, 0, 0], "AU12_c": [1, 0, 1, 0]}
    assert only_row(analysis.summary(face_table(values)))["active_AU06_AU12"] == 0.25


def test_a_file_without_a_face_keeps_its_row():
    table = face_table({"AU12_p": [None, None], "AU12_c": [None, None]})
    row = only_row(analysis.summary(table))
    assert row["face"] is None
    assert (row["frames"], row["seen"]) == (2, 0.0)
    assert "mean_AU12" not in row


def test_every_face_has_a_row():
    one = face_table({"AU12_p": [0.2, 0.2], "AU12_c": [0, 0]}, face=1)
    two = face_table({"AU12_p": [0.9, None], "AU12_c": [1, None]}, face=2)
    found = analysis.summary(merged(one, two))
    assert found["face"].tolist() == ["1", "2"]
    assert found["mean_AU12"].tolist() == [0.2, 0.9]
    assert found["seen"].tolist() == [1.0, 0.5]


def test_other_values_have_their_own_shares():
    values = {"AU12_p": [0.9, 0.9], "AU12_n": [0.9, 0.1], "AU12_c": [1, 1]}
    row = only_row(analysis.summary(face_table(values), EventRule("n"), thresholds={"AU12": 0.5}))
    assert (row["mean_AU12"], row["active_AU12"]) == (0.5, 0.5)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_the_quantile_of_equal_weights_is_numpys(share):
    values = np.random.default_rng(1).random(101)
    found = weighted_quantile(values, np.full(101, 0.04), share)
    assert found == np.quantile(values, share, method="inverted_cdf")


def test_pandas_finds_the_same():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    generator = np.random.default_rng(2)
    values = generator.random(200).tolist()
    table = face_table({"AU12_p": values, "AU12_c": [float(v >= 0.5) for v in values]})
    row = only_row(analysis.summary(table))
    frame = pandas.DataFrame(dict(table.columns))
    assert row["mean_AU12"] == pytest.approx(frame.AU12_p.mean(), abs=1e-6)
    assert row["sd_AU12"] == pytest.approx(frame.AU12_p.std(ddof=0), abs=1e-6)
    assert row["active_AU12"] == pytest.approx(frame.AU12_c.mean(), abs=1e-6)
