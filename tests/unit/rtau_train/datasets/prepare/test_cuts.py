import dataclasses
import json
import os

import pytest

from rtau.errors import UsageError
from rtau_train.datasets.prepare.cuts import FILE_NAME, Cut, CutLog, stamp
from rtau_train.datasets.prepare.listing import SourceImage
from tests.support.prepared import CUT_64, HAAR_BOX, write_picture


@pytest.fixture
def image(tmp_path):
    return SourceImage("a.png", write_picture(tmp_path / "a.png"))


def cut_of(image, **changes):
    known = {
        "crop": "a.jpg",
        "reason": "",
        "image_from_crop": (0.5, 0.0, 1.0, 0.0, 0.5, 9.0),
        "faces": 2,
    }
    return Cut(image=image.name, stamp=stamp(image), **{**known, **changes})


@pytest.fixture
def log(tmp_path, image):
    write_picture(tmp_path / "out" / "crops" / "a.jpg")
    (tmp_path / "out" / "crops").rename(tmp_path / "crops")
    log = CutLog(tmp_path / "out", CUT_64)
    (tmp_path / "crops").rename(tmp_path / "out" / "crops")
    log.add([cut_of(image)])
    return log


def test_a_log_is_read_back(tmp_path, log, image):
    again = CutLog(tmp_path / "out", CUT_64)

    assert again.done == {"a.png": cut_of(image)}
    assert again.is_done(image, "a.jpg")


def test_another_place_a_missing_crop_or_a_changed_image_is_not_done(tmp_path, log, image):
    again = CutLog(tmp_path / "out", CUT_64)

    assert not again.is_done(image, "b.jpg")
    assert not again.is_done(dataclasses.replace(image, name="b.png"), "a.jpg")
    os.utime(image.path, ns=(1, 1))
    assert not again.is_done(image, "a.jpg")
    os.utime(image.path, ns=(2, int(cut_of(image).stamp.split("-")[1])))
    (tmp_path / "out/crops/a.jpg").unlink()
    assert not again.is_done(image, "a.jpg")


def test_an_image_without_a_crop_stays_so_until_it_changes(tmp_path, log, image):
    log.add([cut_of(image, crop="", reason="no face found", image_from_crop=(), faces=0)])
    again = CutLog(tmp_path / "out", CUT_64)

    assert again.is_done(image, "a.jpg")
    write_picture(image.path, (9, 9, 3))
    assert not again.is_done(image, "a.jpg")


def test_half_a_line_is_forgotten(tmp_path, log, image):
    path = tmp_path / "out" / FILE_NAME
    with path.open("a") as file:
        file.write('{"image": "b.png", "st')

    again = CutLog(tmp_path / "out", CUT_64)
    again.add([cut_of(dataclasses.replace(image, name="c.png"))])

    assert list(again.done) == ["a.png"]
    assert list(CutLog(tmp_path / "out", CUT_64).done) == ["a.png", "c.png"]


def test_at_the_end_the_lines_are_in_order(tmp_path, log, image):
    others = [cut_of(dataclasses.replace(image, name=name)) for name in ("c", "b")]
    log.add(others)

    log.finish([others[1], cut_of(image)])

    lines = (tmp_path / "out" / FILE_NAME).read_text().splitlines()
    assert [json.loads(line)["image"] for line in lines[1:]] == ["b", "a.png"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size_px": 32}, "was begun with size_px 64, now asked for 32; choose a new OUT"),
        ({"dataset": "dem"}, "was begun with dataset folder, now asked for dem"),
        ({"crop": dataclasses.replace(HAAR_BOX, expand=2.0)}, "was begun with crop {'detector'"),
        ({"least_score": 0.1}, "was begun with least_score 0.5"),
    ],
)
def test_crops_are_not_mixed(tmp_path, log, changes, said):
    before = (tmp_path / "out" / FILE_NAME).read_bytes()

    with pytest.raises(UsageError, match=said):
        CutLog(tmp_path / "out", dataclasses.replace(CUT_64, **changes))

    assert (tmp_path / "out" / FILE_NAME).read_bytes() == before


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "labels.csv").write_text("mine")

    with pytest.raises(UsageError, match="holds something else; choose a new OUT folder"):
        CutLog(tmp_path, CUT_64)
    with pytest.raises(UsageError, match="holds something else"):
        CutLog(tmp_path / "labels.csv", CUT_64)

    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


@pytest.mark.parametrize("text", ["no json\n", "{}\n[]\n", '{}\n{"image": 1}\n', "\n"])
def test_a_damaged_log_is_refused(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(UsageError, match="cannot be read"):
        CutLog(tmp_path, CUT_64)


def test_a_file_that_is_not_there_has_no_stamp(tmp_path):
    assert stamp(SourceImage("a", tmp_path / "a")) == ""
