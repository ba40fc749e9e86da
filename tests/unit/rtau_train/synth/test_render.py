"""The renderer on a made-up head; what a real head shows is in test_real_assets.py."""

import dataclasses

import numpy as np
import pytest

from rtau_train.synth import identity, paint, picture, scene, spectacles
from rtau_train.synth.render import Deformation
from rtau_train.synth.wrinkles import MAP_SIZE, height_map

pytestmark = pytest.mark.needs_egl

SMOOTH = np.zeros(MAP_SIZE[::-1], np.float32)
CLEAR = np.ones(MAP_SIZE[::-1], np.float32)


@pytest.fixture(scope="module")
def appearance():
    drawn = identity.sampled_appearance(np.random.default_rng(4))
    return dataclasses.replace(drawn, hair="none", beard=(0.0, 0.0, 0.0, 0.0), tone=(0.5, 0.3, 0.2))


@pytest.fixture(scope="module")
def room():
    lighting = scene.sampled_lighting(np.random.default_rng(1), kind="soft")
    return scene.Scene(scene.Pose(), 70.0, lighting, exposure=0.6 / lighting.level)


def render(renderer, appearance, room, **more):
    deformation = more.pop("deformation", Deformation({}, SMOOTH))
    return renderer.render(appearance, deformation, room, **{"skin_factor": CLEAR, **more})


def test_a_head_is_drawn_in_the_middle(renderer, appearance, room):
    rendered = render(renderer, appearance, room)

    assert rendered.image.shape == (96, 96, 4)
    assert rendered.image[48, 48, 3] == 1
    assert rendered.image[0, 0, 3] == 0
    assert 0.05 < rendered.image[30:66, 30:66, :3].mean() < 0.95


def test_landmarks_lie_on_the_head_with_room_around(renderer, appearance, room):
    places = render(renderer, appearance, room).landmarks

    assert places.shape == (68, 2)
    assert np.ptp(places, axis=0).max() == pytest.approx(96 / 1.9, rel=0.01)
    assert places.min() > 15
    assert places.max() < 81


def test_a_picture_does_not_depend_on_the_one_before(renderer, appearance, room):
    first = render(renderer, appearance, room)
    render(renderer, identity.sampled_appearance(np.random.default_rng(9)), room)

    np.testing.assert_array_equal(render(renderer, appearance, room).image, first.image)


def test_turning_the_head_moves_the_nose(renderer, appearance, room):
    turned = dataclasses.replace(room, pose=scene.Pose(yaw_deg=25))
    ahead, aside = (render(renderer, appearance, where).landmarks for where in (room, turned))

    def nose(points):
        return points[30, 0] - points[[0, 16], 0].mean()

    assert nose(aside) > nose(ahead) + 3


def test_folds_darken_the_skin_where_they_are(renderer, appearance, room):
    folds = height_map({"au4": 1.0, "au9": 1.0}, np.random.default_rng(0))
    smooth, folded = (
        render(renderer, appearance, room, deformation=Deformation({}, heights)).image
        for heights in (SMOOTH, folds)
    )
    change = np.abs(smooth - folded)[..., :3].sum(axis=2)
    rows = change.sum(axis=1)

    assert change.max() > 0.05
    assert rows[:60].sum() > 20 * rows[70:].sum()


def test_darker_skin_is_darker(renderer, appearance, room):
    dark = dataclasses.replace(appearance, tone=(0.12, 0.06, 0.04))
    light_level, dark_level = (
        render(renderer, who, room).image[40:60, 40:56, :3].mean() for who in (appearance, dark)
    )

    assert dark_level < 0.75 * light_level


def test_spectacles_change_the_eyes_and_not_the_mouth(renderer, appearance, room):
    style = spectacles.sampled_frame(np.random.default_rng(3))
    worn = spectacles.worn(style, renderer.resting_landmarks(appearance))
    without, with_them = (
        render(renderer, appearance, room, spectacles=pair).image for pair in (None, worn)
    )
    change = np.abs(without - with_them).max(axis=2)
    eyes, mouth = (int(render(renderer, appearance, room).landmarks[i, 1]) for i in (37, 57))

    assert change[eyes - 4 : eyes + 8].max() > 0.1
    assert change[mouth:].max() == 0


def test_an_open_jaw_is_labelled_by_its_gap(renderer, appearance, room):
    shut, dropped = (
        render(
            renderer, appearance, room, deformation=Deformation({"jawOpen": weight}, SMOOTH)
        ).lip_gap_cm
        for weight in (0.0, 0.5)
    )

    assert shut == pytest.approx(0)
    assert dropped > 1


def test_blemishes_show(renderer, appearance, room):
    spots = paint.blemishes(renderer.masks, np.random.default_rng(0), freckles=40, blush=1)
    plain, spotted = (
        render(renderer, appearance, room, skin_factor=factor).image for factor in (CLEAR, spots)
    )

    assert np.abs(plain - spotted).max() > 0.02


def test_picture_k_is_the_same_in_any_order(heads):
    ahead = [picture.make_picture(heads, seed=5, index=index) for index in range(4)]
    back = [picture.make_picture(heads, seed=5, index=index) for index in reversed(range(4))]

    for first, second in zip(ahead, reversed(back), strict=True):
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.landmarks, second.landmarks)
        assert first.row == second.row


def test_another_seed_gives_another_picture(heads):
    first, second = (picture.make_picture(heads, seed=seed, index=0) for seed in (1, 2))

    assert not np.array_equal(first.image, second.image)


def test_a_row_fills_every_column(heads):
    row = picture.make_picture(heads, seed=1, index=3).row

    assert {"file", *row} == set(picture.COLUMNS)
    assert all(isinstance(value, str) and value for value in row.values())
