import pytest

from rtau.contract import CropRule
from rtau_export.cli import _crop_rule, build_parser, main

pytestmark = pytest.mark.needs_torch
RULE = CropRule(detector="haar", expand=1.1, offset_x=0.0, offset_y=0.1)


def parsed(*flags):
    return build_parser().parse_args(["onnx", "run", "--out", "a.onnx", *flags])


def test_the_recipes_crop_rule_stands_unless_a_flag_says_otherwise():
    assert _crop_rule(RULE, parsed()) == RULE
    assert _crop_rule(RULE, parsed("--crop-offset-y", "0")) == CropRule(
        detector="haar", expand=1.1, offset_x=0.0, offset_y=0.0
    )
    assert _crop_rule(RULE, parsed("--crop-expand", "1.3", "--crop-offset-x", "-0.02")) == CropRule(
        detector="haar", expand=1.3, offset_x=-0.02, offset_y=0.1
    )


def test_a_missing_checkpoint_is_one_line(tmp_path, capsys):
    assert main(["onnx", str(tmp_path), "--out", str(tmp_path / "a.onnx")]) == 1

    shown = capsys.readouterr().err
    assert "no such checkpoint" in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["onnx"], ["verify", "a.onnx"]])
def test_usage_errors_leave_with_two(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: rtau-export" in capsys.readouterr().err
