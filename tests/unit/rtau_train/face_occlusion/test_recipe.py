"""The recipe of the occlusion output: it loads, and a mistake in it is said."""

import pytest

from rtau.errors import ConfigError
from rtau_train.face_occlusion import covers
from rtau_train.face_occlusion.recipe import read_recipe
from tests.unit.rtau_train.face_occlusion.conftest import ROOT

RECIPE = ROOT / "train" / "recipes" / "face-occlusion.toml"


def test_the_recipe_loads_and_holds_out_a_kind_of_cover():
    recipe = read_recipe(RECIPE)
    assert recipe.data.unseen_kind in covers.KINDS
    assert not {*recipe.data.dark_glasses} & {*recipe.data.masks_and_hands, *recipe.data.left_out}
    text = RECIPE.read_text(encoding="utf-8")
    for part in ("rtau-train face-occlusion", "Hardware", "Score"):
        assert part in text.split("\nchannels", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed = 51", "sed = 51", "unknown key"),
        ("epochs =", 'epochs = "many" #', "epochs"),
        ("[fit]", "[fit", "not TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(old, new, words, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(RECIPE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as refused:
        read_recipe(path)
    assert str(refused.value).startswith(str(path))
