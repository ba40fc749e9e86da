import shutil

import cv2
import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.datasets.crop_folder import read_folder
from tests.support.training import FACES, shipped_recipe

LABELS = shipped_recipe().network.labels


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "faces"
    shutil.copytree(FACES, copy)
    return copy


def test_rows_of_labels_landmarks_and_pictures_belong_together(data):
    images = data.images(np.array([3, 0]))

    assert len(data) == 120
    assert data.targets.shape == (120, 12)
    assert data.landmarks.shape == (120, 68, 2)
    assert set(data.columns) >= {"sex", "ethnicity", "age_group"}
    image_bgr = cv2.imread(str(FACES / "crops" / data.files[3]))
    np.testing.assert_array_equal(images[0], image_bgr[..., ::-1])


def test_intensities_follow_the_order_of_the_labels_asked_for(data):
    turned = read_folder(FACES, labels=LABELS[::-1])

    np.testing.assert_array_equal(turned.targets[:, ::-1], data.targets)


def test_a_missing_folder_is_named_with_what_it_should_hold(tmp_path):
    with pytest.raises(SourceOpenError, match=r"the folder must have crops/"):
        read_folder(tmp_path / "nowhere", labels=LABELS)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("AU04", "AU4", "column AU4 must be written AU04"),
        ("0.00,0.00", "7.00,0.00", r"must lie in \[0, 5\], got 7.0 for AU01 in data row 1"),
        ("0.00,0.00", "1e39,0.00", r"must lie in \[0, 5\], got 1e\+39 for AU01 in data row 1"),
        ("0.00,0.00", "nan,0.00", r"must lie in \[0, 5\], got nan for AU01 in data row 1"),
        ("0.00,0.00", "much,0.00", "an intensity is no number"),
    ],
)
def test_a_wrong_label_is_refused(folder, old, new, said):
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace(old, new, 1))

    with pytest.raises(SourceOpenError, match=said):
        read_folder(folder, labels=LABELS)


def test_landmarks_of_another_count_are_refused(folder):
    np.savez(folder / "landmarks68.npz", xy=np.zeros((7, 68, 2), np.float16))

    with pytest.raises(
        SourceOpenError, match=r"xy must be finite \(120, 68, 2\), got \(7, 68, 2\)"
    ):
        read_folder(folder, labels=LABELS)


def test_landmarks_that_are_no_archive_are_refused(folder):
    path = folder / "landmarks68.npz"
    np.savez(path, xy=np.zeros((120, 68, 2), np.float16))
    whole = path.read_bytes()
    flags = whole.rindex(b"PK\x01\x02") + 8
    for archive in (b"not an archive", whole[:flags] + b"\x01\x00" + whole[flags + 2 :]):
        path.write_bytes(archive)
        with pytest.raises(SourceOpenError, match="landmarks cannot be read"):
            read_folder(folder, labels=LABELS)


def test_an_unreadable_picture_is_named(folder):
    found = read_folder(folder, labels=LABELS)
    (folder / "crops" / found.files[5]).write_bytes(b"no jpeg")

    with pytest.raises(SourceOpenError, match=f"{found.files[5]}: the picture is missing"):
        found.images(np.arange(8))


def test_a_picture_of_another_size_is_named(folder):
    found = read_folder(folder, labels=LABELS)
    cv2.imwrite(str(folder / "crops" / found.files[5]), np.zeros((64, 64, 3), np.uint8))

    with pytest.raises(SourceOpenError, match=r"must have one size, \(128, 128\), got \(64, 64\)"):
        found.images(np.arange(8))
