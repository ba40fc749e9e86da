import pytest

from rtau_train.commands.main import main
from tests.support.training import ROOT

REDUCED = """
heading = "Rendered faces"
overrides = [
    "network.weights=none", "network.unfreeze=all", "network.input_size=64", "fit.epochs=1",
    "fit.batch=16", "split.validation=0.2",
]
[datasets]
dem = ["oversample.copies=1"]
"""


@pytest.fixture
def study(folders, tmp_path):
    (tmp_path / "reduced.toml").write_text(REDUCED)
    data = [part for name, folder in folders.items() for part in ("--data", f"{name}={folder}")]
    reduce = ["--reduce", str(tmp_path / "reduced.toml")]
    return ["study", "paper1", *data, "--out", str(tmp_path / "report"), *reduce]


@pytest.mark.slow
def test_one_command_runs_a_study_and_prints_its_page(two_networks, study, tmp_path, capsys):
    assert main([*study, "--protocols", "image"]) == 0

    shown = capsys.readouterr()
    assert shown.out.strip() == str(tmp_path / "report" / "index.html")
    assert "4/4 shufflenetv2-dem-image" in shown.err
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "rtau-train" in page
    assert (tmp_path / "report" / "report.md").exists()


def test_without_imagenet_weights_a_study_fails_and_says_how_to_get_them(
    two_networks, folders, tmp_path, capsys
):
    arguments = ["study", "paper1", "--data", f"disfa+={folders['disfa+']}"]
    arguments += ["--out", str(tmp_path / "report"), "--weights-dir", str(tmp_path)]
    arguments += ["--protocols", "image"]
    (tmp_path / "reduced.toml").write_text('[networks]\nshufflenetv2_x1_0 = ["fit.epochs=1"]\n')

    code = main(
        [*arguments, "--reduce", str(tmp_path / "reduced.toml"), "--recipes", _short(tmp_path)]
    )

    shown = capsys.readouterr().err
    assert code == 1
    assert "1 of 2 experiments failed" in shown
    assert "mobilenet_v2-b0353104.pth" in shown


def _short(tmp_path):
    """The recipes at 64 px, so that what needs no weights is trained in seconds."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    for stem in ("mobilenetv2-disfa", "shufflenetv2-disfa"):
        text = (ROOT / "train" / "recipes" / f"{stem}.toml").read_text(encoding="utf-8")
        text = text.replace("input_size = 224", "input_size = 64")
        (folder / f"{stem}.toml").write_text(text, encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--data", "disfa+"], "--data must be NAME=DIR"),
        (["--data", "mine=there"], "NAME one of disfa+, dem"),
        (["--data", "disfa+=nowhere"], "nowhere/labels.csv"),
        (["--data", "dem=x", "--protocols", "fold"], "--protocols must name image, subject"),
        (["--data", "dem=x", "--reduce", "none.toml"], "none.toml: the reduction cannot be read"),
    ],
)
def test_a_wrong_request_is_one_line_and_writes_nothing(
    changes, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)

    assert main(["study", "paper1", "--out", "report", *changes]) in (1, 2)

    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
