import pytest

from rtau.errors import ConfigError
from rtau.facs import DISFA_PLUS_AUS
from rtau_train.models import NETWORKS
from rtau_train.recipe import Recipe, read_recipe
from tests.support.training import RECIPE, ROOT, shipped_recipe

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
# Those of the face alignment network have forms of their own.
RECIPES = sorted(
    path
    for path in (ROOT / "train" / "recipes").glob("*.toml")
    if not path.stem.startswith("face-")
)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads_and_names_a_network(path):
    recipe = read_recipe(path)

    assert recipe.network.name in NETWORKS
    aus = tuple(au.label for au in DISFA_PLUS_AUS)
    is_emotions = path.stem.endswith("-emotions")
    # Further AUs come behind the study's.
    labels = recipe.network.labels
    assert labels == EMOTIONS if is_emotions else labels[: len(aus)] == aus
    assert recipe.network.task == ("multi_class" if is_emotions else "multi_label")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_begins_with_its_lab_record(path):
    head = path.read_text(encoding="utf-8").split("\n[", maxsplit=1)[0]

    for part in ("rtau-train fit", "Hardware", "Score"):
        assert part in head, f"the header of {path.name} must tell its {part!r}"


def test_what_a_recipe_leaves_out_is_what_older_ones_meant():
    payload = shipped_recipe().to_dict()
    for key in ("task", "pooling", "weights", "unfreeze", "landmarks"):
        del payload["network"][key]

    assert Recipe.from_dict(payload, origin="an old checkpoint") == shipped_recipe()


def test_a_recipe_can_ask_for_the_papers_networks():
    payload = shipped_recipe().to_dict()
    payload["fit"]["landmark_weight"] = 0.0
    payload["network"] |= {
        "name": "resnet18",
        "labels": ["anger", "neutral"],
        "hidden": 0,
        "task": "multi_class",
        "pooling": "max",
        "weights": "imagenet",
        "unfreeze": "last_block",
        "landmarks": False,
    }

    network = Recipe.from_dict(payload, origin="test").network

    assert (network.task, network.pooling) == ("multi_class", "max")
    assert (network.weights, network.unfreeze, network.landmarks) == (
        "imagenet",
        "last_block",
        False,
    )


def test_plain_values_give_the_recipe_back():
    recipe = shipped_recipe()

    assert Recipe.from_dict(recipe.to_dict(), origin="a checkpoint") == recipe


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_lr =", "max_rl =", "unknown key fit.max_rl; did you mean fit.max_lr?"),
        ("dropout =", "# dropout =", "missing key network.dropout"),
        ("input_size = 112", 'input_size = "112"', "network.input_size must be int, got str"),
        ('"AU01"', '"AU1"', "network.labels must be like AU04, got 'AU1'"),
        ('"AU01"', '"AU99"', "must name an Action Unit"),
        ("mean = [", "mean = [0.1, ", "network.mean must have 3 values, got 4"),
        ("validation = 0.05", "validation = 0.95", "sum to less than 1"),
        ("expand = ", "expand = 9", "crop.expand must lie in [0.5, 4], got 91.065"),
        ("[crop]", 'pooling = "mean"\n[crop]', "pooling must be one of average, max, got 'mean'"),
        ("[crop]", 'unfreeze = "last_block"\n[crop]', "frozen random weights cannot learn"),
        ("[crop]", "landmarks = 1\n[crop]", "network.landmarks must be bool, got int"),
        ("[crop]", "landmarks = false\n[crop]", "landmark_weight must be 0 where"),
        ("hidden = 512", "hidden = -1", "network.hidden must be 0 or more, got -1"),
        ('"AU01", "AU02"', '"AU01", "AU01"', "network.labels must be different names"),
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


def test_overrides_change_values_and_are_checked_like_the_file():
    changed = read_recipe(
        RECIPE, overrides=("fit.epochs=3", "split.protocol=subject", "fit.max_lr = 1e-3")
    )

    assert (changed.fit.epochs, changed.split.protocol) == (3, "subject")
    assert changed.fit.max_lr == 1e-3
    assert changed.network == shipped_recipe().network


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("epochs=3", "--set must be TABLE.KEY=VALUE"),
        ("fit.epochs", "--set must be TABLE.KEY=VALUE"),
        ("fit.epochs=many", "fit.epochs must be int, got str"),
        ("fit.epoch=3", "unknown key fit.epoch; did you mean fit.epochs?"),
        ("fit.epochs=0", "fit.dense_epochs must lie in"),
        ("fit.seed.x=1", "seed is not a table"),
        ("split.folds=1", "split.folds must be 0 or at least 2"),
        ("fit.min_lr=1", "fit.min_lr must lie in"),
        ("fit.warm_up=1.0", "fit.warm_up must lie between"),
        ("network.task=multi_class", "fit.landmark_weight"),
        ("oversample.copies=2", "missing key oversample"),
        ("network.input_size=224", "fit.dense_epochs must be 0 for shufflenetv2_x1_0 at network"),
        ("network.name=vgg19", "got 1: only resnet18, resnet34, resnet50, resnet101, mobilenetv2"),
        ("fit.keep=best", "fit.dense_epochs must be 0 or all 12 epochs with fit.patience or"),
        ("fit.patience=2", "weights that never learnt in the dense form could be kept"),
    ],
)
def test_a_wrong_override_is_refused_in_one_line(override, said):
    overrides = (override,)
    if override == "network.task=multi_class":
        overrides, said = (override, "fit.loss=focal"), "fit.loss must be cross_entropy where"

    with pytest.raises(ConfigError) as caught:
        read_recipe(RECIPE, overrides=overrides)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: the recipe cannot be read"):
        read_recipe(tmp_path / "none.toml")
