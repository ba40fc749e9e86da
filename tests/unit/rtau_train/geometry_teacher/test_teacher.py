import dataclasses

import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare.portraits import LABELS
from rtau_train.evaluation.binary_metrics import auc
from rtau_train.geometry_teacher import teacher
from tests.support.mesh_points import HELD_OUT, landmarks_of_renders, of_renders


def test_it_tells_actions_of_heads_it_has_not_seen(fitted):
    points, intensities = of_renders()
    scores = fitted.scores(points[-HELD_OUT:])
    occurs = intensities[-HELD_OUT:] >= 2
    figures = [
        auc(scores[:, place], occurs[:, place])
        for place in range(len(LABELS))
        if 0 < occurs[:, place].sum() < HELD_OUT
    ]

    assert len(figures) >= 8
    assert np.mean(figures) > 0.7


def test_neutral_faces_are_zero_and_their_spread_is_one(fitted):
    points, intensities = of_renders()
    neutral = points[:-HELD_OUT][(intensities[:-HELD_OUT] < 1).all(axis=1)]
    scores = fitted.scores(neutral)

    assert len(neutral) == fitted.neutrals
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=1e-6)


def test_landmarks_are_near_the_true_ones_of_new_heads(fitted):
    true = landmarks_of_renders()[-HELD_OUT:]
    found = fitted.landmarks(of_renders()[0][-HELD_OUT:])
    sizes = np.ptp(true, axis=1).max(axis=1)
    gaps = np.linalg.norm(found - true, axis=2) / sizes[:, None]

    assert found.dtype == np.float32
    assert np.median(gaps) < 0.03
    # Eyes and lips, where crops and actions hang on them.
    assert np.median(gaps[:, 36:]) < 0.02
    np.testing.assert_allclose(np.sum(fitted.landmark_shares, axis=1), 1)


def test_a_soft_label_is_a_half_at_two_deviations_and_grows():
    likely = teacher.probabilities(np.array([-5.0, 0.0, 2.0, 4.0]))

    assert likely[2] == pytest.approx(0.5)
    assert (np.diff(likely) > 0).all()
    assert likely[1] == pytest.approx(1 / (1 + np.exp(3)))


def test_it_is_read_back_from_its_file(fitted, tmp_path):
    path = tmp_path / "teacher.json"
    teacher.write(path, fitted)

    assert teacher.read(path) == fitted


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "teacher.json"
    path.write_text('{"labels": ["AU01"]}', encoding="utf-8")

    with pytest.raises(SourceOpenError, match=r"teacher\.json"):
        teacher.read(path)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("weights", ((0.0,) * 3,), "expected an array"),
        ("intercepts", (1.0,), "expected an array"),
        ("neutral_stds", (0.0,) * 12, "above 0"),
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(fitted, field, value, word):
    with pytest.raises(ValueError, match=word):
        dataclasses.replace(fitted, **{field: value})
