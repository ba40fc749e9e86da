import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau_train.datasets.prepare.listing import (
    SourceImage,
    child,
    crop_files,
    pictures_in,
    without_neutral,
)
from tests.support.prepared import drawn_listing, write_picture

NAMES = st.lists(
    st.text("ab./-", min_size=1, max_size=8).map(lambda text: text + "x.png"),
    min_size=1,
    max_size=20,
    unique=True,
)


def of_names(tmp_path, *names, **changes):
    images = tuple(SourceImage(name, tmp_path / name) for name in names)
    return dataclasses.replace(drawn_listing(tmp_path, 1), images=images, **changes)


def test_images_without_an_au_are_left_out_and_counted(tmp_path):
    listing = drawn_listing(tmp_path, 4)  # AU12 at 0, 1, 2, 3

    kept = without_neutral(listing, listing.labels)

    assert [image.name for image in kept.images] == ["a/2.png", "a/3.png"]
    assert kept.notes == (
        "2 images in which none of the 2 AUs has intensity 2 or more are left out, as in the "
        "paper; --keep-neutral keeps them",
    )
    assert without_neutral(kept, ["AU12"]) is kept
    assert without_neutral(listing, ["AU01"]).images == ()


def test_a_name_stands_once(tmp_path):
    with pytest.raises(ValueError, match=r"names must be distinct, got a\.png 2 times"):
        of_names(tmp_path, "a.png", "b.png", "a.png")


def test_a_crop_has_its_images_path(tmp_path):
    listing = of_names(tmp_path, "s/1.png", "s/2.tif", are_crops=False)

    assert crop_files(listing) == ("s/1.jpg", "s/2.jpg")
    assert crop_files(dataclasses.replace(listing, are_crops=True)) == ("s/1.png", "s/2.png")


def test_images_outside_the_folder_get_crops_inside(tmp_path):
    places = crop_files(of_names(tmp_path, "../a.jpg", "/far/a.jpg"))

    assert len(set(places)) == 2
    assert all(place.startswith("outside/") for place in places)


@given(NAMES)
def test_no_two_images_share_a_crop(tmp_path_factory, names):
    folder = tmp_path_factory.getbasetemp()

    assert len(set(crop_files(of_names(folder, *names)))) == len(names)


def test_pictures_are_sorted_and_nothing_hidden_is_one(tmp_path):
    for name in ("b.JPG", "a.png", "._a.png"):
        write_picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")

    assert [path.name for path in pictures_in(tmp_path)] == ["a.png", "b.JPG"]


def test_a_folder_is_found_in_any_case(tmp_path):
    (tmp_path / "images").mkdir()

    assert child(tmp_path, "Images") == tmp_path / "images"
    assert child(tmp_path, "Labels") is None
