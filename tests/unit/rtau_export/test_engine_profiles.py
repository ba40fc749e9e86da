import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import UsageError
from rtau_export._engine_profiles import (
    BatchProfile,
    PrecisionPlan,
    parse_batch,
    parse_generation,
    plan_precision,
)


@pytest.mark.parametrize(
    ("text", "rows"), [("1,8,32", (1, 8, 32)), ("1,32", (1, 32, 32)), ("8", (8, 8, 8))]
)
def test_a_batch_is_least_best_greatest(text, rows):
    assert parse_batch(text).rows == rows


@pytest.mark.parametrize(
    "text", ["", "a", "1,2,3,4", "8,1", "0,1,2", "1,-8,32", "1,8,9999", "1,,3"]
)
def test_any_other_batch_is_a_usage_error(text):
    with pytest.raises(UsageError, match="--batch must"):
        parse_batch(text)


@given(st.text(max_size=20))
def test_no_text_is_more_than_a_usage_error(text):
    for parse in (parse_batch, parse_generation):
        with contextlib.suppress(UsageError):
            parse(text)


@pytest.mark.parametrize("text", ["sm_86", "sm86", "SM_86", "86", "8.6", " 8.6 "])
def test_a_generation_has_many_spellings(text):
    assert parse_generation(text) == "8.6"


def test_a_generation_of_three_digits():
    assert parse_generation("sm_120") == "12.0"


@pytest.mark.parametrize(
    ("asked", "model", "has_flags", "plan"),
    [
        (None, "fp32", True, PrecisionPlan("fp32", "strong")),
        ("fp16", "fp32", True, PrecisionPlan("fp16", "weak", ("FP16",))),
        (None, "fp16", True, PrecisionPlan("fp16", "strong")),
        ("int8", "int8", True, PrecisionPlan("int8", "weak", ("INT8",))),
        (None, "int8", False, PrecisionPlan("int8", "strong")),
        ("fp16", "fp16", False, PrecisionPlan("fp16", "strong")),
    ],
)
def test_the_precision_that_can_be_had(asked, model, has_flags, plan):
    assert plan_precision(asked, model, has_flags=has_flags, name="m") == plan


@pytest.mark.parametrize(
    ("asked", "model", "has_flags", "command"),
    [
        ("fp16", "fp32", False, "rtau-export onnx CHECKPOINT --out m-fp16.onnx --precision fp16"),
        ("int8", "fp32", True, "--out m-int8.onnx --precision int8 --calibrate FOLDER"),
        ("fp32", "fp16", True, "give the fp32 file"),
        ("fp16", "int8", False, "give the fp32 file"),
    ],
)
def test_the_precision_that_cannot_names_the_way(asked, model, has_flags, command):
    with pytest.raises(UsageError, match=command):
        plan_precision(asked, model, has_flags=has_flags, name="m")


def test_rows_must_rise():
    with pytest.raises(UsageError, match="try --batch 1,8,32"):
        BatchProfile(4, 2, 8)
