import contextlib
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.contract import (
    MAX_JSON_BYTES,
    SCHEMA,
    CropRule,
    LandmarkRule,
    ModelContract,
    ParityRecord,
    read_sidecar,
)
from rtau.errors import ContractError


def contract(**changes):
    fields = {
        "name": "shufflenetv2-au14",
        "network": "shufflenetv2_x1_0",
        "task": "multi_label",
        "labels": ("AU01", "AU12"),
        "input_size": 112,
        "crop": CropRule(detector="haar", expand=1.2, offset_x=0.0, offset_y=0.05),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
        "thresholds": (0.5, 0.4),
        "thresholds_origin": "held-out renders, best F1",
        "weights_sha256": "0" * 64,
        "recipe": "train/recipes/shufflenetv2.toml",
        "git_commit": "abc1234",
        "licence": "Apache-2.0",
        "training_data": "renders",
        "cam_method": "gradcam",
        "cam_scale": (1.0, 2.0),
        "opset": 17,
    }
    return ModelContract(**{**fields, **changes})


def payload(**changes):
    return {**json.loads(contract().to_json()), **changes}


def read(value):
    return ModelContract.from_json(json.dumps(value), origin="model.json")


unit = st.floats(0, 1)


def parity(**changes):
    fields = {
        "reference": "the float32 file a.onnx",
        "reference_sha256": "1" * 64,
        "runner": "onnxruntime 1.32.0, CPUExecutionProvider",
        "conversion": "int8 for ONNX Runtime on a CPU",
        "images": 100,
        "images_origin": "a folder",
        "max_dlogit": 0.4,
        "max_dp": 0.03,
        "mean_dp": 0.002,
        "changed_decisions": 4,
        "decisions": 1200,
    }
    return ParityRecord(**{**fields, **changes})


@st.composite
def parities(draw):
    decisions = draw(st.integers(1, 10**6))
    return parity(
        conversion=draw(st.text()),
        images=draw(st.integers(1, 10**6)),
        max_dlogit=draw(st.floats(0, 50)),
        max_dp=draw(unit),
        mean_dp=draw(unit),
        decisions=decisions,
        changed_decisions=draw(st.integers(0, decisions)),
        cam_correlation=draw(st.none() | st.floats(-1, 1)),
        macro_f1_difference=draw(st.none() | st.floats(-1, 1)),
        max_dlandmark=draw(st.none() | st.floats(0, 1)),
    )


@st.composite
def contracts(draw):
    label = st.text("AU12 _-é三").map("A".__add__)
    labels = draw(st.lists(label, min_size=1, max_size=12, unique=True))
    per_label = {"min_size": len(labels), "max_size": len(labels)}
    with_cams = draw(st.booleans())
    precision = draw(st.sampled_from(["fp32", "fp16", "int8"]))
    return contract(
        labels=tuple(labels),
        task=draw(st.sampled_from(["multi_label", "multi_class"])),
        input_size=draw(st.integers(16, 1024)),
        crop=CropRule(
            detector=draw(st.text()),
            expand=draw(st.floats(0.5, 4)),
            offset_x=draw(st.floats(-1, 1)),
            offset_y=draw(st.floats(-1, 1)),
        ),
        thresholds=tuple(draw(st.lists(unit, **per_label))),
        thresholds_origin=draw(st.text()),
        cam_method=draw(st.sampled_from(["gradcam", "gradcam++"])) if with_cams else None,
        cam_scale=tuple(draw(st.lists(st.floats(1e-6, 1e6), **per_label))) if with_cams else None,
        precision=precision,
        int8_profile=draw(st.sampled_from(["cpu", "trt"])) if precision == "int8" else None,
        parity=draw(st.none() | parities()),
        landmarks=draw(st.none() | st.builds(LandmarkRule, st.floats(0.5, 4), st.floats(-1, 1))),
        max_batch=draw(st.none() | st.integers(1, 512)),
    )


@given(contracts())
def test_a_contract_comes_back_from_json_as_it_was(original):
    assert ModelContract.from_json(original.to_json(), origin="memory") == original


def test_a_contract_from_before_reduced_precisions_is_read():
    old = payload()
    del old["int8_profile"], old["parity"]

    assert read(old) == contract()


def test_a_contract_from_before_landmarks_is_read_and_has_none():
    old = payload(parity=dataclasses.asdict(parity()))
    del old["landmarks"], old["parity"]["max_dlandmark"]

    assert read(old) == contract(parity=parity())
    assert not read(old).has_landmarks
    assert contract(landmarks=LandmarkRule(1.27, 0.04)).has_landmarks


def test_whole_numbers_are_fine_where_json_drops_the_point():
    assert read(payload(thresholds=[0, 1])).thresholds == (0.0, 1.0)
    assert read(payload(mean=[0, 0, 0])).mean == (0.0, 0.0, 0.0)


