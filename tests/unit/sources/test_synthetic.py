"""Drawn frames: the same every time, moving, at a pace when asked."""

import itertools
import time
from fractions import Fraction

import numpy as np
import pytest

from rtau.errors import UsageError
from rtau.sources.synthetic import SyntheticSource


def pixels(**options):
    options = {"frames": 5, "width": 64, "height": 48} | options
    return np.stack([frame.image_bgr for frame in SyntheticSource(**options)])


def test_the_same_arguments_give_the_same_pixels():
    np.testing.assert_array_equal(pixels(seed=3), pixels(seed=3))
    assert (pixels(seed=3) != pixels(seed=4)).any()


def test_every_frame_differs_from_the_one_before():
    frames = pixels(fps=10)
    assert all((a != b).any() for a, b in itertools.pairwise(frames))


def test_more_faces_cover_more_ground():
    empty, one, three = (pixels(faces=faces)[0] for faces in (0, 1, 3))
    assert 0 < (one != empty).any(axis=2).mean() < (three != empty).any(axis=2).mean()


def test_times_are_exact():
    rate = Fraction(30000, 1001)
    source = SyntheticSource(frames=7, width=8, height=8, fps=rate)
    assert [frame.time_s for frame in source] == [float(k / rate) for k in range(7)]


def test_live_frames_come_at_their_time():
    started_s = time.monotonic()
    frames = list(SyntheticSource(frames=6, width=8, height=8, fps=50, live=True))
    assert time.monotonic() - started_s >= frames[-1].time_s
    assert len(frames) == 6


def test_no_frames():
    assert list(SyntheticSource(frames=0)) == []


@pytest.mark.parametrize("wrong", [{"frames": -1}, {"width": 0}, {"fps": 0}, {"faces": -1}])
def test_what_cannot_be_drawn(wrong):
    with pytest.raises(UsageError, match="frames and faces must be >= 0"):
        SyntheticSource(**wrong)
