"""Smoothing removes jitter at rest without lag in motion."""

import numpy as np

from rtau.faces.trackers.smoothing import RESTART_S, SmoothedBox

FPS = 25


def box(x, y=100.0, side=100.0):
    return np.array([x, y, x + side, y + side], np.float32)


def steps(boxes):
    steady = SmoothedBox(boxes[0], time_s=0.0)
    return np.array(
        [boxes[0], *(steady.step(b, time_s=k / FPS) for k, b in enumerate(boxes[1:], start=1))]
    )


def test_jitter_of_a_face_at_rest_falls_to_a_third():
    rng = np.random.default_rng(3)
    noisy = [box(100 + dx, 100 + dy, 100 + ds) for dx, dy, ds in rng.normal(0, 0.5, (300, 3))]
    out = steps(noisy)[50:]
    assert np.diff(out[:, 0]).std() < np.diff(np.array(noisy)[50:, 0]).std() / 3


def test_a_face_that_moves_a_side_a_second_is_followed_within_a_fiftieth():
    moving = [box(100 + 100 * k / FPS) for k in range(50)]
    lag_px = np.array(moving)[10:, 0] - steps(moving)[10:, 0]
    assert 0 <= lag_px.max() < 2.0


def test_still_boxes_pass_unchanged_whatever_their_shape():
    oblong = np.array([10, 20, 50, 90], np.float32)
    np.testing.assert_allclose(steps([oblong] * 5), [oblong] * 5, rtol=1e-5)


def test_after_a_gap_the_box_starts_anew():
    steady = SmoothedBox(box(0), time_s=0.0)
    np.testing.assert_allclose(steady.step(box(60), time_s=RESTART_S + 0.1), box(60), rtol=1e-5)


def test_two_boxes_at_one_time_do_not_divide_by_zero():
    steady = SmoothedBox(box(0), time_s=1.0)
    np.testing.assert_allclose(steady.step(box(50), time_s=1.0), box(0), atol=1e-4)


def test_an_empty_box_is_survived():
    steady = SmoothedBox(np.zeros(4, np.float32), time_s=0.0)
    assert np.isfinite(steady.step(np.zeros(4, np.float32), time_s=0.04)).all()
