import numpy as np
import pytest

from rtau_train.synth import picture, scene
from rtau_train.synth.avatar_heads import AvatarHeads
from rtau_train.synth.sampling import only
from tests.support.avatar_folder import write_avatar

pytestmark = pytest.mark.needs_egl


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("avatars")
    write_avatar(folder, "Asian_F_1")
    write_avatar(folder, "Black_M_2", with_hair=False)
    return AvatarHeads(folder, ("Asian_F_1", "Black_M_2"), size=96)


def shown(heads, actions):
    rng = np.random.default_rng(2)
    person = heads.sampled_person(rng)
    place = scene.sampled_scene(rng, skin_level=person.skin_level)
    return person.rendered(only(actions), place, spectacles=None, shift=(0, 0), rng=rng)


def test_picture_k_is_the_same_in_any_order_and_its_row_is_full(heads):
    ahead = [picture.make_picture(heads, seed=5, index=index) for index in range(4)]
    back = [picture.make_picture(heads, seed=5, index=index) for index in reversed(range(4))]

    for first, second in zip(ahead, reversed(back), strict=True):
        np.testing.assert_array_equal(first.image, second.image)
        assert first.row == second.row
        assert {"file", *first.row} == set(picture.COLUMNS)
        assert all(isinstance(value, str) and value for value in first.row.values())
    assert {one.row["subject"] for one in ahead} == {"Asian_F_1", "Black_M_2"}


def test_actions_move_the_points_and_an_open_mouth_is_a_gap(heads):
    rest, smile, dropped = (shown(heads, actions) for actions in ({}, {12: 5.0}, {26: 5.0}))

    assert np.abs(smile.landmarks - rest.landmarks).max() > 2
    assert rest.lip_gap_cm == pytest.approx(0)
    assert rest.image[..., 3].mean() > 0.2
    assert np.abs(dropped.image - rest.image).max() > 0.05
