"""Presentation times: exact, late starts kept, never going back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.sources.presentation_clock import PresentationClock

TICK = Fraction(1, 90_000)


def times(stamps, *, fps=Fraction(30), base=TICK, zero_s=0.0):
    clock = PresentationClock(time_base=base, nominal_fps=fps, zero_s=zero_s)
    return [clock.time_s(stamp) for stamp in stamps]


def test_a_time_is_the_timestamp_times_the_time_base():
    stamps = [45_000, 48_003, 61_111]
    assert times(stamps) == [float(stamp * TICK) for stamp in stamps]


def test_the_zero_is_subtracted():
    assert times([126_000, 129_000], zero_s=1.4) == pytest.approx([0.0, 1 / 30])


def test_a_little_step_back_is_held():
    assert times([9_000, 8_000, 12_000]) == pytest.approx([0.1, 0.1, 12 / 90])


def test_a_new_beginning_goes_on_one_frame_later():
    got = times([900_000, 903_000, 0, 3_000, 6_000])
    expected = [10, 10 + 1 / 30, 10 + 2 / 30, 10 + 3 / 30, 10 + 4 / 30]
    assert got == pytest.approx(expected)


def test_without_timestamps_frames_come_at_the_declared_rate():
    assert times([None] * 3, fps=Fraction(50)) == pytest.approx([0, 0.02, 0.04])
    assert times([None] * 3, fps=None) == pytest.approx([0, 0.04, 0.08])
    assert times([9_000, None, 18_000]) == pytest.approx([0.1, 0.1 + 1 / 30, 0.2])


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), max_size=40))
def test_times_never_go_back(stamps):
    got = times(stamps)
    assert got == sorted(got)
