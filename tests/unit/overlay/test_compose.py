import dataclasses

import numpy as np
import pytest

from rtau.overlay.compose import Composer, OverlayOptions, header_px
from rtau.status import ViewControls
from tests.support.pictures import AUS, EMOTIONS, drawn_contract, drawn_result, spot_cams

FACE = (500, 200, 700, 400)
SIX = [(x, y, x + 150, y + 150) for y in (90, 450) for x in (120, 520, 920)]


def compose(result, contract=None, **options):
    return Composer(contract or drawn_contract(), options=OverlayOptions(**options)).compose(result)


def changed(image, result):
    return (image != result.frame.image_bgr).any(axis=2)


def test_the_picture_is_new_read_only_and_the_frame_is_untouched():
    result = drawn_result([FACE])
    before = result.frame.image_bgr.copy()
    image = compose(result, heatmap="top", blur=True)
    assert image.dtype == np.uint8
    assert image.shape == result.frame.image_bgr.shape
    assert not image.flags.writeable
    assert np.array_equal(result.frame.image_bgr, before)
    assert changed(image, result).any()


def test_a_frame_without_faces_is_left_as_it_is():
    result = drawn_result([])
    assert np.array_equal(compose(result, heatmap="top", blur=True), result.frame.image_bgr)


def test_landmarks_are_drawn_where_they_are_asked_for():
    result = drawn_result([FACE])
    points = np.full((1, 68, 2), 30.0, np.float32)
    scores = dataclasses.replace(result.scores, landmarks_xy=points)
    pointed = dataclasses.replace(result, scores=scores)
    x, y = pointed.landmarks_xy[0, 0].astype(int)

    assert changed(compose(pointed, points=True), result)[y - 2 : y + 3, x - 2 : x + 3].any()
    assert np.array_equal(compose(pointed), compose(result))
    assert np.array_equal(compose(result, points=True), compose(result))


def test_readings_stand_beside_the_face():
    result = drawn_result([FACE])
    assert not changed(compose(result), result)[230:390, 530:670].any()


@pytest.mark.parametrize("size", [(1, 1), (16, 12), (64, 48), (639, 361), (3840, 2160)])
def test_any_frame_size_and_boxes_reaching_out_of_it(size):
    width, height = size
    boxes = [(-5, -5, width * 0.6 + 1, height * 0.8 + 1), (width * 0.5, 0, width + 9, height)]
    result = drawn_result(boxes, width=width, height=height, cams=spot_cams(2))
    image = compose(result, heatmap="top", blur=True, header=True)
    assert image.shape == (height, width, 3)


@pytest.mark.parametrize("boxes", [[(5, 5, 6, 6)], [(0, 0, 1280, 720)], [(7, 7, 7, 7)], SIX * 4])
def test_faces_of_any_size_and_number(boxes):
    boxes = np.asarray(boxes, float) + np.arange(len(boxes))[:, None]
    assert compose(drawn_result(boxes)).shape == (720, 1280, 3)


def test_a_face_that_sways_between_narrow_margins_keeps_its_panel_on_one_side():
    composer, sides = Composer(drawn_contract()), []
    for index in range(0, 150, 3):  # 6 s at 25 fps
        x = 216 + 12 * np.cos(index / 24)  # a panel is 202 px wide: no room for it at either end
        result = drawn_result([(x, 60, x + 224, 290)], width=640, height=360, index=index)
        drawn = changed(composer.compose(result), result)
        sides.append(
            (drawn[:, : round(x) - 20].sum() > 9999, drawn[:, round(x) + 244 :].sum() > 9999)
        )
    assert set(sides) == {sides[0]}
    assert sum(sides[0]) == 1


def test_six_faces_are_covered_by_nothing_but_their_boxes():
    result = drawn_result(SIX)
    drawn = changed(compose(result), result)
    for x0, y0, x1, y1 in SIX:
        assert not drawn[y0 + 40 : y1 - 8, x0 + 8 : x1 - 8].any()
        assert drawn[y0 - 4 : y1 + 4, x0 - 4 : x1 + 4].any()


def test_bars_can_be_left_out():
    result = drawn_result([FACE])
    assert (
        changed(compose(result, bars=False), result).sum()
        < 0.3 * changed(compose(result), result).sum()
    )


def test_heat_lies_on_the_face_only_when_asked():
    result = drawn_result([FACE], cams=spot_cams(1))
    middle = (slice(303, 318), slice(593, 608))
    assert not changed(compose(result), result)[middle].any()
    assert changed(compose(result, heatmap="AU12"), result)[middle].all()


def test_held_heat_follows_the_face():
    composer = Composer(drawn_contract(), options=OverlayOptions(heatmap="AU12", bars=False))
    composer.compose(drawn_result([FACE], cams=spot_cams(1)))
    moved = drawn_result([np.add(FACE, [200, 0, 200, 0])], index=1)
    drawn = changed(composer.compose(moved), moved)
    assert drawn[300, 800]
    assert not drawn[250:350, 540:640].any()


def test_blur_hides_the_face_and_leaves_the_readings():
    result = drawn_result([FACE], tentative=[(60, 60, 160, 160)])
    image = compose(result, blur=True)
    sharp = compose(result)
    assert changed(image, result)[100:120, 100:120].any()
    assert not changed(sharp, result)[100:120, 100:120].any()
    face = image[220:380, 520:680].astype(int)
    assert np.abs(np.diff(face, axis=0)).max() < 12
    assert np.array_equal(image[300, 800:1050], sharp[300, 800:1050])


def test_emotions_are_drawn_like_aus():
    result = drawn_result([FACE], labels=EMOTIONS, task="multi_class")
    contract = drawn_contract(EMOTIONS, "multi_class", cams=False)
    assert changed(compose(result, contract), result).any()


def test_a_header_keeps_its_strip_free():
    result = drawn_result([(500, 4, 700, 200)])
    drawn = changed(compose(result, header=True), result)
    assert not drawn[: header_px(720) - 2, 740:].any()


def test_controls_go_before_options_and_work_at_once():
    controls = ViewControls(cam_labels=AUS, bars=True)
    composer = Composer(drawn_contract(), options=OverlayOptions(bars=False), controls=controls)
    assert composer.options.bars
    controls.step_heatmap(1)
    controls.toggle_bars()
    assert (composer.options.heatmap, composer.options.bars) == ("top", False)


def test_two_runs_draw_the_same():
    results = [drawn_result(np.array(SIX) + k, index=k, cams=spot_cams(6)) for k in range(3)]
    runs = []
    for _ in range(2):
        composer = Composer(drawn_contract(), options=OverlayOptions(heatmap="top"))
        runs.append([composer.compose(result) for result in results])
    assert all(np.array_equal(one, other) for one, other in zip(*runs, strict=True))
