"""The view of one face: short names for what the records hold."""

import numpy as np
import pytest

from rtau.errors import UsageError
from tests.support.results import make_result


def cams_of(rows):
    """CAMs (rows, 3, 7, 7) whose value names row and label: 10 * row + label."""
    values = 10 * np.arange(rows)[:, None] + np.arange(3)
    return np.tile(values[:, :, None, None], (1, 1, 7, 7)).astype(np.float32)


def test_a_result_gives_a_face_per_row():
    result = make_result(3, faces=2, landmarks_xy=np.ones((2, 68, 2), np.float32))
    first, second = result

    assert len(result) == 2
    assert (result.index, result.time_s) == (3, 0.12)
    assert (first.id, second.id) == (1, 2)
    assert first.box == tuple(result.faces.boxes_xyxy[0].tolist())
    assert second.score == 0.875
    assert list(first.au) == ["AU01", "AU04", "AU12"]
    assert first.au["AU12"] == float(result.scores.probabilities[0, 2])
    assert first.active == tuple(
        label for label, on in zip(result.scores.labels, result.active[0], strict=True) if on
    )
    np.testing.assert_array_equal(second.landmarks, result.landmarks_xy[1])


def test_a_result_without_a_face_is_empty_and_still_a_result():
    result = make_result(0, faces=0)
    assert list(result) == []
    assert len(result) == 0
    assert result


def test_what_a_model_does_not_have_is_none():
    (face,) = make_result(0, scored=False)
    assert face.score is None
    assert face.landmarks is None


def test_a_model_of_emotions_has_its_emotions_in_place_of_action_units():
    labels = ("anger", "happiness", "neutral")
    (face,) = make_result(0, labels=labels, task="multi_class", logits=[[0, 3, 1]])
    assert face.active == ("happiness",)
    assert sum(face.au.values()) == pytest.approx(1)


def test_a_heatmap_is_that_of_its_label_and_face():
    record = make_result(0, faces=2, cams=cams_of(2), has_heatmaps=True)
    maps = [face.heatmap("AU12") for face in record]
    assert [int(found.max()) for found in maps] == [2, 12]
    assert maps[0].dtype == np.float32


def test_between_two_refreshes_there_is_no_heatmap():
    (face,) = make_result(0, has_heatmaps=True)
    assert face.heatmap("AU12") is None


def test_without_heatmaps_the_error_says_how_to_switch_them_on():
    (face,) = make_result(0)
    with pytest.raises(UsageError, match=r"Detector\(heatmaps=True\)"):
        face.heatmap("AU12")


def test_a_label_the_model_has_not_is_refused_with_those_it_has():
    (face,) = make_result(0, cams=cams_of(1), has_heatmaps=True)
    with pytest.raises(UsageError, match="no label 'AU99' in this model; it has AU01, AU04, AU12"):
        face.heatmap("AU99")


def test_a_notebook_shows_what_was_found():
    result = make_result(7, logits=[[-3, 3, 0.1]])
    assert repr(result) == (
        "FrameResult(7, 0.280 s, 64x48 px: 1 face)\n"
        "  Face(id=1, box=(10.1, 20.2, 40.5, 60.8), active: AU04; "
        "strongest: AU04 0.95, AU12 0.52, AU01 0.05)"
    )
    assert repr(make_result(0, faces=0)) == "FrameResult(0, 0.000 s, 64x48 px: 0 faces)"
