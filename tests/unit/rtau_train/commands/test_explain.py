import json
import shutil

import av
import cv2
import numpy as np
import pytest

from rtau_train.commands.main import main
from rtau_train.models.checkpoint import load_model, save_model
from tests.support.training import FACES, ROOT
from tests.unit.rtau_train.explaining.test_explain import random_model

CLIP = ROOT / "examples" / "one_face.mp4"
CROP = FACES / "crops" / "00" / "00001.jpg"


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A frame of the rendered clip: a face in a scene."""
    with av.open(str(CLIP)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="bgr24")
    path = tmp_path_factory.mktemp("photo") / "scene.png"
    cv2.imwrite(str(path), image)
    return path


def record_of(folder):
    return json.loads((folder / "explain.json").read_text(encoding="utf-8"))


def test_a_face_is_found_explained_and_recorded(run_folder, photo, tmp_path, capsys):
    out = tmp_path / "out"

    assert main(["explain", str(run_folder), str(photo), "--out", str(out), "--aus", "4,25"]) == 0

    assert capsys.readouterr().out.strip() == str(out)
    assert sorted(path.name for path in out.iterdir()) == ["explain.json", "scene.png"]
    assert cv2.imread(str(out / "scene.png")).shape[2] == 3
    record, model = record_of(out), load_model(run_folder)
    assert (record["crop"], record["heat_scale"], record["left_out"]) == ("haar", "model", [])
    assert record["models"][0]["name"] == run_folder.name
    assert record["models"][0]["weights_sha256"] == model.weights_sha256()
    (image,) = record["images"]
    assert image["faces_found"] == 1
    (found,) = image["models"]
    assert [reading["label"] for reading in found["readings"]] == ["AU04", "AU25"]
    for reading, column in zip(found["readings"], (2, 10), strict=True):
        assert reading["threshold"] == model.thresholds[column]
        assert reading["active"] == (reading["probability"] >= reading["threshold"])
        assert [cam["method"] for cam in reading["cams"]] == ["gradcam++", "gradcam"]
        for cam in reading["cams"]:
            assert (cam["peak_xy"] is None) == (cam["highest"] == 0)
            assert cam["peak_xy"] is None or all(0 < value < 1 for value in cam["peak_xy"])


def test_runs_stand_beside_each_other_on_a_crop_taken_whole(run_folder, tmp_path):
    other = tmp_path / "vgg-like.pt"
    save_model(other, random_model(name="resnet18"))
    out = tmp_path / "out"
    arguments = [str(run_folder / "model.pt"), str(CROP), "--out", str(out), "--crop", "whole"]

    more = ["--beside", str(other), "--methods", "gradcam", "--scale", "face", "--labels", "AU12"]
    assert main(["explain", *arguments, *more]) == 0

    record = record_of(out)
    assert [model["name"] for model in record["models"]] == [run_folder.name, "vgg-like"]
    assert record["heat_scale"] == "face"
    (image,) = record["images"]
    assert "box_xyxy" not in image
    assert [len(model["readings"][0]["cams"]) for model in image["models"]] == [1, 1]


def test_runs_of_one_name_are_numbered(run_folder, tmp_path):
    other = tmp_path / run_folder.name
    shutil.copytree(run_folder, other)
    out = tmp_path / "out"

    arguments = [str(CROP), "--beside", str(other), "--crop", "whole", "--out", str(out)]
    assert main(["explain", str(run_folder), *arguments]) == 0

    names = [model["name"] for model in record_of(out)["models"]]
    assert names == [run_folder.name, f"{run_folder.name} (2)"]


def test_emotions_are_named_by_word(tmp_path):
    save_model(
        tmp_path / "model.pt",
        random_model(labels=("anger", "fear"), task="multi_class"),
    )
    arguments = ["explain", str(tmp_path), str(CROP), "--crop", "whole"]

    assert main([*arguments, "--out", str(tmp_path / "out"), "--labels", "fear"]) == 0

    (reading,) = record_of(tmp_path / "out")["images"][0]["models"][0]["readings"]
    assert (reading["label"], reading["threshold"]) == ("fear", None)


def test_images_without_a_panel_are_told_and_the_others_are_written(
    run_folder, photo, tmp_path, capsys
):
    empty, broken = tmp_path / "empty.png", tmp_path / "broken.png"
    cv2.imwrite(str(empty), np.full((200, 200, 3), 90, np.uint8))
    broken.write_bytes(b"no picture")
    out = tmp_path / "out"

    files = [str(empty), str(photo), str(broken)]
    assert main(["explain", str(run_folder), *files, "--aus", "4", "--out", str(out)]) == 1

    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 3
    assert shown[0].startswith(f"rtau-train: {empty}: no face was found")
    assert shown[1].startswith(f"rtau-train: {broken}: not an image")
    assert "2 of 3 images have no panel" in shown[2]
    assert [image["panel"] for image in record_of(out)["images"]] == ["scene.png"]
    assert [left["file"] for left in record_of(out)["left_out"]] == [empty.name, broken.name]
    assert not (out / "empty.png").exists()


def test_a_crop_taken_whole_must_be_square(run_folder, photo, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["explain", str(run_folder), str(photo), "--crop", "whole", "--out", str(out)]

    assert main(arguments) == 1
    assert "a crop must be square, got " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--aus", "4,99"], "--aus: label must name an Action Unit"),
        (["--aus", "10"], "has no label AU10; its labels are AU01"),
        (["--aus", "4,4"], "named once each, got '4,4'"),
        (["--labels", ","], "named once each, got ','"),
        (["--methods", "gradcam,scorecam"], "--methods must name gradcam and gradcam++"),
        (["--methods", "gradcam,gradcam"], "--methods must name gradcam and gradcam++"),
        (["--beside", "nowhere"], "nowhere: no such checkpoint"),
    ],
    ids=str,
)
def test_a_wrong_request_is_one_line_and_writes_nothing(
    run_folder, photo, tmp_path, capsys, arguments, said
):
    out = tmp_path / "out"

    code = main(["explain", str(run_folder), str(photo), "--out", str(out), *arguments])

    shown = capsys.readouterr().err
    assert code == (1 if "--beside" in arguments else 2)
    assert said in shown
    assert shown.count("\n") == 1
    assert not out.exists()


def test_panels_replace_neither_each_other_nor_their_input(run_folder, photo, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    other = shutil.copy(photo, tmp_path / "b")
    out = tmp_path / "out"

    assert main(["explain", str(run_folder), str(photo), str(other), "--out", str(out)]) == 2
    assert "would both write" in capsys.readouterr().err
    assert not out.exists()
    before = photo.read_bytes()
    assert main(["explain", str(run_folder), str(photo), "--out", str(photo.parent)]) == 2
    assert "would replace its input" in capsys.readouterr().err
    assert photo.read_bytes() == before


def test_several_faces_are_told(run_folder, photo, tmp_path, capsys):
    image = cv2.imread(str(photo))
    both = tmp_path / "both.png"
    cv2.imwrite(str(both), np.hstack([image, image]))
    out = tmp_path / "out"

    assert main(["explain", str(run_folder), str(both), "--aus", "4", "--out", str(out)]) == 0

    assert "2 faces; the largest is shown" in capsys.readouterr().err
    assert record_of(out)["images"][0]["faces_found"] == 2


def test_a_folder_that_cannot_be_written_is_one_line(run_folder, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    arguments = ["explain", str(run_folder), str(CROP), "--crop", "whole"]

    assert main([*arguments, "--out", str(blocked / "out")]) == 1

    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "file" in shown
