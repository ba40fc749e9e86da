import pytest

from rtau.contract import CropRule, ModelContract
from rtau.errors import ContractError, UsageError
from rtau_train import card, evaluate
from rtau_train.checkpoint import load_model
from tests.support.study_results import emotion_figures
from tests.support.training import parts


@pytest.fixture(scope="module")
def model(run_folder):
    return load_model(run_folder)


@pytest.fixture(scope="module")
def figures(model):
    return evaluate.report(model, parts())


@pytest.fixture
def model_file(model, tmp_path):
    """A stand-in for an export: the card reads its side-car, size and hash."""
    network = model.recipe.network
    contract = ModelContract(
        name="small-au12",
        network=network.name,
        task="multi_label",
        labels=network.labels,
        input_size=network.input_size,
        crop=CropRule(detector="haar", expand=1.09, offset_x=0.0, offset_y=0.1),
        mean=network.mean,
        std=network.std,
        thresholds=model.thresholds,
        thresholds_origin="best F1 on a part of its own",
        weights_sha256=model.weights_sha256(),
        recipe=model.recipe_path,
        git_commit="abc",
        licence="Apache-2.0",
        training_data="72 rendered faces",
    )
    path = tmp_path / "small-au12.onnx"
    path.write_bytes(b"x" * 2_500_000)
    path.with_suffix(".json").write_text(contract.to_json())
    return path


def test_the_card_says_what_a_reader_must_know(model, figures, model_file):
    text = card.model_card(model, figures, model_file=model_file)

    for part in (
        "# small-au12",
        "2.5 MB",
        "rendered faces only",
        "AUs are not emotions",
        "surveillance",
        "hiring",
        "policing",
        "at work or at school",
        "medical",
        "MIT, (c) 2020 USC ICT",
        "CC0",
        "PUBLICDOMAIN",
        "72 rendered faces",
        "best F1 on a part of its own",
        model.weights_sha256(),
        "| ethnicity | african |",
    ):
        assert part in text, part
    for row in figures.labels:
        assert f"| {row.label} |" in text
        assert f"{row.threshold:.3f}" in text


def test_the_card_names_the_weakest_first(figures):
    named = card._weakest(figures)

    aucs = sorted(row.auc for row in figures.labels if row.auc == row.auc)  # NaN is no AUC
    assert [f"AUC {auc:.2f})" in named for auc in aucs[:3]] == [True] * 3
    assert named.count("AU") == 6  # three labels, three AUCs


def test_the_card_is_refused_for_other_weights(model, figures, model_file):
    sidecar = model_file.with_suffix(".json")
    sidecar.write_text(sidecar.read_text().replace(model.weights_sha256(), "0" * 64))

    with pytest.raises(ContractError, match="exported from other weights"):
        card.model_card(model, figures, model_file=model_file)


def test_a_card_is_of_action_units(model, model_file):
    with pytest.raises(UsageError, match="a model of Action Units only"):
        card.model_card(model, emotion_figures(), model_file=model_file)
