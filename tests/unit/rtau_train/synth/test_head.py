import numpy as np
import pytest

from rtau_train.synth.head import LANDMARKS, AttachedMesh, Head, NormalField
from rtau_train.synth.shapes import AU_SHAPES, sides
from tests.support.made_up_head import landmarks_cm


@pytest.fixture(scope="module")
def head(assets):
    return Head(assets)


NOBODY = np.zeros(100, np.float32)


def test_every_shape_of_the_table_exists(head):
    needed = {name for pairs in AU_SHAPES.values() for shape, _ in pairs for name in sides(shape)}

    assert needed <= head.shapes.keys()


def test_nobody_is_the_neutral_head(head):
    np.testing.assert_array_equal(head.person(NOBODY, {}), head.neutral)
    np.testing.assert_allclose(head.neutral[LANDMARKS], landmarks_cm())


def test_coefficients_make_another_head(head):
    somebody = NOBODY.copy()
    somebody[0] = 2

    assert np.abs(head.person(somebody, {}) - head.neutral).max() > 0.01


def test_acting_leaves_the_person_as_they_are(head):
    person = head.person(NOBODY, {})
    head.deformed(person, {"jawOpen": 0.5})

    np.testing.assert_array_equal(person, head.neutral)


def test_the_lips_part_as_the_jaw_drops(head):
    person = head.person(NOBODY, {})
    gaps = [
        head.lip_gap_cm(head.deformed(person, {"jawOpen": weight}).points, person)
        for weight in (0.0, 0.2, 0.5)
    ]

    assert gaps[0] == pytest.approx(0)
    assert gaps[0] < gaps[1] < gaps[2]


def test_normals_point_outward(head):
    normals = head.deformed(head.neutral, {}).normals[:9409]
    flat = np.linalg.norm(normals, axis=1)

    np.testing.assert_allclose(flat, 1, atol=1e-4)
    assert np.median(normals[:, 2]) > 0.5


def test_normals_of_a_plane_are_its_normal():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    field = NormalField(np.array([[0, 1, 2], [0, 2, 3]]), 4)

    np.testing.assert_allclose(field.of(square), [[0, 0, 1]] * 4)


def test_strands_ride_on_the_head(assets):
    attached = AttachedMesh(assets.brows[0], len(assets.neutral))
    still = attached.follow(np.zeros_like(assets.neutral))
    raised = attached.follow(np.full_like(assets.neutral, 0.5))

    np.testing.assert_allclose(raised.points - still.points, 0.5, atol=1e-5)


def test_a_stretched_brow_is_taller(assets):
    attached = AttachedMesh(assets.brows[0], len(assets.neutral))
    still = np.zeros_like(assets.neutral)

    def height(stretch):
        return np.ptp(attached.follow(still, stretch=stretch).points[:, 1])

    assert height(1.3) == pytest.approx(1.3 * height(1.0))


def test_parts_are_numbered_in_the_order_of_the_mesh(head):
    assert head.parts[0] == 0
    assert head.parts[11_248] == 1
    assert head.parts[21_451] == 5
    assert (np.diff(head.parts) >= 0).all()


def test_hair_grows_behind_the_forehead(head):
    assert head.scalp[LANDMARKS[17:68]].max() == 0
