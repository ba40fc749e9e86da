"""Left and right of a face, told by composites of its halves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau import sides
from rtau.backends.scripted import ScriptedEngine
from rtau.data import Crops
from rtau.decisions import Decider
from rtau.pipeline import Pipeline
from tests.support.doubles import (
    AU_LABELS,
    CountingEngine,
    FixedDetector,
    brightness_logits,
    make_contract,
    make_frame,
    make_tracker,
)

SCALE = ((0.1, 0.2, 0.5, 0.7, 0.8, 0.9),) * len(AU_LABELS)
FACES = ((40, 30, 100, 90), (5, 5, 45, 45))


def crops_of(images_rgb):
    rows = len(images_rgb)
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (rows, 1, 1))
    return Crops(images_rgb=images_rgb, frame_from_crop=maps, face_rows=np.arange(rows))


def engine_with(told=("AU12",)):
    return ScriptedEngine(
        make_contract(intensity_scale=SCALE, sides=told, side_gains=(0.25,) * len(told)),
        brightness_logits,
    )


@given(seed=st.integers(0, 1000), size=st.integers(2, 9), rows=st.integers(0, 3))
def test_each_composite_is_its_own_mirror_image_and_keeps_its_half(seed, size, rows):
    images = np.random.default_rng(seed).integers(0, 256, (rows, size, size, 3), dtype=np.uint8)
    left, right = np.split(sides.composites(images), 2)

    for one in (left, right):
        np.testing.assert_array_equal(one, one[:, :, ::-1])
    np.testing.assert_array_equal(left[:, :, size // 2 :], images[:, :, size // 2 :])
    np.testing.assert_array_equal(right[:, :, : -(size // 2)], images[:, :, : -(size // 2)])


@given(seed=st.integers(0, 1000), size=st.integers(2, 9))
def test_mirrored_input_swaps_the_sides(seed, size):
    images = np.random.default_rng(seed).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    left, right = np.split(sides.composites(images), 2)
    other_left, other_right = np.split(sides.composites(images[:, :, ::-1]), 2)

    np.testing.assert_array_equal(left, other_right)
    np.testing.assert_array_equal(right, other_left)


def test_the_persons_left_is_on_the_right_of_the_picture():
    images = np.full((1, 32, 32, 3), 90, np.uint8)
    images[:, :, 16:] = 170

    told = sides.differences(crops_of(images), engine_with(told=AU_LABELS[:2]))

    # Brightness is 16 to a unit of log-odds.
    np.testing.assert_allclose(told, [[0.25 * 80 / 16] * 2])
    mirrored = crops_of(np.ascontiguousarray(images[:, :, ::-1]))
    np.testing.assert_array_equal(
        sides.differences(mirrored, engine_with(told=AU_LABELS[:2])), -told
    )


@pytest.mark.parametrize("detector", [FixedDetector(FACES), FixedDetector(())])
def test_n_frames_at_once_tell_the_sides_of_n_times_one(detector):
    frames = [make_frame(k) for k in range(3)]

    def pipeline():
        engine = engine_with()
        decider = Decider(engine.contract)
        return Pipeline(tracker=make_tracker(detector), engine=engine, decider=decider, sides=True)

    assert pipeline().step([]) == []
    together, one_by_one = pipeline().step(frames), pipeline()
    alone = [one_by_one.step([frame])[0] for frame in frames]
    for one, other in zip(together, alone, strict=True):
        assert one.intensities.sides == ("AU12",)
        np.testing.assert_array_equal(one.intensities.left_right, other.intensities.left_right)
    told = [face.sides["AU12"] for result in together for face in result]
    assert all(0 <= value <= 5 for pair in told for value in pair)
    assert len(set(told)) == len(told)


def test_nobody_pays_for_sides_that_are_not_asked_for():
    engine = CountingEngine(
        make_contract(intensity_scale=SCALE, sides=("AU12",), side_gains=(0.25,))
    )
    pipeline = Pipeline(
        tracker=make_tracker(FixedDetector(FACES)), engine=engine, decider=Decider(engine.contract)
    )
    result = pipeline.step([make_frame(0)])[0]

    assert engine.batches == [(2, False)]
    assert result.intensities.left_right is None
    assert [face.sides for face in result] == [None, None]
