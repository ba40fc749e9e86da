import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.facs import AU, DISFA_PLUS_AUS
from rtau_train.datasets.augmentation import mirrored_order, plain_points
from rtau_train.explaining.facial_regions import REGIONS, mask, polygons
from rtau_train.explaining.mean_face import mean_face
from tests.support.training import faces, shipped_recipe

CROP = shipped_recipe().crop
SIDE = 224
LABELS = [au.label for au in AU]


def own_points():
    """Landmarks of the rendered faces in sides of their crop: (N, 68, 2)."""
    data = faces()
    images = data.images(np.arange(len(data)))
    pairs = zip(data.landmarks, images, strict=True)
    return np.stack([plain_points(points, image, CROP, size=1) for points, image in pairs])


FACES = own_points().astype(np.float64)


def mirrored(points):
    return points[mirrored_order()] * [-1, 1] + [1, 0]


def holds(label, point, points):
    """True when a region has a point, both in sides of the crop."""
    x, y = np.floor(np.asarray(point) * SIDE).astype(int)
    return bool(mask(label, points, side_px=SIDE)[y, x])


def differing(one, other):
    """The share of two regions' union that only one of them has."""
    return (one ^ other).sum() / max((one | other).sum(), 1)


def test_every_action_unit_of_the_vocabulary_has_a_region_and_a_muscle():
    assert list(REGIONS) == list(AU)
    for region in REGIONS.values():
        assert region.muscle
        assert region.place
        assert region.patches


@pytest.mark.parametrize("label", LABELS)
def test_a_region_is_a_small_part_of_every_crop(label):
    shares = [mask(label, points, side_px=SIDE).mean() for points in FACES[:40]]

    assert min(shares) > 0.01
    assert max(shares) < 0.2


@pytest.mark.parametrize("label", LABELS)
def test_a_region_of_the_mean_face_is_the_same_left_and_right(label):
    found = mask(label, mean_face(CROP), side_px=SIDE)

    assert differing(found, found[:, ::-1]) < 0.02


@given(
    row=st.integers(0, len(FACES) - 1),
    label=st.sampled_from(LABELS),
    move=st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)),
)
def test_a_mirrored_face_has_the_mirrored_region(row, label, move):
    points = FACES[row] + move

    plain = mask(label, points, side_px=SIDE)
    turned = mask(label, mirrored(points), side_px=SIDE)

    # Half a pixel of the outline may fall to either side.
    assert differing(plain, turned[:, ::-1]) < 0.03


@given(
    row=st.integers(0, len(FACES) - 1),
    label=st.sampled_from(LABELS),
    scale=st.floats(0.5, 3),
    angle=st.floats(-0.6, 0.6),
)
def test_a_region_turns_and_grows_with_its_face(row, label, scale, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    turn = scale * np.array([[cos, -sin], [sin, cos]])

    before = polygons(label, FACES[row])
    after = polygons(label, FACES[row] @ turn.T)

    for plain, turned in zip(before, after, strict=True):
        middle = (plain @ turn.T).mean(axis=0)
        np.testing.assert_allclose(turned.mean(axis=0), middle, atol=0.02 * scale)


def test_the_patches_lie_on_the_muscles():
    points = FACES[3]
    brow, pupil = points[20], points[36:42].mean(axis=0)
    mouth, corner = points[[62, 66]].mean(axis=0), points[48]
    between_brows = points[[21, 22]].mean(axis=0)

    assert holds("AU01", brow, points)
    assert holds("AU02", points[18], points)
    assert holds("AU04", between_brows, points)
    assert holds("AU05", pupil, points)
    assert holds("AU09", points[29], points)
    assert holds("AU12", corner, points)
    assert holds("AU15", corner, points)
    assert holds("AU17", points[[57, 8]].mean(axis=0), points)
    assert holds("AU25", mouth, points)
    assert holds("AU26", mouth, points)
    assert not holds("AU06", pupil, points)
    assert not holds("AU12", points[33], points)
    assert not holds("AU20", mouth, points)


@pytest.mark.parametrize("au", DISFA_PLUS_AUS, ids=lambda au: au.label)
def test_upper_face_actions_stay_above_the_mouth_and_lower_ones_below_the_eyes(au):
    for points in FACES[:20]:
        corners = np.concatenate(polygons(au.label, points))
        if au <= AU.NOSE_WRINKLER:
            assert corners[:, 1].max() < points[[48, 54], 1].max()
        else:
            assert corners[:, 1].min() > points[[39, 42], 1].min()


def test_what_lies_outside_the_crop_is_cut_off():
    points = mean_face(CROP)

    assert not mask("AU01", points - np.array([0, 1]), side_px=SIDE).any()
    lower = mask("AU01", points + np.array([0, 0.3]), side_px=SIDE)
    assert lower.sum() > mask("AU01", points, side_px=SIDE).sum()


def test_a_label_that_is_no_action_unit_is_refused():
    with pytest.raises(ValueError, match="must name an Action Unit"):
        polygons("anger", FACES[0])
