import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rtau.faces.alignment_contract import AlignmentContract, PresenceCalibration
from rtau.squares import squares_from_points
from rtau_train.face_alignment import calibrate, examples, exported, fit
from rtau_train.face_alignment.losses import SquareFit
from rtau_train.face_alignment.recipe import read_recipe

RECIPE = Path(__file__).parents[4] / "train" / "recipes" / "face-align.toml"


@pytest.fixture(scope="module")
def recipe():
    return read_recipe(RECIPE)


@pytest.fixture
def network(recipe, rule):
    torch.manual_seed(0)
    return fit.fresh_network(recipe, rule=rule)


@pytest.fixture(scope="module")
def contract(rule):
    return AlignmentContract(
        name="face-align",
        network="random weights",
        input_size=64,
        expand=1.6,
        points=rule,
        max_shift=0.3,
        max_scale=1.5,
        max_roll_deg=50.0,
        calibration=PresenceCalibration(1.0, 0.0, "none"),
        weights_sha256="",
        recipe="",
        git_commit="",
        licence="",
        training_data="",
        opset=exported.OPSET,
    )


def test_a_fresh_network_answers_with_the_average_face(network, rule):
    crops = torch.full((3, 64, 64), 90, dtype=torch.uint8)
    _, points = network.eval()(crops)
    squares = squares_from_points(points.detach().numpy(), rule=rule)
    assert squares.centres_xy == pytest.approx(np.full((3, 2), 32), abs=2)
    assert squares.sides_px == pytest.approx(np.full(3, 40), abs=3)


def test_light_does_not_matter_and_black_is_finite(network):
    rng = np.random.default_rng(1)
    crop = torch.from_numpy(rng.integers(0, 100, (1, 64, 64)).astype(np.uint8))
    network.eval()
    with torch.inference_mode():
        dark, _ = network(crop)
        light, _ = network(crop * 2)
        black, points = network(torch.zeros((2, 64, 64), dtype=torch.uint8))
    assert float(dark) == pytest.approx(float(light), abs=0.05)
    assert torch.isfinite(black).all()
    assert torch.isfinite(points).all()


def test_eight_examples_are_learnt_by_heart(recipe, network, cutouts, plain_scenes, rng, rule):
    made = examples.joined(
        [
            examples.faces(rng, cutouts, plain_scenes, count=4, expand=1.6),
            examples.near_faces(rng, cutouts, plain_scenes, count=4, expand=1.6),
        ]
    )
    parts_of = fit.loss_of(recipe.fit, rule)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    first = parts_of(network, made).sum()
    for _ in range(60):
        optimiser.zero_grad()
        loss = parts_of(network, made).sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.15 * first.item()


def test_the_square_can_be_learnt_through(rule, rng):
    points = rng.uniform(0, 64, (5, 68, 2)).astype(np.float32)
    seen = SquareFit(rule)(torch.from_numpy(points)).numpy()
    squares = squares_from_points(points, rule=rule)
    assert np.hypot(seen[:, 0], seen[:, 1]) == pytest.approx(squares.sides_px, rel=1e-4)
    assert np.arctan2(seen[:, 1], seen[:, 0]) == pytest.approx(squares.rolls_rad, abs=1e-4)
    assert seen[:, 2:] == pytest.approx(squares.centres_xy, rel=1e-4)


def test_the_file_answers_as_torch_does(network, contract, tmp_path):
    model = exported.exported(network, contract)
    path = exported.write_files(model, tmp_path, name="face-align")
    assert path.stat().st_size < 1_000_000
    opened = exported.OnnxAlignment(path)
    assert dataclasses.replace(opened.contract, parity=None) == contract
    text = path.with_suffix(".json").read_text(encoding="utf-8")
    assert AlignmentContract.from_json(text, origin="json") == opened.contract
    rng = np.random.default_rng(3)
    for count in (0, 1, 7, 32):
        crops = rng.integers(0, 256, (count, 64, 64)).astype(np.uint8)
        logits, points = opened(crops)
        assert logits.shape == (count,)
        assert points.shape == (count, 68, 2)
        if count:
            wanted = [answer.detach().numpy() for answer in network.eval()(torch.from_numpy(crops))]
            assert np.abs(logits - wanted[0]).max() < 1e-5
            assert np.abs(points - wanted[1]).max() / 64 < 1e-5


def test_a_calibrated_network_gives_scaled_logits(network):
    crops = torch.randint(0, 256, (4, 64, 64), dtype=torch.uint8)
    network.eval()
    before, _ = network(crops)
    network.calibrate(scale=2.0, shift=-1.0)
    after, _ = network(crops)
    assert torch.allclose(after, 2 * before - 1, atol=1e-5)


def test_platt_finds_the_scale_of_logits(rng):
    logits = rng.normal(0, 3, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-(0.5 * logits + 1)))).astype(np.float32)
    scale, shift = calibrate.platt(logits.astype(np.float32), labels)
    assert scale == pytest.approx(0.5, abs=0.1)
    assert shift == pytest.approx(1, abs=0.2)
