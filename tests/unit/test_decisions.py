import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.backends import find_model
from rtau.backends.onnx_file import contract_in
from rtau.config import ModelConfig
from rtau.data import Scores
from rtau.decisions import (
    RESET_AFTER_S,
    VIEW_HYSTERESIS,
    VIEW_SMOOTH_S,
    Decider,
    most_probable,
    smooth,
    with_hysteresis,
)
from tests.support.doubles import AU_LABELS, EMOTIONS, make_contract


def logit(p):
    return np.log(p / (1 - p))


def scores_of(*rows, labels=AU_LABELS, task="multi_label"):
    return Scores(
        labels=labels,
        task=task,
        logits=logit(np.array(rows, np.float32)).reshape(len(rows), len(labels)),
    ).probabilities


def ids(*values):
    return np.array(values, np.int64)


def test_without_options_a_decision_is_the_raw_probability_against_the_threshold():
    contract = make_contract(thresholds=(0.5, 0.4, 0.6))
    scores = scores_of([0.51, 0.39, 0.61], [0.49, 0.41, 0.59])

    active = Decider(contract).decide(scores, track_ids=ids(1, 2), time_s=0.0)

    assert active.tolist() == [[True, False, True], [False, True, False]]


@given(st.lists(st.floats(-20, 20, width=32), min_size=3, max_size=3))
def test_the_threshold_itself_is_active(logits):
    scores = Scores(labels=AU_LABELS, task="multi_label", logits=np.array([logits], np.float32))
    thresholds = tuple(scores.probabilities[0].tolist())

    active = Decider(make_contract(thresholds=thresholds)).decide(
        scores.probabilities, track_ids=ids(1), time_s=0.0
    )

    assert active.all()


def test_no_faces_no_decisions():
    empty = Scores(labels=AU_LABELS, task="multi_label", logits=np.zeros((0, 3), np.float32))

    assert Decider(make_contract()).decide(
        empty.probabilities, track_ids=ids(), time_s=0.0
    ).shape == (0, 3)
    assert Decider(make_contract(), smooth_s=1).decide(
        empty.probabilities, track_ids=ids(), time_s=0.0
    ).shape == (0, 3)


@given(step_s=st.floats(0.001, 0.5), pieces=st.integers(1, 8))
def test_smoothing_does_not_depend_on_the_frame_rate(step_s, pieces):
    """One long step and many short ones over the same constant input end at the same value."""
    start, goal = np.zeros(3, np.float32), np.ones(3, np.float32)

    once = smooth(start, goal, elapsed_s=step_s, time_constant_s=0.2)
    often = start
    for _ in range(pieces):
        often = smooth(often, goal, elapsed_s=step_s / pieces, time_constant_s=0.2)

    np.testing.assert_allclose(once, often, atol=1e-5)


def test_smoothing_reaches_63_percent_after_its_time_constant():
    value = smooth(
        np.zeros(1, np.float32), np.ones(1, np.float32), elapsed_s=0.3, time_constant_s=0.3
    )

    assert value[0] == pytest.approx(0.632, abs=1e-3)


def test_hysteresis_keeps_an_active_au_until_the_lower_threshold():
    thresholds = np.array([0.5], np.float32)
    was, values, seen = np.array([False]), [0.45, 0.55, 0.45, 0.35, 0.45], []
    for value in values:
        was = with_hysteresis(was, np.array([value], np.float32), thresholds, share=0.2)
        seen.append(bool(was[0]))

    assert seen == [False, True, True, False, False]


@given(
    threshold=st.floats(0.01, 1),
    share=st.floats(0, 0.9),
    below=st.floats(0, 0.99),
)
def test_what_falls_far_below_its_threshold_is_off_however_low_that_is(threshold, share, below):
    value = threshold * (1 - share) * below
    thresholds, values = np.array([threshold], np.float32), np.array([value], np.float32)

    assert not with_hysteresis(np.array([True]), values, thresholds, share=share)[0]


def test_a_blink_leaves_the_view_with_the_thresholds_that_ship():
    contract = contract_in(find_model(ModelConfig().model).read_bytes(), origin="the default")
    decider = Decider(contract, smooth_s=VIEW_SMOOTH_S, hysteresis=VIEW_HYSTERESIS)
    shown = []
    for frame in range(50):
        p = np.full((1, len(contract.labels)), 0.9 if frame < 5 else 0.02, np.float32)
        shown.append(decider.decide(p, track_ids=ids(1), time_s=frame / 25)[0])

    assert shown[4].all()
    assert not np.any(shown[25:])


def test_tracks_do_not_share_their_past():
    decider = Decider(make_contract(thresholds=(0.5, 0.5, 0.5)), smooth_s=10.0)
    decider.decide(scores_of([0.9] * 3, [0.1] * 3), track_ids=ids(1, 2), time_s=0.0)

    # The rows change places and both read 0.5: each goes on from where its own track was.
    active = decider.decide(scores_of([0.5] * 3, [0.5] * 3), track_ids=ids(2, 1), time_s=0.04)

    assert active.tolist() == [[False] * 3, [True] * 3]


def test_a_track_that_was_away_starts_afresh():
    decider = Decider(make_contract(thresholds=(0.5, 0.5, 0.5)), smooth_s=10.0)
    decider.decide(scores_of([0.9] * 3), track_ids=ids(1), time_s=0.0)

    active = decider.decide(scores_of([0.1] * 3), track_ids=ids(1), time_s=RESET_AFTER_S + 0.01)

    assert not active.any()


def test_emotions_have_exactly_one_active():
    contract = make_contract(
        task="multi_class", labels=EMOTIONS, thresholds=(0, 0, 0), cam_method=None, cam_scale=None
    )
    scores = Scores(
        labels=EMOTIONS, task="multi_class", logits=np.array([[1, 3, 2], [5, 0, 5]], np.float32)
    )

    active = Decider(contract).decide(scores.probabilities, track_ids=ids(1, 2), time_s=0.0)

    assert active.tolist() == [[False, True, False], [True, False, False]]
    assert most_probable(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_hysteresis_holds_an_emotion_against_a_near_rival():
    contract = make_contract(
        task="multi_class", labels=EMOTIONS, thresholds=(0, 0, 0), cam_method=None, cam_scale=None
    )
    decider = Decider(contract, hysteresis=0.2)
    # Down to 80 % of the rival: .44 of .46, but not .3 of .6.
    rows = [[0.5, 0.4, 0.1], [0.44, 0.46, 0.1], [0.3, 0.6, 0.1]]

    seen = [
        decider.decide(np.array([row], np.float32), track_ids=ids(1), time_s=k * 0.04)[0].argmax()
        for k, row in enumerate(rows)
    ]

    assert seen == [0, 0, 1]


def test_the_hysteresis_of_views_lets_go_of_an_emotion_that_another_is_twice_as_probable_as():
    contract = make_contract(
        task="multi_class", labels=EMOTIONS, thresholds=(0, 0, 0), cam_method=None, cam_scale=None
    )
    decider = Decider(contract, hysteresis=VIEW_HYSTERESIS)
    rows = np.array([[[0.5, 0.4, 0.1]], [[0.3, 0.6, 0.1]]], np.float32)

    seen = [
        decider.decide(row, track_ids=ids(1), time_s=k * 0.04)[0].argmax()
        for k, row in enumerate(rows)
    ]

    assert seen == [0, 1]
