import collections

import numpy as np
import pytest

from rtau_train.synth.assets import BROWS, SKINS
from rtau_train.synth.identity import AGE_SHARES, TONES, sampled_appearance

DRAWS = 4000


@pytest.fixture(scope="module")
def appearances():
    rng = np.random.default_rng(2)
    return [sampled_appearance(rng) for _ in range(DRAWS)]


def shares(values):
    return {name: count / DRAWS for name, count in collections.Counter(values).items()}


def test_the_sexes_are_even(appearances):
    assert shares(appearance.sex for appearance in appearances)["f"] == pytest.approx(0.5, abs=0.03)


def test_skin_tones_are_even(appearances):
    found = shares(appearance.skin_tone for appearance in appearances)

    assert found == {tone: pytest.approx(1 / 6, abs=0.03) for tone in range(1, 7)}


def test_ages_are_as_documented(appearances):
    found = shares(appearance.age_group for appearance in appearances)

    assert [found[age] for age in range(3)] == pytest.approx(AGE_SHARES, abs=0.03)


def test_every_sex_age_and_tone_meet(appearances):
    groups = collections.Counter(
        (appearance.sex, appearance.age_group, appearance.skin_tone) for appearance in appearances
    )

    assert len(groups) == 2 * 3 * 6
    assert min(groups.values()) > DRAWS * 0.008


def test_darker_steps_are_darker(appearances):
    levels = [
        np.mean([np.mean(one.tone) for one in appearances if one.skin_tone == step + 1])
        for step in range(len(TONES))
    ]

    assert levels == sorted(levels, reverse=True)


def test_skins_are_those_of_the_sex(appearances):
    assert all(
        SKINS[row].sex == appearance.sex for appearance in appearances for row in appearance.skins
    )


def test_women_and_children_have_no_beard(appearances):
    for appearance in appearances:
        if appearance.sex == "f" or appearance.child > 0:
            assert max(appearance.beard) == 0


def test_shapes_of_age_sex_and_ethnicity_sum_to_about_one(appearances):
    for appearance in appearances[:300]:
        assert 0.69 < sum(appearance.macro.values()) < 1.26
        assert all(
            f"_{'male' if appearance.sex == 'm' else 'female'}_" in name
            for name in appearance.macro
        )


def test_brows_vary(appearances):
    assert {appearance.brow for appearance in appearances} == set(range(BROWS))


def test_no_two_heads_are_alike(appearances):
    heads = np.stack([appearance.coefficients for appearance in appearances[:500]])

    assert len(np.unique(heads, axis=0)) == 500
