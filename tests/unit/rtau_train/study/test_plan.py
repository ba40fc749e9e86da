import dataclasses

import pytest

from rtau.errors import ConfigError, UsageError
from rtau_train.models import NETWORKS
from rtau_train.study.plan import Reduction, planned, read_reduction, reduced_rows
from tests.support.training import ROOT

RECIPES = ROOT / "train" / "recipes"
STUDIES = ROOT / "train" / "studies"
REDUCED = STUDIES / "paper1-on-renders.toml"
AS_PUBLISHED = Reduction()


def paper1(*data, reduction=AS_PUBLISHED, **how):
    return planned("paper1", data or ("disfa+", "dem"), recipes=RECIPES, reduction=reduction, **how)


def paper2(*data):
    return planned("paper2", data, recipes=RECIPES, reduction=AS_PUBLISHED)


def test_the_first_paper_has_twelve_experiments_and_each_is_run_by_person_too():
    by_image = paper1(protocols=("image",))

    assert len(by_image) == 12
    assert len({one.network for one in by_image}) == 6
    assert len(paper1()) == 24
    assert len({one.key for one in paper1()}) == 24
    assert {one.network for one in by_image} <= set(NETWORKS)


def test_table_6_is_what_the_recipes_hold():
    for one in paper1(protocols=("image",)):
        fit, network = one.recipe.fit, one.recipe.network
        is_quick = one.network in {"vgg19", "shufflenetv2_x1_0"}
        assert (fit.optimiser, fit.epochs, fit.schedule) == ("adam", 50, "constant")
        assert fit.batch == (24 if one.network == "vgg19" else 48)
        assert fit.max_lr == (1e-3 if is_quick else 1e-4)
        assert (network.input_size, network.hidden, len(network.labels)) == (224, 512, 12)
        scratch = one.network == "shufflenetv2_x1_0"
        assert network.weights == ("none" if scratch else "imagenet")
        assert network.unfreeze == ("all" if scratch else "last_block")


def test_what_the_recipes_of_one_paper_share_is_the_same_in_all():
    shared = ("network.labels", "network.mean", "augment", "split", "shipping.haar_crop")
    for study in (paper1(protocols=("image",)), paper2("fer2013")):
        first = study[0].recipe
        for one in study[1:]:
            for place in shared:
                table, _, key = place.partition(".")
                mine, theirs = getattr(one.recipe, table), getattr(first, table)
                assert (getattr(mine, key) if key else mine) == (
                    getattr(theirs, key) if key else theirs
                )


def test_by_person_nobody_and_no_copy_crosses():
    for one in paper1(protocols=("subject",)):
        assert one.recipe.split.protocol == "subject"
        if one.dataset == "dem":
            assert one.published.oversample.before_split
            assert not one.recipe.oversample.before_split


def test_the_second_paper_trains_three_networks_on_either_set():
    experiments = paper2("fer2013", "ckplus")

    assert len(experiments) == 6
    assert {one.protocol for one in experiments if one.dataset == "fer2013"} == {"given"}
    assert {one.protocol for one in experiments if one.dataset == "ckplus"} == {"subject"}
    for one in experiments:
        fit = one.recipe.fit
        assert (fit.epochs, fit.min_lr, fit.max_lr) == (20, 1e-5, 1e-2)
        assert len(one.recipe.network.labels) == 7


def test_what_was_reduced_is_derived_from_the_recipes():
    experiments = paper1(reduction=read_reduction(REDUCED))

    rows = {what: (old, new) for what, old, new in reduced_rows(experiments)}

    assert rows["fit.batch (vgg19)"] == ("24", "16")
    assert rows["network.landmarks (all networks)"] == ("False", "True")
    assert rows["fit.epochs (vgg19, resnet101, nasnet_mobile)"] == ("50", "1")
    assert not any(what.startswith("split.protocol") for what in rows)
    assert reduced_rows(paper1()) == []


@pytest.mark.parametrize("data", [(), ("fer2013",), ("disfa+", "mine")])
def test_a_data_set_that_is_not_the_papers_is_refused(data):
    with pytest.raises(UsageError, match=r"paper1 needs --data NAME=DIR with NAME one of disfa\+"):
        planned("paper1", data, recipes=RECIPES, reduction=AS_PUBLISHED)


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"vgg19-disfa\.toml"):
        planned("paper1", ("disfa+",), recipes=tmp_path, reduction=AS_PUBLISHED)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[networks]\nalexnet = []", "[networks] must map vgg19"),
        ('[datasets]\ndem = "fit.epochs=1"', "[datasets] must map disfa+"),
        ("epochs = 3", "unknown key epochs"),
        ("[", "reduced.toml: "),
    ],
)
def test_a_wrong_reduction_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "reduced.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_reduction(path)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_changes_of_a_network_come_last():
    reduction = Reduction(overrides=("fit.epochs=9",), networks={"vgg19": ["fit.epochs=2"]})

    by_network = {one.network: one.recipe.fit.epochs for one in paper1(reduction=reduction)}

    assert by_network["vgg19"] == 2
    assert by_network["resnet101"] == 9
    assert dataclasses.replace(reduction).of("vgg19", "dem")[-1] == "fit.epochs=2"


def test_the_second_paper_is_reduced_by_its_own_file():
    reduction = read_reduction(STUDIES / "paper2-from-random.toml")

    runs = planned("paper2", ("fer2013",), recipes=RECIPES, reduction=reduction)

    assert [one.network for one in runs] == ["resnet18", "resnet34", "resnet50"]
    for one in runs:
        assert (one.recipe.network.weights, one.recipe.network.input_size) == ("none", 48)
        assert one.recipe.fit.is_dense(one.recipe.fit.epochs - 1)
