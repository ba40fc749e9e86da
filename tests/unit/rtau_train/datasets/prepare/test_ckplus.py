import dataclasses
import shutil

import pytest

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare import ckplus
from rtau_train.datasets.prepare.ckplus import Choices, action_units
from rtau_train.datasets.prepare.values import PRESENT
from tests.support.prepared import write_picture

OCCURRENCE = Choices(kind="occurrence", neutral="none")


def sequence(source, place, *, frames=3, emotion=None, facs=None):
    """Writes a sequence of `S005/001`; its labels name the last frame."""
    stem = place.replace("/", "_")
    for frame in range(1, frames + 1):
        write_picture(source / "cohn-kanade-images" / place / f"{stem}_{frame:08d}.png")
    last = f"{stem}_{frames:08d}"
    for folder, suffix, text in (("Emotion", "emotion", emotion), ("FACS", "facs", facs)):
        (source / folder / place).mkdir(parents=True, exist_ok=True)
        if text is not None:
            (source / folder / place / f"{last}_{suffix}.txt").write_text(text)


@pytest.fixture
def source(tmp_path):
    anger, contempt = "   1.0000000e+00\n", "   2.0000000e+00\n"
    sequence(tmp_path, "S005/001", emotion=anger, facs="   4.0e+00   3.0e+00\n")
    sequence(tmp_path, "S005/002", emotion=anger, facs="   1.2e+01   0.0e+00\n  9.8e+01  0.0\n")
    sequence(tmp_path, "S010/001", emotion=contempt, facs="")
    sequence(tmp_path, "S010/002", facs="   1.0e+00   1.0e+00\n")
    return tmp_path


def seen(listing):
    return [(image.name.rpartition("/")[2], image.emotion) for image in listing.images]


def test_last_frames_are_labelled_and_a_first_frame_per_person_is_neutral(source):
    listing = ckplus.read(source, Choices())

    assert seen(listing) == [
        ("S005_001_00000001.png", "neutral"),
        ("S005_001_00000003.png", "anger"),
        ("S005_002_00000003.png", "anger"),
        ("S010_001_00000001.png", "neutral"),
    ]
    assert [image.subject for image in listing.images] == ["S005", "S005", "S005", "S010"]
    assert "contempt" not in listing.labels
    assert listing.notes == (
        "1 sequences have no label file and are left out",
        "first frames stand for neutral, one of every person",
        "1 images of contempt are left out (FER2013 has no such class): --contempt keep",
    )


def test_contempt_can_be_kept_and_neutral_left_out(source):
    listing = ckplus.read(source, Choices(keep_contempt=True, neutral="none"))

    assert seen(listing)[-1] == ("S010_001_00000003.png", "contempt")
    assert len(listing.images) == 3
    assert listing.labels[-1] == "contempt"


def test_every_sequence_can_give_a_neutral_frame_and_several_apex_frames(source):
    listing = ckplus.read(source, Choices(neutral="sequence", apex_frames=9))

    assert seen(listing)[:6] == [
        ("S005_001_00000001.png", "neutral"),
        ("S005_001_00000002.png", "anger"),
        ("S005_001_00000003.png", "anger"),
        ("S005_002_00000001.png", "neutral"),
        ("S005_002_00000002.png", "anger"),
        ("S005_002_00000003.png", "anger"),
    ]


def test_as_occurrence_every_listed_au_is_present(source):
    listing = ckplus.read(source, OCCURRENCE)

    assert listing.task == "multi_label"
    assert listing.labels == ("AU01", "AU04", "AU12")
    assert [image.labels["AU12"] for image in listing.images] == [0, PRESENT, 0, 0]
    assert listing.images[3].labels["AU01"] == PRESENT
    assert listing.notes == ("these AUs are left out, rtau has none such: 98",)


def test_as_intensity_what_was_not_given_is_not_coded(source):
    listing = ckplus.read(source, dataclasses.replace(OCCURRENCE, kind="intensity"))

    assert [image.labels.get("AU04") for image in listing.images] == [3, 0, 0, 0]
    assert [image.labels.get("AU12") for image in listing.images] == [0, None, 0, 0]


def test_neutral_frames_show_no_au(source):
    listing = ckplus.read(source, dataclasses.replace(OCCURRENCE, neutral="person"))

    assert listing.images[0].name.endswith("S005_001_00000001.png")
    assert set(listing.images[0].labels.values()) == {0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9.0", "expected one code from 0 to 7, got '9.0'"),
        ("1.5", "expected one code from 0 to 7, got '1.5'"),
        ("", "expected one code from 0 to 7, got ''"),
        ("1 2", "expected one code from 0 to 7, got '1 2'"),
    ],
)
def test_a_wrong_emotion_file_costs_its_sequence(source, text, reason):
    sequence(source, "S005/001", emotion=text)

    listing = ckplus.read(source, Choices())

    assert [(r.name, r.reason) for r in listing.rejections] == [
        ("Emotion/S005/001/S005_001_00000003_emotion.txt", reason)
    ]
    assert seen(listing)[0] == ("S005_002_00000001.png", "neutral")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("4.0 7.0", "an intensity must be a number from 0 to 5, got '7.0'"),
        ("4.0", "line 1: expected an AU and its intensity, got '4.0'"),
        ("\n4.5 1.0", "line 2: expected an AU and its intensity, got '4.5 1.0'"),
    ],
)
def test_a_wrong_facs_file_is_named(text, reason):
    with pytest.raises(ValueError, match=reason):
        action_units(text, "intensity")


def test_a_label_whose_frame_is_missing_is_named(source):
    (source / "cohn-kanade-images/S005/001/S005_001_00000003.png").unlink()

    (rejection,) = ckplus.read(source, Choices()).rejections

    assert rejection.reason == "there is no frame S005_001_00000003 in cohn-kanade-images/S005/001"


def test_two_label_files_are_doubtful(source):
    (source / "Emotion/S005/001/copy.txt").write_text("1.0")

    (rejection,) = ckplus.read(source, Choices()).rejections

    assert rejection.reason == "there are 2 label files for one sequence; keep one"


def test_class_folders_name_the_person(tmp_path):
    for name in ("happy/S010_004_00000017.png", "contempt/S011_001_00000017.png", "happy/x.png"):
        write_picture(tmp_path / "CK+48" / name)

    listing = ckplus.read(tmp_path, Choices())

    assert [(i.subject, i.emotion) for i in listing.images] == [("S010", "happiness")]
    assert (listing.are_crops, listing.size_px) == (True, 48)
    assert listing.rejections[0].reason == "the name does not begin with the person, like S010_"
    assert "no neutral images" in listing.notes[0]


def test_another_layout_is_refused_with_the_expected_one(tmp_path, source):
    with pytest.raises(SourceOpenError, match=r"no labelled image of CK\+ was found; expected coh"):
        ckplus.read(source / "FACS", Choices())
    with pytest.raises(SourceOpenError, match=r"AUs need CK\+'s original folders"):
        ckplus.read(source / "FACS", OCCURRENCE)
    shutil.rmtree(source / "Emotion")
    with pytest.raises(SourceOpenError, match="there is no folder Emotion"):
        ckplus.read(source, Choices())


def test_the_stand_in_has_emotions_and_aus(standin):
    folder = standin("ckplus")

    emotions = ckplus.read(folder, Choices())
    aus = ckplus.read(folder, OCCURRENCE)

    assert emotions.rejections == aus.rejections == ()
    assert len(aus.images) > len([i for i in emotions.images if i.emotion != "neutral"]) > 0
