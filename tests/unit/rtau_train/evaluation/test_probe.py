"""Pose, intensities and sides that are read off a trained network."""

import dataclasses

import numpy as np
import pytest
import torch

from rtau.errors import UsageError
from rtau_export.graph import FaceGraph
from rtau_train.evaluation import probe
from rtau_train.models import build
from rtau_train.models.checkpoint import load_model

LABELS = 12


@pytest.fixture
def model(run_folder):
    """A model of the finished run with a layer for the pose, at zero, and candidates for sides."""
    found = load_model(run_folder)
    network = dataclasses.replace(found.recipe.network, sides=("AU12", "AU01"), pose=True)
    recipe = dataclasses.replace(found.recipe, network=network)
    weights = {**build(network).state_dict(), **found.weights}
    return dataclasses.replace(found, recipe=recipe, weights=weights)


def with_sides(data, seed=0):
    """The data with an intensity of each side: the mean, and a difference by chance."""
    rng = np.random.default_rng(seed)
    columns = dict(data.columns)
    for label in ("AU01", "AU12"):
        mean = data.targets[:, data.labels.index(label)]
        tilt = rng.uniform(-0.8, 0.8, len(data))
        columns[f"{label}_L"] = np.array([f"{v:.3f}" for v in mean * (1 + tilt)])
        columns[f"{label}_R"] = np.array([f"{v:.3f}" for v in mean * (1 - tilt)])
    return dataclasses.replace(data, columns=columns)


def test_a_probed_model_has_layers_a_scale_and_honest_figures(model, data, monkeypatch):
    monkeypatch.setattr(probe, "FEWEST", 1)
    parts = probe.parts_of(with_sides(data), model.recipe)

    probed, report = probe.probed(model, parts)

    assert probed.weights["pose.weight"].abs().max() > 0
    good = [label for label, r in report.sides_r.items() if r >= probe.LEAST_SIDE_R]
    assert list(probed.side_gains or {}) == good
    assert list(report.sides_r) == ["AU12", "AU01"]
    scale = np.array(probed.intensity_scale)
    assert scale.shape == (LABELS, 6)
    assert (np.diff(scale, axis=1) > 0).all()
    assert scale[:, 2] == pytest.approx(np.array(model.thresholds), rel=1e-3)
    assert set(report.pose_error_deg) == {"pitch", "yaw"}
    assert set(report.intensity_r) == set(model.recipe.network.labels)
    body = {k: v for k, v in probed.weights.items() if not k.startswith("pose")}
    assert all(torch.equal(v, model.weights[k]) for k, v in body.items())


def test_the_exported_graph_returns_what_was_probed(model):
    net = model.network()
    graph = FaceGraph(net, cam_method=None, pose=True)
    torch.nn.init.normal_(net.pose.weight)
    crops = torch.randint(0, 255, (3, 48, 48, 3), dtype=torch.uint8)

    with torch.inference_mode():
        found = dict(zip(graph.outputs, graph(crops), strict=True))
        pooled = net.pooling(net.features(crops))

    assert list(found) == ["logits", "pose"]
    assert torch.equal(found["pose"], net.pose(pooled))


def test_a_side_has_the_gain_of_least_squares_and_the_correlation_of_what_is_told():
    wanted = np.array([2.0, -3.0, 0.5, -0.5] * 20)
    log_odds, whole = (4 * wanted).astype(np.float32), np.full(80, 2.5, np.float32)

    found = probe._side(log_odds, wanted, whole)
    assert found.gain == pytest.approx(0.25)
    assert found.r == pytest.approx(1)
    assert probe._side(-log_odds, wanted, whole).gain == pytest.approx(-0.25)
    # Where the whole face shows nothing, no side does.
    assert np.isnan(probe._side(log_odds, wanted, np.zeros(80, np.float32)).r)
    assert np.isnan(probe._side(log_odds[:40], wanted[:40], whole[:40]).r)


def test_an_output_without_its_layer_is_refused(run_folder):
    with pytest.raises(ValueError, match="net must have a layer of pose"):
        FaceGraph(load_model(run_folder).network(), cam_method=None, pose=True)


@pytest.mark.parametrize("missing", ["yaw_deg", "AU01_L"])
def test_pictures_that_are_no_renders_are_refused(model, data, missing):
    data = with_sides(data)
    columns = {name: values for name, values in data.columns.items() if name != missing}
    parts = probe.parts_of(dataclasses.replace(data, columns=columns), model.recipe)

    with pytest.raises(UsageError, match=f"{missing}|renders"):
        probe.probed(model, parts)
