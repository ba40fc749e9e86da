import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.synth.avatar_shapes import AVATAR_SHAPES, avatar_weights
from rtau_train.synth.avatars import TEETH, avatar_names, read_avatar
from rtau_train.synth.sampling import LABELLED, only, restricted
from tests.support.avatar_folder import write_avatar


def test_the_middle_of_the_eyes_is_where_the_other_head_model_has_it(tmp_path):
    write_avatar(tmp_path)
    avatar = read_avatar(tmp_path, "Asian_F_1")
    left, right = (avatar.eye_centre(side) for side in "LR")

    assert (avatar.origin, avatar.sex) == ("Asian", "f")
    assert (left[0], right[0]) == pytest.approx((3.1, -3.1), abs=1e-4)
    middle = np.mean([avatar.points[rows].mean(axis=0) for rows in avatar.eyes.values()], axis=0)
    assert middle == pytest.approx((0, 3.614, 7.995), abs=1e-4)


def test_teeth_move_with_the_shape_of_the_skin(tmp_path):
    write_avatar(tmp_path)
    avatar = read_avatar(tmp_path, "Asian_F_1")
    target = avatar.targets["MouthOpen"]

    assert (avatar.parts[target.rows] == TEETH).sum() == 3
    assert target.by_cm[:, 1] == pytest.approx(np.full(len(target.rows), -1.2), abs=1e-3)


def test_a_body_is_cut_off_and_seams_are_welded(tmp_path):
    path = write_avatar(tmp_path, with_hair=False)
    with np.load(path) as archive:
        arrays = dict(archive)
    xyz = arrays["head.xyz"]
    xyz[1] = xyz[0]
    xyz[-30:, 1] -= 1
    np.savez(path, **arrays)
    avatar = read_avatar(tmp_path, "Asian_F_1")

    assert avatar.hair is None
    assert avatar.welded[1] == avatar.welded[0]
    assert avatar.points[avatar.triangles, 1].min() > -20


@pytest.mark.parametrize("broken", ["no picture", "no array", "no archive"])
def test_a_broken_avatar_is_named(tmp_path, broken):
    path = write_avatar(tmp_path)
    if broken == "no picture":
        (tmp_path / "Asian_F_1.material0.jpg").unlink()
    elif broken == "no array":
        with np.load(path) as archive:
            np.savez(path, **{k: archive[k] for k in archive if k != "L_eye.xyz"})
    else:
        path.write_bytes(b"no archive")

    with pytest.raises(SourceOpenError, match="Asian_F_1"):
        read_avatar(tmp_path, "Asian_F_1")


def test_a_folder_without_avatars_is_refused(tmp_path):
    (tmp_path / "labels.npz").write_bytes(b"")
    with pytest.raises(SourceOpenError, match="ORIGIN_SEX_NUMBER"):
        avatar_names(tmp_path)


def test_every_labelled_action_has_shapes_and_others_are_left_out():
    assert set(LABELLED) <= AVATAR_SHAPES.keys()
    assert avatar_weights({14: 5.0}, tilts={}, gains={}) == {}
    kept = restricted(only({12: 3.0, 14: 5.0}), frozenset(AVATAR_SHAPES)).intensities
    assert kept[12] == 3.0
    assert 14 not in kept
    with pytest.raises(ValueError, match="must show"):
        restricted(only({12: 3.0}), frozenset({12}))


def test_a_tilt_moves_the_left_more_and_a_gain_moves_this_person_more():
    weights = avatar_weights({12: 5.0}, tilts={12: 0.5}, gains={"#smileClose": 1.2})

    assert weights["LsmileClose"] == pytest.approx(1.15 * 1.2 * 1.5)
    assert weights["RsmileClose"] == pytest.approx(1.15 * 1.2 * 0.5)


def test_lids_do_not_close_by_more_than_the_eyeball_allows():
    weights = avatar_weights({6: 5.0, 7: 5.0, 45: 5.0}, tilts={}, gains={})

    assert weights["LeyeClose"] + 0.55 * weights["Lsquint"] == pytest.approx(1)
