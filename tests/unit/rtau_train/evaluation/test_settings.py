import dataclasses

import pytest

from rtau_train.evaluation.settings import settings_of
from rtau_train.recipe import Oversample, SplitPlan, read_recipe
from rtau_train.report.data_tables import HYPERPARAMETERS
from rtau_train.report.published.tables import paper1
from tests.support.training import RECIPE, small_recipe

RECIPES = RECIPE.parent
# Those of the face alignment network have forms of their own.
RECIPE_FILES = sorted(path for path in RECIPES.glob("*.toml") if not path.stem.startswith("face-"))


def test_the_recipes_of_the_paper_have_the_values_of_its_table_6():
    settings = settings_of(read_recipe(RECIPES / "vgg19-disfa.toml"))

    assert settings["loss function"] == "binary cross-entropy"
    assert settings["optimiser"].startswith("adam,")
    published = {line.name: line for line in paper1().hyperparameters if "VGG19" in line.networks}
    assert settings["batch size"] == published["batch size"].value
    assert settings["learning rate"] == published["learning rate"].value
    assert settings["training epochs"] == "50"
    assert settings["first weights"] == "ImageNet"
    assert settings["trained"] == "head and last block"
    assert settings["split"] == "by image, 70%/10%/20%, seed 2024"


@pytest.mark.parametrize("path", RECIPE_FILES, ids=lambda path: path.stem)
def test_every_recipe_has_the_names_of_the_table(path):
    settings = settings_of(read_recipe(path))

    assert tuple(settings)[:4] == HYPERPARAMETERS
    assert all(settings.values())


def test_variants_are_named():
    recipe = small_recipe(class_weights="balanced", min_lr=1e-5, max_lr=1e-2, accumulate=2)
    recipe = dataclasses.replace(
        recipe,
        split=SplitPlan(protocol="subject", folds=5, fold=1, seed=3),
        oversample=Oversample(labels=("AU20", "AU17"), copies=10, before_split=True),
    )

    settings = settings_of(recipe)

    assert settings["loss function"] == "binary cross-entropy, balanced"
    assert settings["learning rate"] == "1e-05 to 0.01, one cycle"
    assert settings["batch size"] == "64"
    assert settings["split"] == "by subject, fold 2 of 5, seed 3"
    assert settings["artificial images"] == "10 per image with AU20, then AU17, before the split"


def test_a_split_that_came_with_the_data_is_called_so():
    settings = settings_of(read_recipe(RECIPES / "resnet18-emotions.toml"))

    assert settings["split"] == "the data's own"
    assert settings["loss function"] == "cross-entropy"