def test_a_contract_without_cams_says_so():
    assert contract().has_cams
    assert not contract(cam_method=None, cam_scale=None).has_cams


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('"' + "x" * MAX_JSON_BYTES + '"', "under 1 MiB"),
        ("{}", f"schema must be {SCHEMA}, got None"),
        (json.dumps(payload(schema=2)), f"schema must be {SCHEMA}, got 2; export the model again"),
        (json.dumps({"schema": SCHEMA}), "missing key name"),
    ],
    ids=[
        "empty",
        "cut",
        "deep",
        "digits",
        "list",
        "null",
        "huge",
        "no schema",
        "new schema",
        "no fields",
    ],
)
def test_text_that_is_no_contract_is_refused_and_its_file_named(text, why):
    with pytest.raises(ContractError, match=r"^model\.json: ") as caught:
        ModelContract.from_json(text, origin="model.json")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extra": 1}, "unknown key extra; known: name, "),
        ({"labels": "AU01"}, "labels must be a list"),
        ({"labels": []}, "at least one"),
        ({"labels": ["AU01", "AU01"]}, "must be distinct"),
        ({"labels": ["AU01", 12]}, "labels[1] must be str, got int 12"),
        ({"task": "both"}, "task must be one of multi_label, multi_class"),
        ({"input_size": 8}, "must lie in [16, 1024]"),
        ({"input_size": 112.5}, "input_size must be int, got float 112.5"),
        ({"input_size": True}, "input_size must be int, got bool True"),
        ({"thresholds": [0.5]}, "one value per label (2), got 1"),
        ({"thresholds": [0.5, 1.5]}, "thresholds must lie in [0, 1]"),
        ({"thresholds": [0.5, float("nan")]}, "thresholds must lie in [0, 1]"),
        ({"mean": [0, 0]}, "mean must have 3 values, got 2"),
        ({"crop": 3}, "crop must be a table, got int 3"),
        ({"crop": {"detector": "haar"}}, "missing key crop.expand"),
        ({"crop": {"detector": "haar", "expand": 9, "offset_x": 0, "offset_y": 0}}, "[0.5, 4]"),
        ({"crop": {"detector": "haar", "expand": 1, "offset_x": 0, "offset_y": 2}}, "[-1, 1]"),
        ({"landmarks": {"side_over_landmark_box": 1.27}}, "missing key landmarks.lift"),
        ({"landmarks": {"side_over_landmark_box": 0.1, "lift": 0}}, "must lie in [0.5, 4]"),
        ({"landmarks": {"side_over_landmark_box": 1, "lift": 1.5}}, "must lie in [-1, 1]"),
        ({"cam_scale": None}, "must be given together"),
        ({"cam_scale": [1.0, 0.0]}, "positive and finite"),
        ({"cam_scale": [1.0, float("inf")]}, "positive and finite"),
        ({"cam_method": "saliency"}, "cam_method must be one of gradcam, gradcam++"),
        ({"max_batch": 0}, "at least 1"),
        ({"precision": "int4"}, "fp32, fp16, int8"),
        ({"int8_profile": "cpu"}, "must be null for fp32, got cpu"),
        ({"int8_profile": "gpu"}, "int8_profile must be one of cpu, trt"),
        ({"parity": 1}, "parity must be a table"),
        ({"parity": {"images": 1}}, "missing key parity.reference"),
        ({"parity": {**dataclasses.asdict(parity()), "images": 0}}, "at least 1, got 0"),
        ({"parity": {**dataclasses.asdict(parity()), "decisions": 3}}, "in [0, 3], got 4"),
    ],
    ids=str,
)
def test_a_field_that_is_wrong_is_named(changes, why):
    with pytest.raises(ContractError) as caught:
        read(payload(**changes))
    assert why in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([field.name for field in dataclasses.fields(ModelContract)]), json_values)
def test_a_hostile_value_gives_a_contract_or_a_contract_error_nothing_else(name, value):
    with contextlib.suppress(ContractError):
        assert isinstance(read(payload(**{name: value})), ModelContract)


def test_the_sidecar_lies_beside_the_model(tmp_path):
    (tmp_path / "a.json").write_text(contract().to_json(), encoding="utf-8")
    assert read_sidecar(tmp_path / "a.onnx") == contract()


def test_a_missing_sidecar_says_which_file_and_where_it_comes_from(tmp_path):
    with pytest.raises(ContractError, match=r"b\.json.*No such file.*rtau-export"):
        read_sidecar(tmp_path / "b.onnx")


def test_a_sidecar_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "c.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match="must be UTF-8"):
        read_sidecar(tmp_path / "c.onnx")


def test_a_huge_sidecar_is_not_read_whole(tmp_path):
    (tmp_path / "d.json").write_bytes(b" " * (MAX_JSON_BYTES + 10))
    with pytest.raises(ContractError, match="under 1 MiB"):
        read_sidecar(tmp_path / "d.onnx")


@pytest.mark.parametrize("label", ["=1+1", "-AU01", "A\x1bU", ""])
def test_a_label_is_no_formula_and_no_escape_sequence(label):
    with pytest.raises(ContractError, match="labels must begin with a letter"):
        contract(labels=(label, "AU12"))
