"""Every bad input of a user: one clear line, the right exit code, nothing lost, no traceback."""

import cv2
import numpy as np
import pytest

from rtau.backends import bundled_models
from tests.support import media
from tests.support.commands import example_frames, run_here
from tests.support.limits import file_size_limit

pytestmark = pytest.mark.needs_onnxruntime


@pytest.fixture(scope="module")
def face_clip(tmp_path_factory):
    """A short clip of a rendered face, with sound."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    return media.write_clip(path, example_frames(16), fps=25, audio="aac")


def assert_one_line(err):
    lines = [line for line in err.strip().splitlines() if line.startswith("rtau: ")]
    assert "Traceback" not in err
    assert len(lines) == 1, err
    return lines[0]


def rows_of(path):
    return path.read_text().splitlines()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda d: d / "none.mp4", "none.mp4"),
        (lambda d: media.write_text_as_video(d / "text.mp4"), "text.mp4"),
        (lambda d: media.truncate(media.write_clip(d / "cut.mp4"), keep=0.4), "cut.mp4"),
        (lambda d: media.write_audio_only(d / "sound.mp4"), "sound.mp4"),
        (lambda d: d, "video"),
    ],
    ids=["missing", "text as mp4", "truncated", "audio only", "folder without videos"],
)
def test_a_source_that_cannot_be_read_fails_with_its_name(make, words, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    code, out, err = run_here(capsys, "video", make(folder), "--csv", tmp_path / "out.csv")

    assert code == 1
    assert words in assert_one_line(err)
    assert out == ""


def test_zero_frames_give_a_table_of_no_rows(tmp_path, capsys):
    clip = media.write_without_frames(tmp_path / "zero.mp4")
    code, _, err = run_here(
        capsys, "video", clip, "--csv", tmp_path / "z.csv", "--out", tmp_path / "z-out.mp4"
    )

    assert code in (0, 1)
    assert_one_line(err)
    assert not (tmp_path / "z-out.mp4").exists()


def test_a_video_without_a_face_is_no_error(tmp_path, capsys):
    clip = media.write_clip(tmp_path / "bare.mp4", count=9)
    code, _, err = run_here(capsys, "video", clip, "--csv", tmp_path / "bare.csv")

    assert code == 0, err
    header, *rows = rows_of(tmp_path / "bare.csv")
    columns = header.split(",")
    assert len(rows) == 9
    for row in rows:
        cells = dict(zip(columns, row.split(","), strict=True))
        assert (cells["face_id"], cells["success"]) == ("0", "0")
        assert float(cells["confidence"]) == 0
        assert cells["AU12_c"] == cells["AU12_p"] == cells["face_x"] == ""


@pytest.mark.parametrize(
    ("size", "pix_fmt", "codec"),
    [
        ((1, 1), "bgr24", "rawvideo"),
        ((7680, 4320), "yuvj420p", "mjpeg"),
        ((64, 48), "gray", "ffv1"),
        ((64, 48), "yuva420p", "ffv1"),
        ((63, 47), "yuv444p", "libx264"),
    ],
    ids=["1x1", "8K", "grey", "alpha", "odd"],
)
def test_strange_frames_are_processed(size, pix_fmt, codec, tmp_path, capsys):
    suffix = ".avi" if codec == "rawvideo" else ".mkv"
    clip = media.write_clip(
        tmp_path / f"odd{suffix}", count=2, size=size, pix_fmt=pix_fmt, codec=codec
    )
    code, _, err = run_here(
        capsys, "video", clip, "--csv", tmp_path / "o.csv", "--out", tmp_path / "o.mp4"
    )

    assert code == 0, err
    assert len(rows_of(tmp_path / "o.csv")) == 3
    assert (tmp_path / "o.mp4").stat().st_size > 0


@pytest.mark.parametrize("flag", ["--out", "--csv", "--jsonl", "--record"])
def test_an_output_may_not_be_the_input(flag, face_clip, capsys):
    before = face_clip.read_bytes()
    extra = [] if flag != "--record" else ["--csv", face_clip.with_suffix(".csv")]
    code, _, err = run_here(capsys, "video", face_clip, flag, face_clip, *extra)

    assert code == 2
    assert "is the input" in assert_one_line(err)
    assert face_clip.read_bytes() == before


def test_an_output_folder_that_does_not_exist_is_named(face_clip, tmp_path, capsys):
    code, _, err = run_here(capsys, "video", face_clip, "--csv", tmp_path / "no" / "x.csv")

    assert code == 1
    assert "does not exist" in assert_one_line(err)


def test_two_outputs_of_one_name_are_refused(face_clip, tmp_path, capsys):
    path = tmp_path / "same.mp4"
    code, _, err = run_here(capsys, "video", face_clip, "--out", path, "--csv", path)

    assert code == 2
    assert "two outputs have the same name" in assert_one_line(err)


def test_a_full_disk_leaves_complete_rows_and_a_playable_video(face_clip, tmp_path, capsys):
    noise = np.random.default_rng(0).integers(0, 256, (40, 240, 320, 3), dtype=np.uint8)
    clip = media.write_clip(tmp_path / "noise.mp4", list(noise), fps=10)
    with file_size_limit(400_000):
        code, _, err = run_here(
            capsys, "video", clip, "--csv", tmp_path / "o.csv", "--out", tmp_path / "o.mp4"
        )

    assert code == 1
    assert "o.mp4 cannot be written" in assert_one_line(err)
    header, *rows = rows_of(tmp_path / "o.csv")
    assert rows
    assert all(row.count(",") == header.count(",") for row in rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such model file, and no bundled model"),
        (b"not a model", "not an ONNX file"),
        (b"", "rtau"),
    ],
    ids=["missing", "corrupt", "empty"],
)
def test_a_model_that_cannot_be_used_is_named(content, words, face_clip, tmp_path, capsys):
    model = tmp_path / "m.onnx"
    if content is not None:
        model.write_bytes(content)
    code, _, err = run_here(
        capsys, "video", face_clip, "--csv", tmp_path / "o.csv", "--model", model
    )

    assert code == (2 if content is None else 1)
    line = assert_one_line(err)
    assert words in line
    assert "m.onnx" in line


def test_a_model_with_another_contract_is_refused(face_clip, tmp_path, capsys):
    onnx = pytest.importorskip("onnx", reason="edits a model's metadata")
    model = onnx.load(next(iter(bundled_models().values())))
    entry = next(item for item in model.metadata_props if item.key == "rtau_contract")
    entry.value = entry.value.replace('"schema": 1', '"schema": 99')
    path = tmp_path / "other.onnx"
    onnx.save(model, path)
    code, _, err = run_here(
        capsys, "video", face_clip, "--csv", tmp_path / "o.csv", "--model", path
    )

    assert code == 1
    assert "contract schema must be 1, got 99" in assert_one_line(err)


def test_a_provider_that_is_not_here_is_an_error(face_clip, tmp_path, capsys):
    code, _, err = run_here(
        capsys, "video", face_clip, "--csv", tmp_path / "o.csv", "--provider", "coreml"
    )

    assert code == 1
    line = assert_one_line(err)
    assert "CoreMLExecutionProvider" in line
    assert "CPUExecutionProvider" in line


def test_a_window_without_a_display_is_an_error(face_clip, monkeypatch, capsys):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT5")  # also where there is none
    code, _, err = run_here(capsys, "video", face_clip, "--view", "window")

    assert code == 1
    assert "a window needs a display" in assert_one_line(err)


def test_a_camera_that_is_not_there_is_an_error(tmp_path, capsys):
    code, _, err = run_here(capsys, "webcam", "/dev/video77", "--csv", tmp_path / "o.csv")

    assert code == 1
    assert "/dev/video77" in assert_one_line(err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["video"],
        ["video", "a.mp4", "--smooth", "fast"],
        ["video", "a.mp4", "--smooth", "-1"],
        ["video", "a.mp4", "--view", "vr"],
        ["video", "a.mp4", "--no-such-flag"],
        ["dance"],
        [],
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_wrong_usage_has_exit_code_2(arguments, capsys):
    code, _, err = run_here(capsys, *arguments)

    assert code == 2
    assert "Traceback" not in err


def test_a_heatmap_of_an_unknown_label_lists_the_known(face_clip, tmp_path, capsys):
    code, _, err = run_here(
        capsys, "video", face_clip, "--csv", tmp_path / "o.csv", "--heatmap", "AU99"
    )

    assert code == 2
    assert "--heatmap must be one of none, top, AU01" in assert_one_line(err)


def test_several_sources_need_a_table_or_a_folder(face_clip, tmp_path, capsys):
    other = media.write_clip(tmp_path / "other.mp4", count=2)
    code, _, err = run_here(capsys, "video", face_clip, other)

    assert code == 2
    assert "--out-dir" in assert_one_line(err)


@pytest.mark.parametrize("name", ["text.jpg", "empty.png"])
def test_an_image_that_cannot_be_read_is_named(name, tmp_path, capsys):
    path = tmp_path / name
    path.write_text("not an image" if name.startswith("text") else "")
    code, _, err = run_here(capsys, "image", path)

    assert code == 1
    assert name in assert_one_line(err)


def test_a_grey_image_with_alpha_is_read(tmp_path, capsys):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((50, 60, 4), 128, np.uint8))
    code, out, err = run_here(capsys, "image", path)

    assert code == 0, err
    assert "no face found" in out
