"""The person's own neutral: what counts as one, and what is subtracted."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.baseline import (
    EVERYONE,
    TAKEN_S,
    Baseline,
    NeutralRefusedError,
    Neutrals,
    Observation,
    Span,
    calibrated,
    neutral_of,
)
from rtau.errors import UsageError

LABELS, THRESHOLDS = ("AU01", "AU04", "AU12"), (0.5, 0.4, 0.6)
NONE_YET = Neutrals(LABELS, "0" * 64, 0.5, "a test", {})


def observation(*values, pose=(0.0, 0.0), reasons=()):
    return Observation(np.array(values, np.float32), pose, reasons)


def taken(observations):
    return neutral_of(observations, labels=LABELS, thresholds=THRESHOLDS)


def test_a_neutral_is_the_median_of_the_log_odds_without_flagged_frames():
    rest = [observation(p, 0.2, 0.1) for p in (0.1, 0.2, 0.3)]
    flagged = [observation(0.9, 0.9, 0.9, reasons=("blurred",))]
    assert taken([*rest, *flagged]) == tuple(
        round(math.log(p / (1 - p)), 3) for p in (0.2, 0.2, 0.1)
    )


@pytest.mark.parametrize(
    ("observations", "why"),
    [
        ([], "not seen"),
        ([observation(0.1, 0.1, 0.7)] * 5, r"it smiles \(AU12 is active\)"),
        (
            [observation(0.1, 0.1, 0.1), observation(0.1, 0.9, 0.1)] * 9,
            r"it moves \(AU04 changes\)",
        ),
        ([observation(0.1, 0.1, 0.1, pose=(0.0, -0.5))] * 5, "turned by 29 degrees"),
        ([observation(0.1, 0.1, 0.1, pose=(y, 0.0)) for y in (-0.2, 0.0, 0.2)] * 3, "turns by 23"),
        ([observation(0.1, 0.1, 0.1, reasons=("dark",))] * 5, r"not seen well \(dark\)"),
    ],
)
def test_what_moves_turns_or_smiles_is_no_neutral(observations, why):
    with pytest.raises(NeutralRefusedError, match=why):
        taken(observations)


@given(
    st.floats(0.001, 0.999), st.floats(-8, 8), st.floats(0, 1)
)  # a probability, a neutral, a share
def test_a_share_of_the_neutral_is_subtracted_in_log_odds(p, neutral, share):
    values = np.array([[p]], np.float32)
    logit = math.log(float(values[0, 0]) / (1 - float(values[0, 0])))
    expected = 1 / (1 + math.exp(-(logit - share * neutral)))
    assert calibrated(values, [neutral], share=share)[0, 0] == pytest.approx(expected, rel=1e-5)
    assert calibrated(values, [neutral], share=0.0)[0, 0] == pytest.approx(p, rel=1e-5)


def test_a_span_ends_before_its_end_and_after_its_beginning():
    span = Span.parse("0-2.5")
    assert [span.holds(time_s) for time_s in (0.0, 2.4999994, 2.4999996)] == [True, True, False]
    assert Span.parse("0-5.png") is None
    with pytest.raises(UsageError, match="must end after it begins"):
        Span.parse("5-5")


def test_nothing_is_calibrated_until_a_neutral_is_asked_for_and_taken():
    baseline = Baseline(NONE_YET, thresholds=THRESHOLDS, decides=True)
    rest = observation(0.2, 0.2, 0.2)
    smiling = observation(0.2, 0.2, 0.9)
    assert baseline.see({"1": rest, "2": smiling}, time_s=0.0) is None
    assert baseline.notices == ()
    baseline.ask()
    for k in range(round(25 * TAKEN_S)):
        assert baseline.see({"1": rest, "2": smiling}, time_s=1 + k / 25) is None
    assert "keep still" in baseline.notices[0]
    found = baseline.see({"1": rest, "2": smiling}, time_s=1 + TAKEN_S)
    assert np.allclose(found.values[0], 1 / (1 + math.exp(-0.5 * math.log(0.2 / 0.8))), atol=1e-3)
    assert found.of(1, LABELS) is None
    raw = np.stack([rest.probabilities, smiling.probabilities])
    assert np.array_equal(found.deciding(raw)[1], raw[1])  # no neutral: raw values decide
    assert np.array_equal(dataclasses.replace(found, decides=False).deciding(raw), raw)
    assert baseline.notices == (
        "neutral of face 1 taken",
        "neutral of face 2 refused: it smiles (AU12 is active)",
    )
    assert baseline.see({}, time_s=60.0) is None
    assert baseline.notices == ()


def test_a_neutral_of_a_picture_holds_for_every_face():
    known = dataclasses.replace(NONE_YET, logits={EVERYONE: (0.0, 0.0, -2.0)})
    baseline = Baseline(known, thresholds=THRESHOLDS)
    found = baseline.see(
        {"1": observation(0.5, 0.5, 0.5), "left": observation(0.1, 0.1, 0.1)}, time_s=0.0
    )
    assert found.of(0, LABELS)["AU12"] == pytest.approx(1 / (1 + math.exp(-1)))
    assert found.of(1, LABELS) is not None
