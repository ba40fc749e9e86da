import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare import fer2013
from tests.support.prepared import read_csv, write_csv, write_picture

PIXELS = " ".join(str(index % 256) for index in range(48 * 48))


def row(emotion="3", pixels=PIXELS, usage="Training"):
    return {"emotion": emotion, "pixels": pixels, "Usage": usage}


def of_rows(tmp_path, *rows, name="fer2013.csv"):
    write_csv(tmp_path / name, list(rows))
    return fer2013.read(tmp_path)


def test_the_official_split_is_kept_beside_the_original_word(tmp_path):
    listing = of_rows(
        tmp_path, row("0"), row("6", usage="PublicTest"), row("5", usage="PrivateTest")
    )

    assert [(i.emotion, i.split, i.columns["usage"]) for i in listing.images] == [
        ("anger", "train", "Training"),
        ("neutral", "validation", "PublicTest"),
        ("surprise", "test", "PrivateTest"),
    ]
    assert (listing.dataset, listing.are_crops, listing.size_px) == ("fer2013", True, 48)
    assert listing.labels == (
        *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    )


def test_without_the_private_part_the_public_one_is_the_test_part(tmp_path):
    listing = of_rows(tmp_path, row("0"), row("6", usage="PublicTest"))

    assert [(i.split, i.columns["usage"]) for i in listing.images] == [
        ("train", "Training"),
        ("test", "PublicTest"),
    ]
    assert any("PublicTest is the test part" in note for note in listing.notes)


def test_pixels_are_rows_of_48(tmp_path):
    (image,) = of_rows(tmp_path, row()).images

    expected = (np.arange(48 * 48) % 256).astype(np.uint8).reshape(48, 48)
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.name == "Training/00001"


def test_the_contests_own_table_has_spaces_in_its_header(tmp_path):
    (tmp_path / "icml_face_data.csv").write_text(f"emotion, Usage, pixels\n3,Training,{PIXELS}\n")

    (image,) = fer2013.read(tmp_path).images

    assert image.emotion == "happiness"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (row("7"), "emotion must be a number from 0 to 6, got '7'"),
        (row(""), "emotion must be a number from 0 to 6, got ''"),
        (row(usage="Test"), "Usage must be one of Training, PublicTest, PrivateTest, got 'Test'"),
        (row(pixels="1 2 3"), "pixels must be 2304 numbers, got 3"),
        (row(pixels=PIXELS + "x"), "pixels must be whole numbers from 0 to 255"),
        (row(pixels=PIXELS.replace("255", "256")), "pixels must be whole numbers from 0 to 255"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, wrong, reason):
    listing = of_rows(tmp_path, wrong, row())

    assert [image.name for image in listing.images] == ["Training/00002"]
    assert [(r.name, r.reason) for r in listing.rejections] == [("fer2013.csv, data row 1", reason)]


def test_names_of_class_folder_pictures_tell_the_usage(tmp_path):
    for name in ("train/angry/Training_1.jpg", "test/happy/PublicTest_2.jpg"):
        write_picture(tmp_path / name)
    write_picture(tmp_path / "test/sad/PrivateTest_3.jpg")

    listing = fer2013.read(tmp_path)

    assert [(i.emotion, i.split, i.columns["usage"]) for i in listing.images] == [
        ("anger", "train", "Training"),
        ("happiness", "validation", "PublicTest"),
        ("sadness", "test", "PrivateTest"),
    ]


def test_without_such_names_the_folders_are_the_split(tmp_path):
    for name in ("train/angry/1.jpg", "test/happy/2.jpg", "val/sad/3.jpg", "test/contempt/4.jpg"):
        write_picture(tmp_path / name)

    listing = fer2013.read(tmp_path)

    assert {(i.name, i.split, i.columns["usage"]) for i in listing.images} == {
        ("train/angry/1.jpg", "train", "Training"),
        ("test/happy/2.jpg", "test", ""),
        ("val/sad/3.jpg", "validation", ""),
    }
    assert "all of test/ is the test part" in listing.notes[-1]
    assert listing.rejections[0].reason == "contempt is no class of FER2013"


def test_another_layout_is_refused_with_the_expected_one(tmp_path):
    with pytest.raises(SourceOpenError, match=r"was found; expected fer2013\.csv with columns em"):
        fer2013.read(tmp_path)
    write_csv(tmp_path / "fer2013.csv", [{"emotion": "1", "pixels": "0"}])
    with pytest.raises(SourceOpenError, match="column Usage is missing; there are emotion, pixels"):
        fer2013.read(tmp_path)


def test_the_stand_ins_hold_the_same_pictures(standin):
    table, folders = standin("fer2013"), standin("fer2013-folders")

    of_table, of_folders = fer2013.read(table), fer2013.read(folders)

    assert len(of_table.images) == len(read_csv(table / "fer2013.csv"))
    classes = [sorted((i.emotion, i.split) for i in x.images) for x in (of_table, of_folders)]
    assert classes[0] == classes[1]
