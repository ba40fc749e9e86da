"""No request that is refused, and no run that fails to start, touches a file of the user's."""

import os

import pytest

from rtau.backends import bundled_models
from tests.support import media
from tests.support.commands import run_here

pytestmark = pytest.mark.needs_onnxruntime

FACES = (
    "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h\n1,1,0,1,1,9,9,30,30\n"
)


@pytest.fixture
def clip(tmp_path):
    return media.write_clip(tmp_path / "clip.mp4")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--min-face", "1000%"),
        ("--min-face", "1e39"),
        ("--heatmap", "AU99"),
        ("--model", "no-such-model"),
        ("--encoder", "no-such-encoder"),
        ("--faces", "no-such.csv"),
        ("--view", "window"),
    ],
    ids=lambda words: words[0],
)
def test_a_wrong_setting_leaves_every_earlier_result(wrong, clip, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    names = ("o.mp4", "o.csv", "o.jsonl", "o.run.json")
    for name in names:
        (tmp_path / name).write_text(name)
    out = [tmp_path / name for name in names]
    code, _, err = run_here(
        capsys, "video", clip, "--out", out[0], "--csv", out[1], "--jsonl", out[2], *wrong
    )

    assert code in (1, 2)
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "clip.mp4"])
    assert all((tmp_path / name).read_text() == name for name in names)


def test_a_wrong_setting_leaves_no_new_file(clip, tmp_path, capsys):
    code, _, _ = run_here(capsys, "video", clip, "--csv", tmp_path / "o.csv", "--min-face", "1000%")

    assert code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("flag", ["--csv", "--jsonl", "--record"])
@pytest.mark.parametrize("how", ["same", "symbolic link", "hard link"])
def test_the_table_of_faces_is_no_output(flag, how, clip, tmp_path, capsys):
    faces, output = tmp_path / "t.csv", tmp_path / "t.csv"
    faces.write_text(FACES)
    if how != "same":
        output = tmp_path / "link.csv"
        (os.symlink if how == "symbolic link" else os.link)(faces, output)
    code, _, err = run_here(capsys, "video", clip, "--faces", faces, flag, output)

    assert code == 2
    assert "is the input" in err
    assert faces.read_text() == FACES


def test_neither_the_model_nor_the_settings_are_an_output(clip, tmp_path, capsys):
    model, settings = tmp_path / "m.onnx", tmp_path / "c.toml"
    model.write_bytes(next(iter(bundled_models().values())).read_bytes())
    settings.write_text("[find]\ndetect_every = 1\n")
    before = model.read_bytes()
    for output in (model, settings):
        code, _, err = run_here(
            capsys, "video", clip, "--model", model, "--config", settings, "--csv", output
        )
        assert code == 2
        assert "is the input" in err

    assert model.read_bytes() == before
    assert settings.read_text() == "[find]\ndetect_every = 1\n"


def test_a_batch_does_not_replace_its_table_of_faces(clip, tmp_path, capsys):
    faces = tmp_path / "out" / "clip.csv"
    faces.parent.mkdir()
    faces.write_text(FACES)
    code, _, err = run_here(
        capsys, "video", clip, "--out-dir", tmp_path / "out", "--faces", faces, "--write", "csv"
    )

    assert code == 2
    assert "is the input" in err
    assert faces.read_text() == FACES


@pytest.mark.parametrize("flag", ["--csv", "--jsonl", "--out", "--record"])
@pytest.mark.parametrize("name", ["", ".", "/"])
def test_an_output_without_a_name_is_refused(flag, name, clip, capsys):
    code, _, err = run_here(capsys, "video", clip, flag, name)

    assert code == 2
    assert f"rtau: {flag} must name a file" in err


def test_the_record_of_a_benchmark_is_not_its_clip(clip, capsys):
    before = clip.read_bytes()
    code, _, err = run_here(capsys, "bench", clip, "--json", clip)

    assert code == 2
    assert "is the input" in err
    assert clip.read_bytes() == before
