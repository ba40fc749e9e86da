from collections import Counter

import numpy as np
import pytest

from benchmarks.face_finding import (
    Score,
    covered_share,
    identity_f1,
    matched_rows,
    shows_portrait,
    turned,
)
from benchmarks.moving_heads import FPS, Cutout, TrueFace, composed, drawn_clip, read_cutouts
from rtau.data import Faces
from rtau.squares import PointRule, Square

ROW = {"is_back": "0", "yaw_deg": "3.0", "skin_tone": "2"}
UPRIGHT = Square(100.0, 80.0, 60.0, 0.0)
RULE = PointRule(((-0.5, 0.0), (0.5, 0.0), (0.0, 0.25)), (1.0, 1.0, 1.0))


def disc_head(level=200):
    """A bright disc of radius 12 on a transparent ground; its face fills it."""
    y, x = np.mgrid[:40, :40]
    cover = (((x - 18) ** 2 + (y - 22) ** 2 <= 144) * 255).astype(np.uint8)
    grey = np.where(cover, level, 0).astype(np.uint8)
    return Cutout(grey, cover, Square(18.0, 22.0, 24.0, 0.0), ROW)


def reported(boxes, ids):
    return Faces(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.ones(len(ids), np.float32),
        track_ids=np.array(ids, np.int64),
    )


def box_of(square):
    half = square.side / 2
    return [square.x - half, square.y - half, square.x + half, square.y + half]


@pytest.mark.parametrize("roll", [0.0, 1.2])
def test_a_composed_head_is_where_the_truth_says(roll):
    place = Square(70.0, 50.0, 36.0, roll)
    ground = np.full((120, 160), 30, np.uint8)
    frame, (face,) = composed(ground, [(0, disc_head(), place)])
    y, x = np.nonzero(frame > 115)
    assert (x.mean(), y.mean()) == pytest.approx((70, 50), abs=0.2)
    assert np.sqrt(len(x) / np.pi) == pytest.approx(18, abs=0.5)
    assert (face.square, face.row) == (place, ROW)
    assert face.visible_share == pytest.approx(1.0, abs=0.02)


def test_a_later_head_hides_an_earlier_one_and_the_truth_says_how_much():
    back, front = Square(70.0, 50.0, 36.0, 0.0), Square(88.0, 50.0, 36.0, 0.0)
    ground = np.full((120, 160), 30, np.uint8)
    frame, faces = composed(ground, [(0, disc_head(90), back), (1, disc_head(200), front)])
    assert frame[50, 80] == 200
    assert [face.person for face in faces] == [0, 1]
    assert 0.3 < faces[0].visible_share < 0.8
    assert faces[1].visible_share == pytest.approx(1.0, abs=0.02)


def test_a_face_half_out_of_the_picture_is_half_visible():
    _, (face,) = composed(np.zeros((120, 160), np.uint8), [(0, disc_head(), Square(0, 60, 60, 0))])
    assert face.visible_share == pytest.approx(0.5, abs=0.03)


def test_a_clip_depends_on_its_seed_only():
    heads = [disc_head(), disc_head(150)]
    first, again, other = (next(drawn_clip(heads, seed=s, people=2, frames=FPS)) for s in (1, 1, 2))
    assert first[0].shape == (720, 1280)
    assert [face.person for face in first[1]] == [0, 1]
    assert (first[0] == again[0]).all()
    assert (first[0] != other[0]).any()


def test_heads_are_read_from_the_last_file_and_only_faces(tmp_path):
    rows = [dict(ROW, is_back="1"), ROW, dict(ROW, yaw_deg="-50.0")]
    for first, level in ((0, 1), (500, 7)):
        np.savez(
            tmp_path / f"heads-3-{first:06d}-500.npz",
            grey=np.full((3, 8, 8), level, np.uint8),
            cover=np.full((3, 8, 8), 255, np.uint8),
            landmarks_xy=np.tile(np.array([[1, 4], [7, 4], [4, 5.5]], np.float32), (3, 1, 1)),
            rows=np.array([str(row).replace("'", '"') for row in rows]),
        )
    (head,) = read_cutouts(tmp_path, rule=RULE)
    assert head.grey[0, 0] == 7
    assert tuple(head.square) == pytest.approx((4, 4, 6, 0), abs=1e-4)


