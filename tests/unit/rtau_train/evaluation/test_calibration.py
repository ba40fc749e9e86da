import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import UsageError
from rtau_train.evaluation import calibration, evaluate
from rtau_train.models.checkpoint import load_model
from tests.support.training import faces, splits


def drawn(*, temperature, shift, rows=20_000, seed=0):
    """Returns logits and truth for which (logit - shift) / temperature is the log odds."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 2, rows)
    return odds * temperature + shift, rng.random(rows) < 1 / (1 + np.exp(-odds))


@pytest.mark.parametrize(("temperature", "shift"), [(1, 0), (2.5, 1), (0.4, -0.7)])
def test_what_bent_the_odds_is_found_again(temperature, shift):
    found = calibration.temperature_and_shift(*drawn(temperature=temperature, shift=shift))

    assert found == pytest.approx((temperature, shift), rel=0.1, abs=0.1)


@given(st.integers(0, 10_000), st.integers(100, 300))
def test_any_rows_give_a_positive_temperature(seed, rows):
    rng = np.random.default_rng(seed)
    occurs = np.arange(rows) < 30

    temperature, shift = calibration.temperature_and_shift(rng.normal(0, 3, rows), occurs)

    assert 0 < temperature <= 1 / calibration.LEAST_SLOPE
    assert np.isfinite(shift)


def test_logits_that_part_the_classes_stay_finite():
    logits = np.linspace(-3, 3, 50)

    temperature, shift = calibration.temperature_and_shift(logits, logits > 0)

    assert 0 < temperature < 1
    assert abs(shift) < 0.5


def test_a_label_that_is_hardly_ever_present_is_left_as_it_is():
    assert calibration.temperature_and_shift(np.arange(99.0), np.arange(99) > 80) == (1.0, 0.0)


def test_the_last_layer_does_the_division():
    weights = {"head.out.weight": torch.eye(2), "head.out.bias": torch.tensor([1.0, 2.0])}

    made = calibration.folded(weights, np.array([2.0, 4.0]), np.array([3.0, -2.0]))

    logits = torch.tensor([4.0, 8.0])
    before = logits + weights["head.out.bias"]
    after = made["head.out.weight"] @ logits + made["head.out.bias"]
    assert after.tolist() == [(before[0] - 3) / 2, (before[1] + 2) / 4]


def test_one_neutral_face_in_fifty_may_lie_above():
    neutral = np.linspace(0, 0.49, 50)

    threshold = calibration.quiet_threshold(neutral)

    assert (neutral >= threshold).sum() == 1


def test_neutral_faces_above_a_threshold_raise_it():
    assert calibration.photographic_threshold(0.4, 0.6) == 0.6


def test_quiet_neutral_faces_lower_a_threshold_halfway():
    # Log-odds 0 and -2.197: -1.099 between.
    assert calibration.photographic_threshold(0.5, 0.1) == pytest.approx(0.25)


def test_neutral_faces_near_zero_count_as_their_least():
    lowest = calibration.photographic_threshold(0.5, calibration.LEAST_NEUTRAL)

    assert calibration.photographic_threshold(0.5, 1e-9) == lowest > 0.15


@given(st.floats(0.01, 0.99), st.floats(0.0, 0.99))
def test_a_threshold_never_lies_below_what_neutral_faces_reach(best, neutral):
    assert calibration.photographic_threshold(best, neutral) >= min(neutral, best)


def test_too_few_neutral_faces_are_refused():
    with pytest.raises(UsageError, match="50 neutral faces or more to choose thresholds by, got 9"):
        calibration.quiet_threshold(np.zeros(9))


def test_a_calibrated_model_says_what_its_record_says(run_folder, monkeypatch):
    model = load_model(run_folder)
    monkeypatch.setattr(calibration, "temperature_and_shift", lambda *_: (2.0, 1.0))

    made = evaluate.calibrated(model, splits())
    twice = evaluate.calibrated(made, splits())

    crops = evaluate.cut_plain(faces(), np.arange(4), model.recipe)
    before = evaluate.predict(model.network(), crops).logits
    after = evaluate.predict(made.network(), crops).logits
    np.testing.assert_allclose(after, (before - 1) / 2, rtol=1e-4, atol=1e-6)
    assert set(made.temperature) == {2.0}
    assert (set(twice.temperature), set(twice.shift)) == ({4.0}, {3.0})  # ((x - 1) / 2 - 1) / 2
    assert made.calibration_origin.startswith("likelihood on")


def neutral_faces(count):
    chosen = faces().take(np.arange(count) % len(faces()))
    return dataclasses.replace(chosen, targets=np.zeros_like(chosen.targets))


def test_thresdurations_stay_above_neutral_faces(run_folder):
    model, quiet = load_model(run_folder), neutral_faces(60)

    raised = evaluate.calibrated(model, splits(), neutral=quiet)

    crops = evaluate.cut_plain(quiet, np.arange(60), model.recipe)
    logits = evaluate.predict(raised.network(), crops).logits
    said = evaluate.probabilities(logits, task="multi_label")
    # One of 60, and one more where two faces differ by less than arithmetic does.
    assert ((said >= np.array(raised.thresholds)).sum(axis=0) <= 2).all()
    assert "60 neutral photographs" in raised.thresholds_origin


def test_faces_that_show_something_are_not_neutral(run_folder):
    with pytest.raises(UsageError, match="show no AU at all"):
        evaluate.calibrated(load_model(run_folder), splits(), neutral=faces())
