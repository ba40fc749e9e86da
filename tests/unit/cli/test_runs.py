"""The verbs end to end, in this process, on rendered faces and one public-domain portrait."""

import csv
import io
import json

import av
import cv2
import numpy as np
import pytest
from skimage import data

from tests.support import media
from tests.support.commands import example_frames, run_here
from tests.support.doubles import EMOTIONS, make_contract

pytestmark = pytest.mark.needs_onnxruntime

FRAMES = 24


@pytest.fixture(scope="module")
def face_clip(tmp_path_factory):
    """About a second of a rendered face, with sound."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    return media.write_clip(path, example_frames(FRAMES), fps=25, audio="aac")


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    """NASA's portrait of Eileen Collins, public domain, from scikit-image's wheel."""
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    cv2.imwrite(str(path), cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR))
    return path


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def faces_in(rows):
    return [row for row in rows if row["success"] == "1"]


def test_a_clip_becomes_a_table_a_video_json_lines_and_a_record(face_clip, tmp_path, capsys):
    table, out, lines = tmp_path / "t.csv", tmp_path / "a.mp4", tmp_path / "t.jsonl"
    code, _, err = run_here(
        capsys, "video", face_clip, "--csv", table, "--out", out, "--jsonl", lines
    )

    assert code == 0, err
    rows = rows_of(table.read_text())
    assert [int(row["frame"]) for row in rows] == list(range(1, FRAMES + 1))
    assert len(faces_in(rows)) >= FRAMES - 3
    assert {row["face_id"] for row in faces_in(rows)} == {"1"}
    with av.open(str(out)) as container:
        assert container.streams.audio
        assert sum(1 for _ in container.decode(video=0)) == FRAMES
    assert [json.loads(line)["frame"] for line in lines.read_text().splitlines()] == list(
        range(1, FRAMES + 1)
    )
    record = json.loads((tmp_path / "a.run.json").read_text())
    assert record["end_reason"] == "end of source"
    assert (record["frames_read"], record["frames_processed"]) == (FRAMES, FRAMES)
    assert "CPUExecutionProvider" in record["device"]
    assert record["audio"].startswith("copied")
    assert f"{FRAMES} frames, 1 face" in err


def test_without_smoothing_every_decision_is_the_probability_against_the_threshold(
    face_clip, tmp_path, capsys
):
    table = tmp_path / "t.csv"
    run_here(capsys, "video", face_clip, "--csv", table)
    record = json.loads((tmp_path / "t.run.json").read_text())["model"]

    rows = faces_in(rows_of(table.read_text()))
    assert rows
    for row in rows:
        for label, threshold in zip(record["labels"], record["thresholds"], strict=True):
            assert int(row[f"{label}_c"]) == (float(row[f"{label}_p"]) >= threshold)


def test_two_runs_give_the_same_bytes(face_clip, tmp_path, capsys):
    one, other = tmp_path / "1.csv", tmp_path / "2.csv"
    run_here(capsys, "video", face_clip, "--csv", one)
    run_here(
        capsys, "video", face_clip, "--csv", other, "--out", tmp_path / "2.mp4", "--heatmap", "top"
    )

    assert one.read_bytes() == other.read_bytes()


def test_every_frame_of_the_video_has_its_own_scores(face_clip, tmp_path, capsys):
    table = tmp_path / "t.csv"
    run_here(capsys, "video", face_clip, "--csv", table)

    rows = faces_in(rows_of(table.read_text()))
    assert len({row["AU12_p"] for row in rows}) > 0.9 * len(rows)


def test_recorded_faces_replace_detection(face_clip, tmp_path, capsys):
    first, again = tmp_path / "1.csv", tmp_path / "2.csv"
    run_here(capsys, "video", face_clip, "--csv", first)
    code, _, err = run_here(capsys, "video", face_clip, "--csv", again, "--faces", first)

    assert code == 0, err
    one, other = (faces_in(rows_of(path.read_text())) for path in (first, again))
    assert [row["frame"] for row in one] == [row["frame"] for row in other]
    boxes = [
        [[float(row[k]) for k in ("face_x", "face_w")] for row in rows] for rows in (one, other)
    ]
    np.testing.assert_allclose(boxes[0], boxes[1], atol=8)


def test_results_for_a_pipe_are_alone_on_standard_output(face_clip, capfd):
    code, out, _ = run_here(capfd, "video", face_clip, "--jsonl", "-", "--max-frames", "5")

    assert code == 0
    assert [json.loads(line)["frame"] for line in out.splitlines()] == [1, 2, 3, 4, 5]


def test_blur_hides_the_face_and_keeps_the_table(face_clip, tmp_path, capsys):
    plain, hidden = tmp_path / "p.mp4", tmp_path / "h.mp4"
    run_here(capsys, "video", face_clip, "--out", plain, "--no-bars")
    code, _, err = run_here(
        capsys,
        "video",
        face_clip,
        "--out",
        hidden,
        "--no-bars",
        "--blur",
        "--csv",
        tmp_path / "h.csv",
    )

    assert code == 0, err
    assert faces_in(rows_of((tmp_path / "h.csv").read_text()))
    sharpness = []
    for path in (plain, hidden):
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0)).to_ndarray(format="gray")
        face = frame[150:260, 260:380]  # inside the box the clip's truth gives for its first frame
        sharpness.append(cv2.Laplacian(face, cv2.CV_64F).var())
    assert sharpness[1] < 0.2 * sharpness[0]


def test_a_folder_of_files_keeps_its_tree_and_survives_a_bad_one(face_clip, tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "day1").mkdir(parents=True)
    (source / "day1" / "a.take.mp4").write_bytes(face_clip.read_bytes())
    media.write_clip(source / "b.mp4", count=3)
    media.write_text_as_video(source / "broken.mp4")
    code, _, err = run_here(capsys, "video", source, "--out-dir", out)

    assert code == 1
    assert "2 of 3 sources done" in err
    assert "failed: " in err
    assert (out / "day1" / "a.take.csv").exists()
    assert (out / "day1" / "a.take.mp4").exists()
    assert len(rows_of((out / "b.csv").read_text())) == 3
    assert not (out / "broken.mp4").exists()


def test_a_portrait_is_scored_in_one_line(portrait, capsys):
    code, out, err = run_here(capsys, "image", portrait)

    assert code == 0, err
    assert len(out.splitlines()) == 1
    assert "astronaut.png: face 1: " in out


def test_images_go_to_a_table_with_their_names_and_to_annotated_pictures(
    portrait, tmp_path, capsys
):
    cv2.imwrite(str(tmp_path / "empty.jpg"), np.full((80, 80, 3), 120, np.uint8))
    table, folder = tmp_path / "t.csv", tmp_path / "annotated"
    code, _, err = run_here(
        capsys, "image", portrait, tmp_path / "empty.jpg", "--csv", table,
        "--out-dir", folder, "--heatmap", "top",
    )  # fmt: skip

    assert code == 0, err
    rows = rows_of(table.read_text())
    assert [(row["file"].rpartition("/")[2], row["success"]) for row in rows] == [
        ("astronaut.png", "1"),
        ("empty.jpg", "0"),
    ]
    before, after = cv2.imread(str(portrait)), cv2.imread(str(folder / "astronaut.png"))
    assert before.shape == after.shape
    assert (before != after).any()


def test_faces_of_different_images_are_different_faces(portrait, tmp_path, capsys):
    copy = tmp_path / "copy.png"
    copy.write_bytes(portrait.read_bytes())
    code, _, err = run_here(capsys, "image", portrait, copy, "--csv", tmp_path / "t.csv")

    assert code == 0, err
    rows = rows_of((tmp_path / "t.csv").read_text())
    assert [row["face_id"] for row in rows] == ["1", "2"]
    assert rows[0]["AU12_p"] == rows[1]["AU12_p"]
    assert "2 images: 2 frames, 2 faces" in err


def test_a_model_is_inspected_as_a_table_and_as_json(capsys):
    code, out, err = run_here(capsys, "inspect", "shufflenetv2-au14")
    assert code == 0, err
    assert "lip corner puller" in out

    _, out, _ = run_here(capsys, "inspect", "shufflenetv2-au14", "--json")
    contract = json.loads(out)
    assert contract["labels"][6] == "AU12"
    assert len(contract["thresholds"]) == 14


def test_a_config_file_sets_what_flags_do_not(face_clip, tmp_path, capsys):
    path = tmp_path / "rtau.toml"
    path.write_text(f'[source]\nmax_frames = 3\n[output]\ncsv = "{tmp_path}/c.csv"\n')
    run_here(capsys, "video", face_clip, "--config", path)
    assert len(rows_of((tmp_path / "c.csv").read_text())) == 3

    run_here(capsys, "video", face_clip, "--config", path, "--max-frames", "4")
    assert len(rows_of((tmp_path / "c.csv").read_text())) == 4


def test_a_run_without_view_and_output_is_refused(face_clip, capsys):
    code, _, err = run_here(capsys, "video", face_clip, "--view", "none")

    assert code == 2
    assert "name one, such as --csv" in err


def test_the_terminal_view_prints_plain_lines_where_there_is_no_terminal(face_clip, capsys):
    code, out, err = run_here(capsys, "video", face_clip, "--view", "terminal")

    assert code == 0, err
    assert "\x1b" not in out
    assert f"{FRAMES}" in out


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_phone_held_upright_gives_an_upright_video_with_its_own_times(turn, tmp_path, capsys):
    """A phone stores frames rotated, at a variable rate, with a rotation tag in the file."""
    gaps_s = np.random.default_rng(1).uniform(0.02, 0.07, FRAMES - 1)
    times_s = np.round(np.concatenate([[0], np.cumsum(gaps_s)]) * 90_000) / 90_000
    stored = [media.stored_for(frame, turn=turn) for frame in example_frames(FRAMES)]
    clip = media.write_clip(tmp_path / "phone.mp4", stored, times_s=times_s.tolist(), audio="aac")
    media.set_display_matrix(clip, turn=turn)
    table, out = tmp_path / "t.csv", tmp_path / "o.mp4"
    code, _, err = run_here(capsys, "video", clip, "--csv", table, "--out", out)

    assert code == 0, err
    rows = rows_of(table.read_text())
    assert len(faces_in(rows)) >= FRAMES - 3
    np.testing.assert_allclose([float(row["timestamp"]) for row in rows], times_s, atol=2e-6)
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
        assert (frames[0].width, frames[0].height) == (640, 360)
        np.testing.assert_allclose([frame.time for frame in frames], times_s, atol=1e-4)
        assert frames[0].rotation == 0


def test_a_model_of_emotions_names_its_columns_accordingly(face_clip, tmp_path, capsys):
    pytest.importorskip("onnx", reason="builds its model with the onnx package")
    from tests.support.models import build_model  # noqa: PLC0415 - needs onnx

    contract = make_contract(
        task="multi_class", labels=EMOTIONS, thresholds=(0, 0, 0), cam_method=None, cam_scale=None
    )
    model = tmp_path / "emotions.onnx"
    model.write_bytes(build_model(contract=contract, cams=False))
    table, out = tmp_path / "t.csv", tmp_path / "o.mp4"
    code, _, err = run_here(
        capsys, "video", face_clip, "--model", model, "--csv", table, "--out", out
    )

    assert code == 0, err
    rows = faces_in(rows_of(table.read_text()))
    for row in rows:
        chances = {name: float(row[f"{name}_p"]) for name in EMOTIONS}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-4)
        assert row["emotion"] == max(chances, key=chances.get)
    assert not any(name.endswith(("_c", "_r")) for name in rows[0])