def test_a_folder_without_heads_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"must hold heads-\*\.npz"):
        read_cutouts(tmp_path, rule=RULE)


def test_a_row_is_of_one_face_and_a_second_on_it_is_too_many():
    truth = [TrueFace(0, UPRIGHT, 1.0, ROW)]
    shifted = box_of(UPRIGHT._replace(x=UPRIGHT.x + 10))
    assert matched_rows(truth, reported([shifted, box_of(UPRIGHT)], [1, 2]).boxes_xyxy) == {0: 1}
    score = Score()
    score.add(truth, reported([shifted, box_of(UPRIGHT)], [1, 2]), clip=1)
    assert (score.rows, score.rows_off_faces) == (2, 1)
    assert score.pairs == {((1, 0), (1, 2)): 1}


def test_a_face_is_in_view_again_from_the_first_frame_after_it_was_hidden():
    score = Score()
    for share in (1.0, 1.0, 0.3, 1.0):
        score.add([TrueFace(0, UPRIGHT, share, ROW)], reported([], []), clip=1)
    assert [one.frames_in_view for one in score.visible_faces] == [1, 2, 1]


def test_a_box_far_off_or_twice_as_large_finds_no_face():
    truth = [TrueFace(0, UPRIGHT, 1.0, ROW)]
    off = [UPRIGHT._replace(x=UPRIGHT.x + 30), UPRIGHT._replace(side=120.0)]
    score = Score()
    score.add(truth, reported([box_of(one) for one in off], [1, 2]), clip=1)
    assert [one.is_found for one in score.visible_faces] == [False]
    assert score.rows_off_faces == 2


def test_a_row_on_a_hidden_face_counts_neither_way():
    score = Score()
    score.add([TrueFace(0, UPRIGHT, 0.4, ROW)], reported([box_of(UPRIGHT)], [1]), clip=1)
    assert (score.visible_faces, score.rows, score.rows_off_faces) == ([], 0, 0)


def test_idf1_of_a_perfect_and_of_a_swapped_assignment():
    pytest.importorskip("scipy", reason="scipy is not installed (pip install 'rtau[train]')")
    perfect = Counter({("a", 1): 50, ("b", 2): 50})
    assert identity_f1(perfect, faces=100, rows=100) == 1
    swapped = Counter({("a", 1): 30, ("a", 2): 20, ("b", 2): 30, ("b", 1): 20})
    assert identity_f1(swapped, faces=100, rows=100) == pytest.approx(0.6)
    assert identity_f1(perfect, faces=100, rows=150) == pytest.approx(0.8)
    assert identity_f1(Counter(), faces=10, rows=0) == 0


def test_a_face_is_covered_by_what_lies_on_its_disc_inside_the_picture():
    covered = np.zeros((120, 160), np.uint8)
    covered[:, :40] = 1
    assert covered_share(Square(40, 60, 40, 0), covered) == pytest.approx(0.5, abs=0.03)
    assert covered_share(Square(0, 60, 40, 0), covered) == 1
    assert covered_share(Square(120, 60, 40, 0), covered) == 0


def test_a_turned_portrait_keeps_its_middle_and_has_no_black_border():
    picture = np.full((60, 80, 3), 90, np.uint8)
    picture[:30] = 210
    half = turned(picture, 90)  # clockwise: what was above is on the right
    assert half.min() == 90
    assert (half[30, 60, 0], half[30, 20, 0]) == (210, 90)


def test_a_portrait_is_found_by_a_large_box_in_the_middle():
    picture = np.zeros((100, 100, 3), np.uint8)
    boxes = {"face": [30, 30, 70, 70], "small": [45, 45, 57, 57], "aside": [0, 0, 40, 40]}
    shown = {
        name: shows_portrait(np.array([box], np.float32), picture) for name, box in boxes.items()
    }
    assert shown == {"face": True, "small": False, "aside": False}
