from pathlib import Path

import numpy as np

from rtau_train.geometry_teacher import labels
from rtau_train.geometry_teacher.pictures import Portrait
from tests.support.mesh_points import recorded


def portraits(count):
    return [Portrait(Path(f"{k}.jpg"), f"p/{k}.jpg", f"{k}", "test") for k in range(count)]


def test_every_picture_is_labelled_or_rejected_with_a_reason(fitted):
    mesh = recorded()
    mesh.faces[:3] = (0, 2, 1)

    soft = labels.soft_labels(fitted, portraits(len(mesh.faces)), mesh)

    reasons = {one.name: one.reason for one in soft.rejections}
    assert len(soft.rows) + len(reasons) == len(mesh.faces)
    assert reasons["p/0.jpg"] == "no face found"
    assert reasons["p/1.jpg"] == "a second face"
    assert any(reason.startswith("turned by") for reason in reasons.values())
    assert np.abs(soft.yaw_deg).max() <= labels.MOST_YAW_DEG


def test_values_are_three_times_a_probability(fitted):
    soft = labels.soft_labels(fitted, portraits(124), recorded())
    coded = soft.intensities[np.isfinite(soft.intensities)]

    assert soft.intensities.shape == soft.scores.shape
    assert coded.min() >= 0
    assert coded.max() <= 3


def test_a_smile_hides_what_it_would_confuse(fitted):
    soft = labels.soft_labels(fitted, portraits(124), recorded())
    place = fitted.labels.index
    smiling = soft.intensities[:, place("AU12")] >= 1.5

    assert 0 < smiling.sum() < len(smiling)
    for label in fitted.labels:
        hidden = np.isnan(soft.intensities[:, place(label)])
        if label in ("AU09", "AU26"):
            assert (hidden == smiling).all()
        elif label != "AU06":
            assert not hidden.any()


def test_a_raised_cheek_without_a_smile_is_not_coded_but_an_absent_one_is(fitted):
    soft = labels.soft_labels(fitted, portraits(124), recorded())
    cheek = soft.intensities[:, fitted.labels.index("AU06")] / 3
    likely = labels.probabilities(soft.scores)[:, fitted.labels.index("AU06")]
    smiling = soft.intensities[:, fitted.labels.index("AU12")] >= 1.5
    doubtful = ~smiling & (likely >= labels.CHEEK_FROM)

    assert 0 < doubtful.sum() < (~smiling).sum()
    assert (np.isnan(cheek) == doubtful).all()
