"""A flag has one name: what begins like it is refused, never taken for it."""

import pytest

from rtau_export.cli import main as export
from rtau_train.commands.main import main as train


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (train, "fit recipe.toml --data d --resum"),
        (train, "evaluate run --data d --js"),
        (train, "study paper1 --data dem=d --ou out"),
        (train, "find-lr recipe.toml --dat d"),
        (train, "--hel"),
        (export, "onnx run --out a.onnx --prec fp16"),
        (export, "engine a.onnx --prec fp16"),
        (export, "verify a.onnx b.onnx --js"),
    ],
)
def test_a_shortened_flag_is_refused(main, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words.split())

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "unrecognized arguments" in said or "are required" in said
