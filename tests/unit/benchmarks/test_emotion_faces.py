import csv

import cv2
import numpy as np
import pytest

from rtau.backends import open_engine

pytest.importorskip("torch", reason="reads folders of crops as training does")

# Below, what needs torch.
from benchmarks import emotion_faces
from benchmarks.emotion_faces import Figures, figures, table, text_of
from tests.support.recorded_pictures import PORTRAITS

LABELS = ("AU04", "AU12")


def folder_of(root, *, side_px):
    """Writes two portraits and a grey picture as a folder of FER2013: one of them is no face."""
    (root / "crops").mkdir()
    portraits = [cv2.imread(str(path)) for path in sorted(PORTRAITS.rglob("*.jpg"))[:2]]
    pictures = [*portraits, np.full((side_px, side_px, 3), 128, np.uint8)]
    rows = []
    for number, (picture, emotion) in enumerate(
        zip(pictures, ("happiness", "neutral", "neutral"), strict=True)
    ):
        cv2.imwrite(str(root / "crops" / f"{number}.png"), cv2.resize(picture, (side_px, side_px)))
        rows.append((f"{number}.png", emotion, "train", "PublicTest", f"{number}.png"))
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "emotion", "split", "usage", "source"), *rows])
    return root


def test_an_au_is_measured_against_neutral_pictures():
    scores = np.array([[0.1, 0.9], [0.2, 0.7], [0.3, 0.8], [0.9, 0.1]])
    emotions = np.array(["happiness", "happiness", "neutral", "anger"])

    found = figures(scores, emotions, labels=LABELS, thresholds=np.array([0.5, 0.75]))

    assert found["happiness", "AU12"] == Figures(2, 0.5, 0.5, 1.0)
    assert found["anger", "AU04"] == Figures(1, 1.0, 1.0, 0.0)
    assert ("happiness", "AU06") not in found


def test_the_peer_is_named_only_where_it_ran():
    ours = {("anger", "AU04"): Figures(3, 0.75, 0.5, 0.1)}
    peer = {("anger", "AU04"): Figures(3, 0.5, 0.0, 0.0)}

    assert [*table(ours, {})][2].endswith("| 10% | not run |")
    assert [*table(ours, peer)][2:] == [
        "| anger | AU04 | 3 | 0.750 | 50% | 10% | 0.500 |",
        "| mean | | | 0.750 | | | 0.500 |",
    ]


def test_pictures_without_a_face_are_counted_and_left_out(tmp_path):
    folder = folder_of(tmp_path, side_px=96)

    with open_engine("shufflenetv2-au14", threads=1) as engine:
        text = text_of(engine, folder, part="public", python=None)

    assert "3 pictures; a face is seen in 2." in text
    assert "| happiness | AU12 | 1 |" in text


def test_every_au_of_a_prototype_has_a_blendshape():
    wanted = {label for prototype in emotion_faces.PROTOTYPES.values() for label in prototype}

    assert wanted == set(emotion_faces.BLENDSHAPES)
