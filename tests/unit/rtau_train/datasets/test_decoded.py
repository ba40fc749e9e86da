import logging

import cv2
import numpy as np
import pytest

from rtau.errors import SinkError, SourceOpenError
from rtau_train.datasets import crop_folder, decoded
from rtau_train.datasets.decoded import decoded_pictures
from rtau_train.datasets.preparation import Preparation

SIDE = 8


def write(folder, name, *, grey=True, seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    image = image[:, :, :1].repeat(3, axis=2) if grey else image
    (folder / "crops").mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "crops" / name), image)
    return image[:, :, ::-1]


@pytest.mark.parametrize("grey", [True, False])
def test_the_file_gives_the_pictures_back(tmp_path, monkeypatch, grey):
    wanted = [write(tmp_path, f"{k}.png", grey=grey, seed=k) for k in range(3)]
    pictures = [tmp_path / "crops" / f"{k}.png" for k in range(3)]
    decoded_pictures(tmp_path, pictures)
    monkeypatch.setattr(decoded, "read_picture", None)  # the second time, no picture is opened

    found = decoded_pictures(tmp_path, pictures)

    assert len(found) == 3
    assert found.images.ndim == (3 if grey else 4)
    for row, image in enumerate(wanted):
        assert (found.one(row) == image).all()
    assert (found.take(np.array([2, 0])).one(0) == wanted[2]).all()


@pytest.mark.parametrize("change", ["picture", "list", "file"])
def test_what_has_changed_is_decoded_again(tmp_path, change, caplog):
    wanted = write(tmp_path, "a.png")
    pictures = [tmp_path / "crops" / "a.png"]
    decoded_pictures(tmp_path, pictures)
    if change == "picture":
        wanted = write(tmp_path, "a.png", seed=8)
    elif change == "list":
        wanted = write(tmp_path, "b.png", seed=9)
        pictures = [tmp_path / "crops" / "b.png"]
    else:
        (tmp_path / decoded.FILE_NAME).write_bytes(b"PK nothing")

    assert (decoded_pictures(tmp_path, pictures).one(0) == wanted).all()
    assert ("it is made again" in caplog.text) is (change == "file")


def test_a_folder_of_many_small_pictures_is_read_from_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(crop_folder, "FEWEST", 2)
    wanted = [write(tmp_path, f"{k}.png", seed=k) for k in range(2)]
    (tmp_path / "labels.csv").write_text("file,emotion\n0.png,anger\n1.png,fear\n")
    made = Preparation(
        dataset="fer2013",
        task="multi_class",
        labels=("anger", "fear"),
        size_px=SIDE,
        crop=None,
        images=2,
        rejected=0,
        rtau_version="0",
        source="s",
    )
    (tmp_path / "prepared.json").write_text(made.to_json())

    data = crop_folder.read_folder(tmp_path, labels=made.labels, task="multi_class")

    assert (tmp_path / decoded.FILE_NAME).is_file()
    assert (data.images(np.array([1, 0])) == np.stack(wanted[::-1])).all()
    assert (data.take(np.array([1])).images(np.array([0])) == wanted[1]).all()


def test_pictures_that_cannot_be_read_are_named(tmp_path):
    write(tmp_path, "a.png")
    bad = tmp_path / "crops" / "b.png"
    with pytest.raises(SourceOpenError, match=r"b\.png: the picture is missing"):
        decoded_pictures(tmp_path, [tmp_path / "crops" / "a.png", bad])
    bad.write_bytes(b"none")
    with pytest.raises(SourceOpenError, match=r"b\.png: the picture is missing or unreadable"):
        decoded_pictures(tmp_path, [tmp_path / "crops" / "a.png", bad])


def test_a_folder_that_may_not_be_written_is_read_all_the_same(tmp_path, monkeypatch, caplog):
    wanted = write(tmp_path, "a.png")

    def refused(_):
        raise SinkError("a place nobody may write")

    monkeypatch.setattr(decoded, "whole_file", refused)
    with caplog.at_level(logging.WARNING):
        found = decoded_pictures(tmp_path, [tmp_path / "crops" / "a.png"])

    assert (found.one(0) == wanted).all()
    assert "every command will decode the pictures anew" in caplog.text
