import pytest

from rtau.errors import ConfigError
from rtau.facs import DISFA_PLUS_AUS
from rtau_train.models import NETWORKS
from rtau_train.recipe import Recipe, read_recipe
from tests.support.training import RECIPE, ROOT, shipped_recipe

RECIPES = sorted((ROOT / "train" / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads_and_names_a_network(path):
    recipe = read_recipe(path)

    assert recipe.network.name in NETWORKS
    assert recipe.network.labels == tuple(au.label for au in DISFA_PLUS_AUS)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_begins_with_its_lab_record(path):
    head = path.read_text(encoding="utf-8").split("\n[", maxsplit=1)[0]

    for part in ("rtau-train fit", "Hardware", "Score"):
        assert part in head, f"the header of {path.name} must tell its {part!r}"


def test_plain_values_give_the_recipe_back():
    recipe = shipped_recipe()

    assert Recipe.from_dict(recipe.to_dict(), origin="a checkpoint") == recipe


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_lr =", "max_rl =", "unknown key fit.max_rl; did you mean max_lr?"),
        ("dropout =", "# dropout =", "missing key network.dropout"),
        ("input_size = 112", 'input_size = "112"', "network.input_size must be int, got str"),
        ('"AU01"', '"AU1"', "network.labels must be like AU04, got 'AU1'"),
        ('"AU01"', '"AU99"', "must name an Action Unit"),
        ("mean = [", "mean = [0.1, ", "network.mean must have 3 values, got 4"),
        ("threshold_share = 0.05", "threshold_share = 0.95", "sum to less than 1"),
        ("expand = ", "expand = 9", "crop.expand must lie in [0.5, 4], got 91.065"),
        ("[crop]", "[crop", "the recipe is not TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(tmp_path, old, new, said):
    text = RECIPE.read_text(encoding="utf-8")
    assert old in text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        read_recipe(wrong)

    assert said in str(caught.value)
    assert "wrong.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: the recipe cannot be read"):
        read_recipe(tmp_path / "none.toml")
