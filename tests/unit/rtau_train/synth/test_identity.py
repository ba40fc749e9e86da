import collections

import numpy as np
import pytest

from rtau_train.synth.assets import BROWS, SKINS
from rtau_train.synth.identity import AGE_SHARES, TONES, drawn_look

DRAWS = 4000


@pytest.fixture(scope="module")
def looks():
    rng = np.random.default_rng(2)
    return [drawn_look(rng) for _ in range(DRAWS)]


def shares(values):
    return {name: count / DRAWS for name, count in collections.Counter(values).items()}


def test_the_sexes_are_even(looks):
    assert shares(look.sex for look in looks)["f"] == pytest.approx(0.5, abs=0.03)


def test_skin_tones_are_even(looks):
    found = shares(look.skin_tone for look in looks)

    assert found == {tone: pytest.approx(1 / 6, abs=0.03) for tone in range(1, 7)}


def test_ages_are_as_documented(looks):
    found = shares(look.age_group for look in looks)

    assert [found[age] for age in range(3)] == pytest.approx(AGE_SHARES, abs=0.03)


def test_every_sex_age_and_tone_meet(looks):
    groups = collections.Counter((look.sex, look.age_group, look.skin_tone) for look in looks)

    assert len(groups) == 2 * 3 * 6
    assert min(groups.values()) > DRAWS * 0.008


def test_darker_steps_are_darker(looks):
    levels = [np.mean([np.mean(look.tone) for look in looks if look.skin_tone == step + 1])
              for step in range(len(TONES))]  # fmt: skip

    assert levels == sorted(levels, reverse=True)


def test_skins_are_those_of_the_sex(looks):
    assert all(SKINS[row].sex == look.sex for look in looks for row in look.skins)


def test_women_and_children_have_no_beard(looks):
    for look in looks:
        if look.sex == "f" or look.child > 0:
            assert max(look.beard) == 0


def test_shapes_of_age_sex_and_ethnicity_sum_to_about_one(looks):
    for look in looks[:300]:
        assert 0.69 < sum(look.macro.values()) < 1.26
        assert all(f"_{'male' if look.sex == 'm' else 'female'}_" in name for name in look.macro)


def test_brows_vary(looks):
    assert {look.brow for look in looks} == set(range(BROWS))


def test_no_two_heads_are_alike(looks):
    heads = np.stack([look.coefficients for look in looks[:500]])

    assert len(np.unique(heads, axis=0)) == 500
