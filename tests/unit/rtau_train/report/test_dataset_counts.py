import dataclasses

from rtau_train.datasets.prepare.values import EMOTIONS
from rtau_train.report.dataset_counts import counts_table
from tests.support.prepared import drawn_listing
from tests.support.standins import AUS


def rows(table):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ]


def test_an_au_counts_from_intensity_2_and_where_it_is_coded(tmp_path):
    listing = drawn_listing(tmp_path, 5)  # AU12 at 0, 1, 2, 3, 4
    first, *others = listing.images
    images = [dataclasses.replace(first, labels={"AU01": 0.0}), *others]

    table = counts_table(listing, images)

    assert table.startswith("5 images, 2 people\n\n| AU ")
    assert rows(table)[2:] == [
        ["AU01", "inner brow raiser", "5", "0"],
        ["AU12", "lip corner puller", "4", "3"],
    ]


def test_the_papers_counts_stand_beside_ours(tmp_path):
    listing = dataclasses.replace(drawn_listing(tmp_path, 3), dataset="dem", labels=(*AUS, "AU10"))

    table = counts_table(listing, listing.images)

    assert "(paper: 1,557 images, 285 of them neutral, 246 people)" in table
    assert rows(table)[0][-2:] == ["paper, Table 4", "augmented, Table 5"]
    by_au = {row[0]: row[2:] for row in rows(table)[2:]}
    assert by_au["AU20"] == ["0", "0", "14", "154"]
    assert by_au["AU12"] == ["3", "1", "459", "459"]
    assert by_au["AU10"] == ["0", "0", "", ""]
    disfa = counts_table(dataclasses.replace(listing, dataset="disfa+"), listing.images)
    assert {row[0]: row[-1] for row in rows(disfa)}["AU04"] == "9276"


def test_emotions_are_counted_by_part(tmp_path):
    listing = drawn_listing(tmp_path, 3)
    parts = (("anger", "train"), ("anger", "validation"), ("neutral", "train"))
    images = tuple(
        dataclasses.replace(image, subject="", emotion=emotion, split=split)
        for image, (emotion, split) in zip(listing.images, parts, strict=True)
    )
    listing = dataclasses.replace(
        listing, dataset="fer2013", task="multi_class", labels=EMOTIONS, images=images
    )

    table = counts_table(listing, images)

    assert table.startswith("3 images, people not known (paper: Training 28,709, PublicTest 3,589")
    assert rows(table)[0] == ["emotion", "images", "train", "validation", "paper, PublicTest"]
    assert rows(table)[2] == ["anger", "2", "1", "1", "467"]
    assert rows(table)[-1] == ["neutral", "1", "1", "0", "607"]


def test_dems_emotions_stand_beside_table_1(tmp_path):
    listing = dataclasses.replace(
        drawn_listing(tmp_path, 1), dataset="dem", task="multi_class", labels=("contempt",)
    )

    assert rows(counts_table(listing, listing.images))[2] == ["contempt", "0", "171"]
