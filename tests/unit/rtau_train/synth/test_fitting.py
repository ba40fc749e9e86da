import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau_train.synth import fitting
from rtau_train.synth.fitting import Shell, Warp, similarity

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(60, 3)) * 4


def turned(angle):
    return np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )


@given(angle=st.floats(-3, 3), scale=st.floats(0.1, 5), shift=st.floats(-20, 20))
def test_a_similarity_is_found_again(angle, scale, shift):
    moved = scale * CLOUD @ turned(angle).T + shift
    found = similarity(CLOUD, moved)

    assert found.scale == pytest.approx(scale)
    np.testing.assert_allclose(found(CLOUD), moved, atol=1e-6)


def test_a_warp_takes_the_pairs_to_each_other():
    there = CLOUD * 0.1 + 0.02 * np.sin(CLOUD)
    warp = Warp(CLOUD, there, near=1.0, reach=1.0)

    np.testing.assert_allclose(warp(CLOUD), there, atol=5e-3)


def test_far_from_the_pairs_only_the_similarity_is_left():
    there = CLOUD * 0.1 + 0.02 * np.sin(CLOUD)
    warp = Warp(CLOUD, there, near=0.1, reach=0.2)
    far = np.array([[90.0, 0, 0]])

    np.testing.assert_allclose(warp(far), warp.rough(far))


def test_the_correspondences_name_vertices_of_both_heads():
    ict, body = RNG.normal(size=(26_719, 3)), RNG.normal(size=(19_158, 3))
    here, there = fitting.correspondences(ict, body)

    assert here.shape == there.shape
    assert len(here) > 700
    half = len(here) // 2
    np.testing.assert_allclose(here[half:], here[:half] * [-1, 1, 1])


def test_neighbours_are_averaged():
    chain = np.array([[0, 1, 2]])
    means = fitting.neighbours(chain, 3)

    np.testing.assert_allclose(means @ np.array([0.0, 3.0, 6.0]), [4.5, 3.0, 1.5])


@pytest.fixture(scope="module")
def shell():
    x, y = np.meshgrid(np.linspace(-9, 9, 106), np.linspace(-9, 9, 107))
    points = np.zeros((11_248, 3))
    points[: x.size, 0], points[: x.size, 1] = x.ravel()[:11_248], y.ravel()[:11_248]
    corner = np.arange(x.size).reshape(x.shape)
    first, second = corner[:-1, :-1].ravel(), corner[1:, 1:].ravel()
    triangles = np.concatenate(
        [
            np.stack([first, corner[:-1, 1:].ravel(), second], 1),
            np.stack([first, second, corner[1:, :-1].ravel()], 1),
        ]
    )
    return Shell(points, triangles[(triangles < 11_248).all(1)])


def test_brows_are_laid_on_the_skin(shell):
    laid = shell.lay_on(np.array([[1.0, 2.0, 5.0]]), above_cm=0.1)

    np.testing.assert_allclose(laid, [[1, 2, 0.1]], atol=0.12)


def test_hair_is_kept_outside_the_skin(shell):
    inside, outside = np.array([[0.0, 0, -1]]), np.array([[0.0, 0, 3]])

    assert shell.push_out(inside, above_cm=0.3)[0, 2] == pytest.approx(0.3)
    np.testing.assert_array_equal(shell.push_out(outside, above_cm=0.3), outside)


def test_the_nearest_vertices_carry_a_point(shell):
    rows, shares = shell.carriers(np.array([[0.05, 0.02, 0.1]]), count=4)

    assert rows.shape == shares.shape == (1, 4)
    assert shares.sum() == pytest.approx(1)
    assert shares[0, 0] == shares.max()
