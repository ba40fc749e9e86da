import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare import disfa_plus
from tests.support.prepared import write_picture
from tests.support.standins import AUS

TRIAL = "SN001/A1_AU1_TrailNo_1"


def write_labels(source, trial=TRIAL, *, frames=("000.jpg", "001.jpg"), value="1", aus=AUS):
    folder = source / "Labels" / trial
    folder.mkdir(parents=True, exist_ok=True)
    for label in aus:
        lines = [f"{label} of a trial", "frame intensity", *(f"{f}     {value}" for f in frames)]
        (folder / f"AU{int(label[2:])}.txt").write_text("\r\n".join(lines) + "\r\n")
    return folder


@pytest.fixture
def source(tmp_path):
    for name in ("000.jpg", "001.jpg"):
        write_picture(tmp_path / "Images" / TRIAL / name)
    write_labels(tmp_path)
    return tmp_path


def spoil(folder, au, old, new):
    path = folder / "Labels" / TRIAL / f"{au}.txt"
    path.write_text(path.read_text().replace(old, new))


def reasons(listing):
    return [(rejection.name, rejection.reason) for rejection in listing.rejections]


def test_frames_have_their_subject_and_twelve_intensities(source):
    spoil(source, "AU12", "001.jpg     1", "001.jpg     4")

    listing = disfa_plus.read(source)

    first, second = listing.images
    assert (listing.dataset, listing.labels, listing.size_px) == ("disfa+", AUS, 350)
    assert first.name == f"Images/{TRIAL}/000.jpg"
    assert (first.subject, first.labels) == ("SN001", dict.fromkeys(AUS, 1.0))
    assert second.labels["AU12"] == 4
    assert listing.rejections == ()


def test_png_frames_and_a_doubled_subject_folder_are_taken_too(tmp_path):
    trial = "SN001/SN001/Y_HappyDescribed_TrailNo_1"
    write_picture(tmp_path / "Images" / trial / "000.png")
    write_labels(tmp_path, trial, frames=["000.jpg"])

    (image,) = disfa_plus.read(tmp_path).images

    assert (image.name, image.subject) == (f"Images/{trial}/000.png", "SN001")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("001.jpg     1", "001.jpg     7", "line 4: an intensity must be a number from 0 to 5, "),
        ("001.jpg     1", "001.jpg     -", "line 4: an intensity must be a number from 0 to 5, "),
        ("001.jpg     1", "001.jpg", "line 4: an intensity must be a number from 0 to 5, got ''"),
        (
            "001.jpg     1",
            "001.jpg 1 2",
            "line 4: an intensity must be a number from 0 to 5, got '",
        ),
        ("001.jpg     1", "", "no line for this frame"),
    ],
)
def test_a_wrong_label_costs_its_frame_and_no_other(source, old, new, reason):
    spoil(source, "AU9", old, new)

    listing = disfa_plus.read(source)

    ((name, why),) = reasons(listing)
    assert name == f"Images/{TRIAL}/001.jpg"
    assert why.startswith(f"AU9.txt: {reason}")
    assert [image.name for image in listing.images] == [f"Images/{TRIAL}/000.jpg"]


def test_a_frame_listed_twice_is_doubtful(source):
    spoil(source, "AU9", "001.jpg     1", "001.jpg     1\n001.jpg     2")

    assert reasons(disfa_plus.read(source)) == [
        (f"Images/{TRIAL}/001.jpg", "AU9.txt: line 5: the frame is listed twice")
    ]


def test_a_missing_label_file_costs_the_trial(source):
    other = "SN001/A2_AU2_TrailNo_1"
    write_picture(source / "Images" / other / "000.jpg")
    write_labels(source, other, frames=["000.jpg"], aus=AUS[:-2])

    listing = disfa_plus.read(source)

    assert len(listing.images) == 2
    assert reasons(listing) == [
        (f"Images/{other}/000.jpg", f"label file missing in Labels/{other}: AU25, AU26")
    ]


def test_a_trial_without_labels_is_said(source):
    write_picture(source / "Images" / "SN003" / "T" / "000.jpg")

    assert reasons(disfa_plus.read(source)) == [
        ("Images/SN003/T/000.jpg", "there are no label files in Labels/SN003/T")
    ]


def test_a_label_without_its_image_is_said(source):
    (source / "Images" / TRIAL / "001.jpg").unlink()

    assert reasons(disfa_plus.read(source)) == [
        (f"Images/{TRIAL}/001.jpg", f"labelled in Labels/{TRIAL}, but not there")
    ]


def test_a_line_that_is_no_label_is_said_once(source):
    spoil(source, "AU2", "001.jpg     1", "001.jpg     1\n# remark\n\n~~~\nend of file")

    listing = disfa_plus.read(source)

    assert len(listing.images) == 2
    assert reasons(listing) == [
        (
            f"Labels/{TRIAL}/AU2.txt",
            "line 8: expected a frame and its intensity, got 'end of file'",
        )
    ]


def test_two_pictures_of_one_frame_are_doubtful(source):
    write_picture(source / "Images" / TRIAL / "001.png")

    assert reasons(disfa_plus.read(source)) == [
        (f"Images/{TRIAL}/001.jpg", "there are 2 pictures of frame 001; keep one")
    ]


def test_frames_outside_a_persons_folder_are_doubtful(source):
    write_picture(source / "Images" / "000.jpg")

    assert reasons(disfa_plus.read(source)) == [
        ("Images/000.jpg", "it lies in no folder of a person (SN001)")
    ]


@pytest.mark.parametrize("missing", ["Images", "Labels"])
def test_another_layout_is_refused_with_the_expected_one(source, missing):
    shutil.rmtree(source / missing)

    with pytest.raises(SourceOpenError, match=f"there is no folder {missing}; expected Images/SN"):
        disfa_plus.read(source)


def test_a_data_set_in_which_nothing_is_labelled_is_refused(source):
    shutil.rmtree(source / "Labels" / "SN001")

    with pytest.raises(SourceOpenError, match=r"no labelled frame was found; the first: Images/"):
        disfa_plus.read(source)


HEADERS = st.lists(st.sampled_from(["", "AU1", "~~~~", "# intensity", "Frame   Label"]), max_size=4)
LABELS = st.dictionaries(st.integers(0, 999), st.integers(0, 5), min_size=1, max_size=20)


@given(HEADERS, LABELS, st.sampled_from([".jpg", ".png", ".JPG", ""]))
def test_a_label_file_is_read_whatever_its_header(tmp_path_factory, header, labels, suffix):
    path = tmp_path_factory.mktemp("labels") / "AU1.txt"
    rows = [f"{frame:03d}{suffix}     {value}" for frame, value in labels.items()]
    path.write_text("\n".join([*header, *rows]) + "\n")

    found = disfa_plus.read_label_file(path, name="AU1.txt")

    assert found.intensities == {f"{frame:03d}": value for frame, value in labels.items()}
    assert (found.wrong, found.stray) == ({}, ())


def test_the_stand_in_is_read_whole(standin):
    folder = standin("disfa+")

    listing = disfa_plus.read(folder)

    assert len(listing.images) == len(list((folder / "Images").rglob("*.jpg")))
    assert listing.rejections == ()
