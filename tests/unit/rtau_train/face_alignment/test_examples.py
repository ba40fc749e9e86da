import numpy as np
import pytest

from rtau.squares import FaceSquares, points_from_squares, squares_from_points
from rtau_train.face_alignment import backgrounds, examples, flaws, placements, proposals
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.faces import SIDE_PX

EXPAND = 1.6


def square(x, y, side, roll=0.0):
    return FaceSquares(
        np.array([[x, y]], np.float32), np.array([side], np.float32), np.array([roll], np.float32)
    )


def test_cutouts_have_squares_of_one_side(cutouts):
    sides = [float(cutout.square.sides_px[0]) for cutout in cutouts]
    assert sides == pytest.approx([SIDE_PX] * len(sides), rel=0.03)


def test_points_lie_where_the_crop_shows_them(cutouts, plain_scenes, rng, rule):
    made = examples.faces(rng, cutouts, plain_scenes, count=40, expand=EXPAND)
    squares = squares_from_points(made.points_xy, rule=rule)
    shift = np.abs(squares.centres_xy - examples.SIZE_PX / 2).max() * EXPAND / examples.SIZE_PX
    assert shift < placements.MOST_SHIFT * np.sqrt(2) * np.exp(placements.MOST_LOG_SCALE)
    ratio = np.abs(np.log(squares.sides_px * EXPAND / examples.SIZE_PX))
    assert ratio.max() < placements.MOST_LOG_SCALE + 0.05
    assert made.crops.dtype == np.uint8
    assert made.presence.tolist() == [1] * 40


def test_the_same_generator_makes_the_same_examples(cutouts, plain_scenes):
    one, other = (
        examples.near_faces(
            np.random.default_rng(2), cutouts, plain_scenes, count=12, expand=EXPAND
        )
        for _ in range(2)
    )
    assert np.array_equal(one.crops, other.crops)
    assert not one.presence.any()


def test_a_mirrored_example_has_mirrored_points(cutouts, plain_scenes, rng):
    made = examples.faces(rng, cutouts, plain_scenes, count=4, expand=EXPAND)
    rows = np.array([True, False, True, False])
    twice = examples.mirrored(examples.mirrored(made, rows), rows)
    assert np.array_equal(twice.crops, made.crops)
    assert twice.points_xy == pytest.approx(made.points_xy, abs=1e-4)
    once = examples.mirrored(made, rows)
    assert np.array_equal(once.crops[0], made.crops[0, :, ::-1])
    # The outer corner of the right eye (36) takes the place of the left one's (45).
    assert once.points_xy[0, 36, 0] == pytest.approx(64 - made.points_xy[0, 45, 0])


def test_windows_near_a_known_face_are_not_called_none():
    face = square(100, 100, 50)
    assert backgrounds.shows_no_face(square(140, 100, 50), face).tolist() == [True]
    assert backgrounds.shows_no_face(square(110, 100, 50), face).tolist() == [False]
    assert backgrounds.shows_no_face(square(100, 100, 130), face).tolist() == [True]
    assert backgrounds.shows_no_face(square(100, 100, 20), face).tolist() == [True]


def test_places_avoid_the_face_of_a_scene(rng):
    scene = Scene(np.zeros((256, 256), np.uint8), square(128, 128, 90), "around faces")
    places = proposals.random_places([scene], count=50, rng=rng)
    assert all(backgrounds.shows_no_face(one, scene.face)[0] for _, one in places)


def test_a_pasted_head_is_where_the_scene_says(cutouts, plain_scenes, rule):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        scene = backgrounds.pasted(rng, cutouts[seed], plain_scenes[0])
        crop = examples.cut(scene.image, scene.face, expand=1.2, size=64)
        head = cutouts[seed]
        alone = examples.cut(head.grey, head.square, expand=1.2, size=64)
        held = examples.cut(head.cover, head.square, expand=1.2, size=64) == 255
        assert np.corrcoef(crop[held], alone[held])[0, 1] > 0.9


def test_placed_squares_give_the_placement_back(rule):
    face = square(40, 50, 30, 0.4)
    moved = placements.placed(face, placements.Placement((0.0, 0.5), np.log(2), 0.1))
    assert moved.sides_px == pytest.approx([60])
    assert moved.rolls_rad == pytest.approx([0.5])
    read = squares_from_points(points_from_squares(moved, rule=rule), rule=rule)
    assert np.hypot(*(read.centres_xy - face.centres_xy)[0]) == pytest.approx(15, abs=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_cut_by_the_frame_keeps_what_is_inside_where_it_is(seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(1, 255, (128, 128), dtype=np.uint8)
    cut = flaws.cut_by_frame(rng, picture, most=0.4)

    kept = cut == picture
    rows, columns = kept.all(axis=1).mean(), kept.all(axis=0).mean()
    assert 0.6 <= max(rows, columns) < 1


@pytest.mark.parametrize("seed", range(12))
def test_flaws_keep_size_and_type(seed, cutouts):
    rng = np.random.default_rng(seed)
    picture = np.full((128, 128), 120, np.uint8)
    points = rng.uniform(30, 90, (68, 2)).astype(np.float32)
    for spoilt in (
        flaws.exposed(rng, picture),
        flaws.cut_by_frame(rng, picture, most=0.4),
        flaws.covered(rng, picture, landmarks_xy=points),
    ):
        assert spoilt.shape == (128, 128)
        assert spoilt.dtype == np.uint8
    assert flaws.photographed(rng, picture, size=64).shape == (64, 64)
