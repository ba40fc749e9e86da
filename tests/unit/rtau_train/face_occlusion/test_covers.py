"""Covers hide what their label says, and what is no cover hides nothing."""

import numpy as np
import pytest

from rtau_train.face_occlusion import covers, examples, rendered_covers
from rtau_train.face_occlusion.covers import Hidden
from rtau_train.face_occlusion.painting import face_frame
from rtau_train.face_occlusion.worn import adorned

SIZE = 128
GREY = np.full((SIZE, SIZE), 128, np.float32)


@pytest.fixture
def points(free_faces):
    one = free_faces[0]
    middle = one.landmarks_xy.mean(axis=0)
    return (one.landmarks_xy - middle + SIZE / 2).astype(np.float32)


@pytest.mark.parametrize("kind", covers.KINDS)
def test_a_cover_hides_a_part_of_the_face_sooner_or_later(kind, points, plain_scenes):
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shown, seen = covers.covered(rng, GREY, points, kind=kind, scenes=plain_scenes)
        assert shown.shape == GREY.shape
        assert np.isfinite(shown).all()
        assert 0 <= shown.min() <= shown.max() <= 255
        found.append(seen is not None and seen.label == 1)
    assert sum(found) >= 4


def test_one_generator_draws_one_picture(points, plain_scenes):
    one, other = (
        covers.covered(np.random.default_rng(3), GREY, points, kind="hand", scenes=plain_scenes)[0]
        for _ in range(2)
    )
    assert np.array_equal(one, other)


def shares(seen):
    return seen.face, seen.part


def hidden(face, part, *, is_hair=False):
    return Hidden(face, part, np.zeros((SIZE, SIZE), np.uint8), is_hair=is_hair)


def test_what_is_hidden_is_measured(points):
    everything = np.ones((SIZE, SIZE), np.bool_)
    assert shares(covers.hidden(everything, points)) == (1.0, 1.0)
    assert shares(covers.hidden(~everything, points)) == (0.0, 0.0)
    below = everything.copy()
    below[: int(points[33, 1])] = False
    seen = covers.hidden(below, points)
    assert 0.2 < seen.face < 0.7
    assert seen.part == 1.0
    assert (seen.where[: int(points[33, 1])] == 0).all()
    assert seen.where.max() == 255


@pytest.mark.parametrize(
    ("seen", "label"),
    [
        (hidden(0.0, 0.0), 0.0),
        (hidden(0.01, 0.05), 0.0),
        (hidden(0.05, 0.2), None),
        (hidden(0.08, 0.0), 1.0),
        (hidden(0.03, 0.6), 1.0),
        (hidden(0.3, 0.1, is_hair=True), None),
        (hidden(0.3, 0.9, is_hair=True), 1.0),
    ],
)
def test_a_label_follows_from_what_is_hidden(seen, label):
    assert seen.label == label


@pytest.mark.parametrize("kind", rendered_covers.KINDS)
def test_the_renderers_occluders_are_measured_alike(kind, points):
    labels = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        shown, seen = rendered_covers.covered(rng, GREY, points, kind=kind)
        if seen.face == 0:
            assert np.abs(shown - GREY)[covers.inside(points, SIZE)].max() < 60
        labels.add(seen.label)
    assert 1.0 in labels


def test_adornments_leave_eyes_and_mouth_to_be_seen(points):
    for seed in range(20):
        done = adorned(np.random.default_rng(seed), GREY, face_frame(GREY, points))
        assert done.shape == GREY.shape
        assert np.isfinite(done).all()


def test_examples_are_what_was_asked_for(rng, free_faces, plain_scenes):
    kinds = ["mask", examples.FREE, examples.ADORNED, examples.BESIDE, "hand"]
    drawing = examples.Drawing(plain_scenes, 1.6, examples.drawn(plain_scenes), flaws_each=2)
    made = examples.examples(rng, free_faces, drawing, kinds=kinds, rows=[0, 1, 2, 3, 4])
    assert made.crops.shape == (10, 64, 64)
    assert made.labels.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert made.cells[[0, 1, 8, 9]].max(axis=(1, 2)).min() > 60
    assert made.cells[2:6].max() == 0
    assert made.kinds[:2] == ("mask", "mask")
    assert made.numbers.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
