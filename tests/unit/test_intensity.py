import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import ContractError
from rtau.intensity import intensities, left_right
from tests.support.doubles import make_contract

CONTRACT = make_contract(labels=("AU01", "AU12"), thresholds=(0.3, 0.5), cam_scale=(1.0, 1.0))
SCALE = ((0.02, 0.1, 0.3, 0.6, 0.9, 0.97), (0.1, 0.2, 0.5, 0.7, 0.8, 0.9))


def test_the_threshold_is_intensity_two_and_the_ends_are_held():
    found = intensities(np.array([[0.3, 0.5], [0.0, 0.1], [1.0, 0.95]], np.float32), SCALE)

    assert found == pytest.approx(np.array([[2, 2], [0, 0], [5, 5]]), abs=1e-5)


@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_a_higher_probability_is_never_a_lower_intensity(first, second):
    low, high = sorted((first, second))
    found = intensities(np.array([[low] * 2, [high] * 2], np.float32), SCALE)

    assert (found[0] <= found[1]).all()
    assert ((found >= 0) & (found <= 5)).all()


@given(value=st.floats(0, 5, width=32), difference=st.floats(-9, 9, width=32))
def test_a_mirrored_face_swaps_its_sides(value, difference):
    values = np.array([[value]], np.float32)
    one = left_right(values, np.array([[difference]], np.float32))
    other = left_right(values, np.array([[-difference]], np.float32))

    assert (one[..., ::-1] == other).all()
    assert ((one >= 0) & (one <= 5)).all()


def test_a_positive_difference_is_the_left_side_and_an_absent_label_has_none():
    found = left_right(np.array([[2.0, 0.0]], np.float32), np.array([[1.0, 1.0]], np.float32))

    assert found.tolist() == [[[2.5, 1.5], [0.0, 0.0]]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"intensity_scale": SCALE[:1]}, "must have 2 rows of 6"),
        ({"intensity_scale": (SCALE[0], SCALE[1][:5])}, "must have 2 rows of 6"),
        ({"intensity_scale": (SCALE[0], SCALE[0][::-1])}, "must rise within"),
        (
            {"intensity_scale": SCALE, "sides": ("AU99",), "side_gains": (0.2,)},
            "sides must be distinct labels",
        ),
        ({"sides": ("AU12",)}, "sides must be null without intensity_scale"),
        ({"intensity_scale": SCALE, "sides": ("AU12",)}, "side_gains must have a positive number"),
        ({"side_gains": (0.2,)}, "side_gains must have a positive number"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(changes, said):
    with pytest.raises(ContractError, match=said):
        dataclasses.replace(CONTRACT, **changes)
