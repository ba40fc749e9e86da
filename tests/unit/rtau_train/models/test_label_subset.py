import pytest
import torch

from rtau.backends.parity import probe_crops
from rtau.errors import UsageError
from rtau_train.commands.main import main
from rtau_train.models.checkpoint import load_model, save_model
from rtau_train.models.label_subset import with_labels
from tests.support.training import FACES


def test_what_a_model_says_of_the_labels_it_keeps_does_not_change(run_folder):
    model = load_model(run_folder)
    crops = torch.from_numpy(probe_crops(4, size=48))

    fewer = with_labels(model, ("AU12", "AU01"))

    assert fewer.recipe.network.labels == ("AU01", "AU12")
    assert fewer.thresholds == (model.thresholds[0], model.thresholds[6])
    with torch.inference_mode():
        wanted = model.network()(crops)[0][:, [0, 6]]
        assert torch.allclose(fewer.network()(crops)[0], wanted, atol=1e-5)


@pytest.mark.parametrize("labels", [("AU45",), ()])
def test_labels_that_are_not_the_models_are_refused(run_folder, labels):
    with pytest.raises(UsageError, match="--labels must be among AU01, AU02"):
        with_labels(load_model(run_folder), labels)


def test_calibrate_keeps_the_labels_that_were_named(run_folder, tmp_path):
    for name in ("split.json", "run.json"):
        (tmp_path / name).write_bytes((run_folder / name).read_bytes())
    save_model(tmp_path / "model.pt", load_model(run_folder))

    main(["calibrate", str(tmp_path), "--data", str(FACES), "--labels", "AU25", "AU12"])

    kept = load_model(tmp_path)
    assert kept.recipe.network.labels == ("AU12", "AU25")
    assert len(kept.thresholds) == len(kept.cam_scale) == 2
