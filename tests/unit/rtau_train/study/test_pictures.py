import dataclasses

import cv2
import numpy as np

from rtau_train.datasets.splits import splits_of
from rtau_train.models.checkpoint import load_model
from rtau_train.study.pictures import LABELS, METHODS, clearest, write_pictures
from tests.support.training import small_recipe


def test_the_clearest_face_shows_the_label_and_little_else(data):
    everything = np.arange(len(data))
    for label in LABELS:
        row = clearest(data, everything, label)

        column = data.labels.index(label)
        assert data.occurs[row, column]
        assert clearest(data, everything, label) == row


def test_copies_and_labels_that_nobody_shows_are_left_out(data):
    column = data.labels.index("AU04")
    none = dataclasses.replace(data, targets=np.zeros_like(data.targets))
    shown = np.flatnonzero(data.occurs[:, column])
    copied = data.take(np.r_[shown, shown], copies=np.repeat([1, 0], len(shown)))

    assert clearest(none, np.arange(len(none)), "AU04") is None
    assert clearest(data, np.arange(len(data)), "anger") is None
    assert copied.copies[clearest(copied, np.arange(len(copied)), "AU04")] == 0


def test_a_picture_per_place_method_and_label(run_folder, data, tmp_path):
    model = load_model(run_folder)

    write_pictures(tmp_path, model, splits_of(data, small_recipe()), outside=data)

    names = {path.stem for path in tmp_path.iterdir()}
    assert names <= {
        f"{where}_{method}_{label}"
        for where in ("in-set", "outside")
        for method in METHODS
        for label in LABELS
    }
    assert {name for name in names if name.startswith("outside")}
    for path in tmp_path.iterdir():
        assert cv2.imread(str(path)).std() > 0
