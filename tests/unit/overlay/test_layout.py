import itertools

import numpy as np
import pytest

from rtau.overlay._layout import SIZE_STEPS, PanelLayout, Scene
from rtau.overlay._placement import Area

AREA = Area(width=1280, height=720, margin=8)


def scene(boxes, *, time_s=0.0, ids=None, chips=(80, 20), area=AREA):
    blocks = np.array(boxes, np.int32).reshape(-1, 4)
    return Scene(
        blocks=blocks,
        track_ids=list(range(1, len(blocks) + 1)) if ids is None else ids,
        panel_size=lambda step: (round(330 * step.scale), 12 * step.row_px(720)),
        chips_size=lambda row, step: chips,
        area=area,
        time_s=time_s,
    )


def forms(placements):
    return [placement.form for placement in placements]


ONE = [(500, 200, 760, 480)]
CROWD = [(x, y, x + 180, y + 200) for y in (60, 420) for x in (100, 540, 960)]


def test_one_face_with_room_gets_a_panel():
    assert forms(PanelLayout().arrange(scene(ONE))) == ["panel"]


def test_a_large_face_gets_a_larger_panel():
    assert PanelLayout().arrange(scene([(400, 100, 760, 560)]))[0].step.scale > 1


def test_small_faces_get_chips_beside_a_large_one_with_a_panel():
    placements = PanelLayout().arrange(scene([*ONE, (1000, 600, 1040, 640)]))
    assert forms(placements) == ["panel", "chips"]


def test_a_crowd_gets_a_smaller_form_for_everyone():
    assert len(set(forms(PanelLayout().arrange(scene(CROWD))))) == 1
    assert forms(PanelLayout().arrange(scene(CROWD)))[0] == "chips"


def test_a_smaller_form_comes_at_once_and_a_larger_one_after_patience():
    layout = PanelLayout()
    layout.arrange(scene(ONE))
    crowded = layout.arrange(scene(CROWD, time_s=1.0))
    assert "panel" not in forms(crowded)
    seen = [
        forms(layout.arrange(scene(CROWD[:1], time_s=1.0 + step / 10)))[0] for step in range(1, 31)
    ]
    assert seen[0] == forms(crowded)[0]
    assert seen[-1] == "panel"
    assert sum(one != other for one, other in itertools.pairwise(seen)) == 1
    assert 8 <= seen.index("panel") <= 22


def test_a_face_that_trembles_leaves_its_panel_alone():
    layout = PanelLayout()
    first = layout.arrange(scene(ONE))[0].rect.tolist()
    for step in range(1, 9):
        moved = np.array(ONE) + (step % 3 - 1)
        assert layout.arrange(scene(moved, time_s=step / 25))[0].rect.tolist() == first


def test_a_face_that_walks_takes_its_panel_along():
    layout = PanelLayout()
    first = layout.arrange(scene(ONE))[0].rect[0]
    for step in range(1, 11):
        placements = layout.arrange(
            scene(np.add(ONE, [10 * step, 0, 10 * step, 0]), time_s=step / 25)
        )
    assert placements[0].rect[0] - first == pytest.approx(100, abs=AREA.margin)


def test_a_panel_keeps_its_side_while_it_can():
    layout = PanelLayout()
    layout.arrange(scene([(880, 200, 1140, 480)]))
    placement = layout.arrange(scene([(560, 200, 820, 480)], time_s=0.1))[0]
    assert placement.rect[2] <= 560  # began on the left, where alone there was room


def test_no_faces_is_no_work():
    assert PanelLayout().arrange(scene([])) == []


def test_the_same_scenes_give_the_same_stands():
    runs = []
    for _ in range(2):
        layout = PanelLayout()
        runs.append([layout.arrange(scene(CROWD, time_s=t / 5))[2].rect.tolist() for t in range(8)])
    assert runs[0] == runs[1]


def test_a_frame_too_small_for_anything_still_has_a_stand():
    tiny = Area(width=20, height=16, margin=3)
    placement = PanelLayout().arrange(scene([(0, 0, 20, 16)], area=tiny))[0]
    assert placement.form == "chips"


def test_the_ladder_goes_down():
    rows = [step.row_px(720) for step in SIZE_STEPS if step.form == "panel"]
    assert rows == sorted(rows, reverse=True)
    assert all(step.row_px(360) >= 11 for step in SIZE_STEPS if step.form != "chips")
    assert all(step.cap_px(360) >= 7 for step in SIZE_STEPS)
    assert SIZE_STEPS[1].row_px(2160) == pytest.approx(3 * SIZE_STEPS[1].row_px(720), abs=2)


def test_a_face_that_is_lost_for_a_moment_finds_its_panel_where_it_was():
    layout = PanelLayout()
    layout.arrange(scene([(700, 200, 1200, 640)]))  # no room on the right
    near = [(480, 200, 720, 440)]  # room on both sides
    kept = layout.arrange(scene(near, time_s=0.1))[0]
    assert kept.rect[2] <= 480
    layout.arrange(scene(near, time_s=0.2, ids=[7]))  # another face there, for one frame
    assert layout.arrange(scene(near, time_s=0.3))[0].rect[2] <= 480
    assert layout.arrange(scene(near, time_s=9.0))[0].rect[2] <= 480
    layout.arrange(scene(near, time_s=20.0, ids=[8]))  # long gone: the best side again
    assert layout.arrange(scene(near, time_s=20.1))[0].rect[0] >= 720
