import itertools

import numpy as np
import pytest

from rtau.overlay._layout import LADDER, Arranger, Scene
from rtau.overlay._placement import Area

AREA = Area(width=1280, height=720, margin=8)


def scene(boxes, *, time_s=0.0, ids=None, chips=(80, 20), area=AREA):
    blocks = np.array(boxes, np.int32).reshape(-1, 4)
    widths = {"words": 330, "codes": 180}
    return Scene(
        blocks=blocks,
        track_ids=list(range(1, len(blocks) + 1)) if ids is None else ids,
        panel_size=lambda rung: (round(widths[rung.form] * rung.scale), 12 * rung.row_px(720)),
        chips_size=lambda row, rung: chips,
        area=area,
        time_s=time_s,
    )


def forms(stands):
    return [stand.form for stand in stands]


ONE = [(500, 200, 760, 480)]
CROWD = [(x, y, x + 180, y + 200) for y in (60, 420) for x in (100, 540, 960)]


def test_one_face_with_room_gets_words():
    assert forms(Arranger().arrange(scene(ONE))) == ["words"]


def test_a_large_face_gets_a_larger_panel():
    assert Arranger().arrange(scene([(400, 100, 760, 560)]))[0].rung.scale > 1


def test_small_faces_get_chips_beside_a_large_one_with_a_panel():
    stands = Arranger().arrange(scene([*ONE, (1000, 600, 1040, 640)]))
    assert forms(stands) == ["words", "chips"]


def test_a_crowd_gets_a_smaller_form_for_everyone():
    assert len(set(forms(Arranger().arrange(scene(CROWD))))) == 1
    assert forms(Arranger().arrange(scene(CROWD)))[0] != "words"


def test_a_smaller_form_comes_at_once_and_a_larger_one_after_patience():
    arranger = Arranger()
    arranger.arrange(scene(ONE))
    crowded = arranger.arrange(scene(CROWD, time_s=1.0))
    assert "words" not in forms(crowded)
    seen = [
        forms(arranger.arrange(scene(CROWD[:1], time_s=1.0 + step / 10)))[0]
        for step in range(1, 31)
    ]
    assert seen[0] == forms(crowded)[0]
    assert seen[-1] == "words"
    assert sum(one != other for one, other in itertools.pairwise(seen)) == 1
    assert 8 <= seen.index("words") <= 22


def test_a_face_that_trembles_leaves_its_panel_alone():
    arranger = Arranger()
    first = arranger.arrange(scene(ONE))[0].rect.tolist()
    for step in range(1, 9):
        moved = np.array(ONE) + (step % 3 - 1)
        assert arranger.arrange(scene(moved, time_s=step / 25))[0].rect.tolist() == first


def test_a_face_that_walks_takes_its_panel_along():
    arranger = Arranger()
    first = arranger.arrange(scene(ONE))[0].rect[0]
    for step in range(1, 11):
        stands = arranger.arrange(
            scene(np.add(ONE, [10 * step, 0, 10 * step, 0]), time_s=step / 25)
        )
    assert stands[0].rect[0] - first == pytest.approx(100, abs=AREA.margin)


def test_a_panel_keeps_its_side_while_it_can():
    arranger = Arranger()
    arranger.arrange(scene([(880, 200, 1140, 480)]))
    stand = arranger.arrange(scene([(560, 200, 820, 480)], time_s=0.1))[0]
    assert stand.rect[2] <= 560  # began on the left, where alone there was room


def test_no_faces_is_no_work():
    assert Arranger().arrange(scene([])) == []


def test_the_same_scenes_give_the_same_stands():
    runs = []
    for _ in range(2):
        arranger = Arranger()
        runs.append(
            [arranger.arrange(scene(CROWD, time_s=t / 5))[2].rect.tolist() for t in range(8)]
        )
    assert runs[0] == runs[1]


def test_a_frame_too_small_for_anything_still_has_a_stand():
    tiny = Area(width=20, height=16, margin=3)
    stand = Arranger().arrange(scene([(0, 0, 20, 16)], area=tiny))[0]
    assert stand.form == "chips"


def test_the_ladder_goes_down():
    rows = [rung.row_px(720) for rung in LADDER if rung.form == "words"]
    assert rows == sorted(rows, reverse=True)
    assert all(rung.row_px(360) >= 11 for rung in LADDER if rung.form != "chips")
    assert all(rung.cap_px(360) >= 7 for rung in LADDER)
    assert LADDER[1].row_px(2160) == pytest.approx(3 * LADDER[1].row_px(720), abs=2)
