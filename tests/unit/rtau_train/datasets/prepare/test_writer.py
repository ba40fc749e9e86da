import dataclasses
import json
import os

import numpy as np
import pytest

from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.prepare.cuts import Cut
from rtau_train.datasets.prepare.landmarks import Landmarks
from rtau_train.datasets.prepare.listing import Rejection
from rtau_train.datasets.prepare.writer import sort_out, write_tables
from tests.support.prepared import CROPS_48, contents, drawn_listing, read_csv


def cuts_of(listing, **reasons):
    return {
        image.name: Cut(
            image=image.name,
            stamp="1-1",
            crop="" if image.name in reasons else image.name,
            reason=reasons.get(image.name, ""),
            image_from_crop=() if image.name in reasons else (2.0, 0.0, 0.0, 0.0, 2.0, 0.0),
            faces=1,
        )
        for image in listing.images
    }


def written(tmp_path, listing, landmarks=None, **reasons):
    outcome = sort_out(listing, cuts_of(listing, **reasons), landmarks, size_px=48)
    write_tables(tmp_path / "out", listing, outcome, plan=CROPS_48, source=tmp_path / "source")
    return tmp_path / "out"


@pytest.fixture
def listing(tmp_path):
    return drawn_listing(tmp_path / "source")


def test_labels_subjects_and_sources_are_rows(tmp_path, listing):
    out = written(tmp_path, listing)

    assert read_csv(out / "labels.csv") == [
        {
            "file": f"a/{index}.png",
            "subject": f"person {index % 2}",
            "AU01": "0",
            "AU12": str(index),
            "source": f"a/{index}.png",
        }
        for index in range(3)
    ]
    assert (out / "rejected.csv").read_text() == "file,reason\n"
    assert not (out / "landmarks68.npz").exists()
    record = json.loads((out / "prepared.json").read_text())
    assert record["dataset"] == "folder"
    assert record["labels"] == ["AU01", "AU12"]
    assert (record["images"], record["rejected"], record["size_px"]) == (3, 0, 48)
    assert (record["crop"], record["source"]) == (None, "source")


def test_training_reads_what_was_written(tmp_path, listing):
    landmarks = Landmarks(
        tmp_path / "l.csv",
        {image.name: np.full((68, 2), 24, np.float32) for image in listing.images},
        {},
    )

    folder = read_folder(written(tmp_path, listing, landmarks), labels=("AU12",))

    assert folder.files == ("a/0.png", "a/1.png", "a/2.png")
    np.testing.assert_array_equal(folder.landmarks, np.full((3, 68, 2), 12, np.float32))


def test_classes_splits_and_columns_are_written_and_empty_ones_are_not(tmp_path, listing):
    images = tuple(
        dataclasses.replace(
            image, subject="", labels={}, emotion="fear", split="test", columns={"usage": "x"}
        )
        for image in listing.images
    )
    emotions = dataclasses.replace(
        listing, task="multi_class", labels=("anger", "fear"), images=images
    )

    rows = read_csv(written(tmp_path, emotions) / "labels.csv")

    assert rows[0] == {
        "file": "a/0.png",
        "emotion": "fear",
        "split": "test",
        "usage": "x",
        "source": "a/0.png",
    }


def test_what_is_not_coded_is_empty(tmp_path, listing):
    first, *others = listing.images
    bare = dataclasses.replace(first, labels={"AU12": 2.25})

    out = written(tmp_path, dataclasses.replace(listing, images=(bare, *others)))

    assert read_csv(out / "labels.csv")[0] == {
        **read_csv(out / "labels.csv")[0],
        "AU01": "",
        "AU12": "2.25",
    }


def test_every_rejection_is_named_once_and_counted(tmp_path, listing):
    known = dataclasses.replace(listing, rejections=(Rejection("b.png", "subject is empty"),))

    out = written(tmp_path, known, **{"a/1.png": "no face found"})

    assert read_csv(out / "rejected.csv") == [
        {"file": "b.png", "reason": "subject is empty"},
        {"file": "a/1.png", "reason": "no face found"},
    ]
    assert [row["file"] for row in read_csv(out / "labels.csv")] == ["a/0.png", "a/2.png"]
    assert json.loads((out / "prepared.json").read_text())["rejected"] == 2


def test_a_row_without_landmarks_is_rejected_when_there_are_any(tmp_path, listing):
    points = {"a/0.png": np.full((68, 2), 48, np.float32)}
    landmarks = Landmarks(tmp_path / "l.csv", points, {"a/1.png": "l.csv: listed twice"})

    out = written(tmp_path, listing, landmarks)

    with np.load(out / "landmarks68.npz") as archive:
        np.testing.assert_array_equal(archive["xy"], np.full((1, 68, 2), 24, np.float32))
    assert [row["reason"] for row in read_csv(out / "rejected.csv")] == [
        "l.csv: listed twice",
        "no landmarks in l.csv",
    ]


def test_the_same_again_touches_no_file(tmp_path, listing):
    out = written(tmp_path, listing)
    before = contents(out)
    for path in out.iterdir():
        os.utime(path, ns=(7, 7))

    written(tmp_path, listing)

    assert contents(out) == before
    assert {path.stat().st_mtime_ns for path in out.iterdir()} == {7}


def test_labels_are_gone_while_other_tables_change(tmp_path, listing, monkeypatch):
    out = written(tmp_path, listing)

    def die(path, data):
        raise KeyboardInterrupt

    monkeypatch.setattr("rtau_train.datasets.prepare.writer.write_whole", die)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, listing, **{"a/1.png": "no face found"})

    assert not (out / "labels.csv").exists()


def test_landmarks_of_an_earlier_run_do_not_stay(tmp_path, listing):
    points = {image.name: np.full((68, 2), 24, np.float32) for image in listing.images}
    out = written(tmp_path, listing, Landmarks(tmp_path / "l.csv", points, {}))
    assert (out / "landmarks68.npz").exists()

    written(tmp_path, listing)

    assert not (out / "landmarks68.npz").exists()
