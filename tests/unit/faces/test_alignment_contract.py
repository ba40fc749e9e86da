import dataclasses
import json

import pytest

from rtau.errors import ContractError
from rtau.faces.alignment_contract import (
    AlignmentContract,
    AlignmentParity,
    OcclusionOutput,
    PresenceCalibration,
)
from rtau.squares import PointRule

CONTRACT = AlignmentContract(
    name="face-align",
    network="six convolutions",
    input_size=64,
    expand=1.6,
    points=PointRule(((-0.5, 0.0), (0.5, 0.0)), (1.0, 2.0)),
    max_shift=0.32,
    max_scale=1.57,
    max_roll_deg=50.0,
    calibration=PresenceCalibration(scale=1.1, shift=-0.2, origin="a test"),
    weights_sha256="0" * 64,
    recipe="train/recipes/face-align.toml",
    git_commit="0" * 40,
    licence="Apache-2.0",
    training_data="nothing",
    opset=18,
    parity=AlignmentParity("torch", "onnxruntime", 42, 1e-6, 1e-5),
    occlusion=OcclusionOutput(
        limit=0.7,
        origin="a test",
        weights_sha256="0" * 64,
        recipe="train/recipes/face-occlusion.toml",
        git_commit="0" * 40,
        training_data="nothing",
        max_dlogit=1e-6,
    ),
)


@pytest.mark.parametrize(
    "contract",
    [
        CONTRACT,
        dataclasses.replace(CONTRACT, parity=None),
        dataclasses.replace(CONTRACT, occlusion=None),
    ],
)
def test_a_contract_survives_json(contract):
    assert AlignmentContract.from_json(contract.to_json(), origin="here") == contract


def test_a_file_from_before_the_occlusion_output_is_read():
    payload = json.loads(CONTRACT.to_json())
    del payload["occlusion"]
    assert AlignmentContract.from_json(json.dumps(payload), origin="x.json").occlusion is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema must be 1"),
        ({"expand": 9}, "expand must lie"),
        ({"input_size": 3}, "input_size must lie"),
        ({"max_scale": 0.5}, "max_scale"),
        ({"colour": "green"}, "unknown key colour"),
        (
            {"occlusion": {**dataclasses.asdict(CONTRACT.occlusion), "limit": 1.0}},
            "limit must lie between 0 and 1, got 1.0",
        ),
        ({"points": {"places_xy": [[0, 0]], "weights": [1]}}, "one value per point"),
    ],
)
def test_a_wrong_contract_is_refused_in_one_line(change, words):
    payload = {**json.loads(CONTRACT.to_json()), **change}
    with pytest.raises(ContractError, match=words) as refused:
        AlignmentContract.from_json(json.dumps(payload), origin="x.json")
    assert str(refused.value).startswith("x.json: ")


def test_text_that_is_no_json_is_refused():
    with pytest.raises(ContractError, match="not JSON"):
        AlignmentContract.from_json("{", origin="x.json")
