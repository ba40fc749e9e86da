import numpy as np
import pytest

from rtau.backends._onnx_binding import MAX_SHAPES, BoundSession

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnxruntime

from tests.support.onnx_models import SIDE, small_model


@pytest.fixture
def session():
    return onnxruntime.InferenceSession(small_model(), providers=["CPUExecutionProvider"])


@pytest.fixture
def bound(session):
    return BoundSession(session, onnxruntime.OrtValue, device="cpu")


def pictures(rows):
    rng = np.random.default_rng(rows)
    return rng.integers(0, 256, (rows, SIDE, SIDE, 3), dtype=np.uint8)


def test_it_returns_what_the_session_returns(session, bound):
    for rows in (1, 3, 1, 7):
        feeds = {"crops": pictures(rows)}
        for names in (["logits"], ["logits", "cams"]):
            for wanted, got in zip(session.run(names, feeds), bound.run(names, feeds), strict=True):
                np.testing.assert_array_equal(wanted, got)


def test_results_are_not_written_over_by_the_next_run(bound):
    (first,) = bound.run(["logits"], {"crops": pictures(2)})
    kept = first.copy()
    bound.run(["logits"], {"crops": np.zeros((2, SIDE, SIDE, 3), np.uint8)})
    np.testing.assert_array_equal(first, kept)


def test_a_view_that_is_not_contiguous_is_taken_as_it_is(session, bound):
    images = pictures(4)[::2]
    (wanted,) = session.run(["logits"], {"crops": images})
    np.testing.assert_array_equal(bound.run(["logits"], {"crops": images})[0], wanted)


def test_the_device_memory_of_rare_shapes_is_let_go(bound):
    for rows in range(1, MAX_SHAPES + 5):
        bound.run(["logits"], {"crops": pictures(rows)})
    assert len(bound._inputs) == MAX_SHAPES
