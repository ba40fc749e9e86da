import dataclasses
import pickle
import shutil

import pytest
import torch

from rtau.errors import ConfigError, SinkError, SourceOpenError
from rtau_export import cli as export
from rtau_train.models import build
from rtau_train.models.checkpoint import (
    load_model,
    load_state,
    resumed_state,
    save_model,
    save_state,
)
from tests.support.limits import file_size_limit


class Hostile:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('code ran')",))


def test_a_reloaded_model_gives_identical_logits(run_folder, tmp_path):
    model = load_model(run_folder)
    save_model(tmp_path / "copy.pt", model)
    again = load_model(tmp_path / "copy.pt")
    size = model.recipe.network.input_size
    crops = torch.arange(2 * size * size * 3).reshape(2, size, size, 3).to(torch.uint8)

    with torch.inference_mode():
        wanted, got = model.network()(crops)[0], again.network()(crops)[0]

    assert torch.equal(wanted, got)
    assert again.recipe == model.recipe
    assert again.thresholds == model.thresholds
    assert again.cam_scale == model.cam_scale
    assert again.weights_sha256() == model.weights_sha256()


def test_a_file_older_than_the_record_of_its_form_keeps_the_form_it_was_judged_in(
    run_folder, tmp_path
):
    payload = load_state(run_folder / "model.pt", kind="model")
    assert payload.pop("is_dense") is True
    save_state(tmp_path / "old.pt", {"kind": "model", **payload})

    assert load_model(tmp_path / "old.pt").is_dense

    payload["recipe"]["fit"]["dense_epochs"] = 0
    save_state(tmp_path / "old.pt", {"kind": "model", **payload})
    with pytest.raises(SourceOpenError, match="trained in the plain form and judged in the dense"):
        load_model(tmp_path / "old.pt")


def test_other_weights_have_another_hash(run_folder):
    model = load_model(run_folder)
    before = model.weights_sha256()

    model.weights["head.out.bias"][0] += 1

    assert model.weights_sha256() != before


def test_a_hostile_file_runs_no_code(tmp_path):
    path = tmp_path / "model.pt"
    with path.open("wb") as file:
        pickle.dump(Hostile(), file)

    with pytest.raises(SourceOpenError, match="not a readable checkpoint"):
        load_model(path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused_in_one_line(run_folder, tmp_path, share):
    whole = (run_folder / "model.pt").read_bytes()
    path = tmp_path / "model.pt"
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(SourceOpenError) as caught:
        load_model(path)

    assert "not a readable checkpoint" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_checkpoint_says_how_one_is_made(tmp_path):
    with pytest.raises(SourceOpenError, match=r"`rtau-train fit` writes model\.pt"):
        load_model(tmp_path)


def test_the_resume_state_is_not_taken_for_a_model(run_folder):
    with pytest.raises(SourceOpenError, match="not a checkpoint of kind 'model'"):
        load_model(run_folder / "last.pt")


def test_another_format_is_refused(tmp_path):
    torch.save({"kind": "model", "format": 99}, tmp_path / "model.pt")

    with pytest.raises(SourceOpenError, match="format must be 3, got 99"):
        load_state(tmp_path / "model.pt", kind="model")


def test_weights_of_another_network_are_named(run_folder):
    model = load_model(run_folder)

    assert set(model.weights) == set(build(model.recipe.network).state_dict())


@pytest.mark.parametrize("fault", ["lacks one", "another shape", "one too many", "no tensor"])
def test_weights_of_another_shape_are_refused_in_one_line(run_folder, tmp_path, fault, capsys):
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    model = load_model(run)
    weights = dict(model.weights)
    name = next(iter(weights))
    weights |= {
        "lacks one": {},
        "another shape": {name: weights[name][:1]},
        "one too many": {"extra": weights[name]},
        "no tensor": {name: 3},
    }[fault]
    if fault == "lacks one":
        del weights[name]
    save_model(run / "model.pt", dataclasses.replace(model, weights=weights))

    assert export.main(["onnx", str(run), "--out", str(tmp_path / "m.onnx")]) == 1
    err = capsys.readouterr().err
    told = "extra" if fault == "one too many" else name
    assert err.count("\n") == 1
    assert "model.pt: not the weights of" in err
    assert told in err
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recipe": None}, "must be a table, got null"),
        ({"thresholds": "0.5"}, "thresholds must be a list"),
        ({"thresholds": (0.5,)}, "thresholds must have"),
        ({"extra": 1}, "unknown key extra"),
    ],
)
def test_a_model_with_other_values_is_refused(run_folder, tmp_path, changes, told):
    payload = load_state(run_folder / "model.pt", kind="model")
    save_state(tmp_path / "model.pt", {"kind": "model", **payload, **changes})
    with pytest.raises((SourceOpenError, ConfigError), match=rf"model\.pt: .*{told}"):
        load_model(tmp_path / "model.pt")


def test_a_state_of_other_weights_does_not_resume(run_folder, tmp_path):
    net = load_model(run_folder).network()
    state = load_state(run_folder / "last.pt", kind="state")
    save_state(tmp_path / "last.pt", {"kind": "state", **state, "weights": {}})
    with (
        pytest.raises(SourceOpenError, match="not the state of this training"),
        resumed_state(tmp_path / "last.pt", kind="state") as found,
    ):
        net.load_state_dict(found["weights"])


def test_a_full_disk_is_one_line_and_leaves_the_old_checkpoint_whole(run_folder, tmp_path):
    path = tmp_path / "model.pt"
    shutil.copy(run_folder / "model.pt", path)
    before = path.read_bytes()

    with (
        file_size_limit(100_000),
        pytest.raises(SinkError, match=r"model\.pt: the checkpoint cannot be written .*--resume"),
    ):
        save_model(path, load_model(run_folder))

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
