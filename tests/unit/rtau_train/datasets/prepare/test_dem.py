import pytest

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare import dem
from tests.support.prepared import read_csv, write_csv, write_picture
from tests.support.standins import AUS


def manifest(tmp_path, **changes):
    write_picture(tmp_path / "a.jpg")
    row = {"image": "a.jpg", "subject": "P1", **dict.fromkeys(AUS, "1"), **changes}
    write_csv(tmp_path / "manifest.csv", [{k: v for k, v in row.items() if v is not None}])
    return tmp_path


def test_all_aus_of_the_manifest_are_kept(tmp_path):
    listing = dem.read(manifest(tmp_path, AU10="2", emotion="Contempt", sex="f"))

    assert (listing.dataset, listing.size_px) == ("dem", 244)
    assert set(listing.labels) == {*AUS, "AU10"}
    assert listing.images[0].columns == {"sex": "f"}


def test_emotions_are_the_papers_eight(tmp_path):
    listing = dem.read(manifest(tmp_path, emotion="Contempt"), kind="emotion")

    assert len(listing.labels) == 8
    assert listing.images[0].emotion == "contempt"


def test_the_twelve_aus_of_the_paper_are_needed(tmp_path):
    with pytest.raises(SourceOpenError, match="twelve AUs are needed, AU06, AU26 are missing"):
        dem.read(manifest(tmp_path, AU06=None, AU26=None))


def test_an_image_that_the_manifest_does_not_name_is_reported(tmp_path):
    folder = manifest(tmp_path)
    for name in ("more/b.jpg", "crops/c.jpg", "made/crops/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(tmp_path / name)
    (tmp_path / "made" / "prepared.json").write_text("{}")  # what an earlier command wrote

    listing = dem.read(folder)

    assert [image.name for image in listing.images] == ["a.jpg"]
    assert [(one.name, one.reason) for one in listing.rejections] == [
        ("crops/c.jpg", "no row of manifest.csv names it"),
        ("more/b.jpg", "no row of manifest.csv names it"),
    ]


def test_the_stand_in_is_read_whole(standin):
    folder = standin("dem")

    listing = dem.read(folder)

    assert len(listing.images) == len(read_csv(folder / "manifest.csv"))
    assert listing.rejections == ()
