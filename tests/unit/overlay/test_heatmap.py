import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rtau.geometry import apply, frame_from_crop
from rtau.overlay.canvas import Canvas
from rtau.overlay.heatmap import Heatmap, HeatmapCache, colour_cam, draw_heatmap
from tests.support.pictures import AUS, CROP_PX, EMOTIONS, drawn_contract, drawn_result, spot_cams

BOX = [(100, 100, 300, 300)]


def result(probability_of, *, time_s=0.0, cams=True, ids=None, rows=1, at=(3, 3)):
    probabilities = np.full((rows, len(AUS)), 0.1, np.float32)
    for label, probability in probability_of.items():
        probabilities[:, AUS.index(label)] = probability
    return drawn_result(
        BOX * rows,
        width=400,
        height=400,
        time_s=time_s,
        ids=ids,
        probabilities=probabilities,
        cams=spot_cams(rows, at=at) if cams else None,
    )


def held(*results, selection="top"):
    heat = HeatmapCache(drawn_contract())
    for one in results:
        heat.update(one, selection=selection)
    return heat


def shown(heat, track_id=1):
    heat_map = heat.of(track_id)
    return None if heat_map is None else heat_map.label


def test_no_heat_is_seen_through_and_full_heat_is_not():
    none = colour_cam(np.zeros((7, 7), np.float32), scale=1.0)
    assert (none[:, :, 3] == 255).all()
    assert not none[:, :, :3].any()
    full = colour_cam(np.ones((7, 7), np.float32), scale=1.0)
    assert 100 < full[32, 32, 3] < 150
    assert (full[0, :, 3] > 240).all()


def test_heat_at_the_edge_shows_where_it_is_not_to_fade():
    cam = np.ones((7, 7), np.float32)

    faded, whole = colour_cam(cam, scale=1.0), colour_cam(cam, scale=1.0, fades_at_edge=False)

    assert (faded[0, :, 3] > 240).all()
    assert (whole[:, :, 3] == whole[32, 32, 3]).all()
    assert faded[32, 32, 3] == whole[32, 32, 3]


def test_values_above_the_scale_are_full_heat():
    one = colour_cam(np.full((7, 7), 2.0, np.float32), scale=2.0)
    more = colour_cam(np.full((7, 7), 50.0, np.float32), scale=2.0)
    assert np.array_equal(one, more)


def test_more_heat_is_brighter_in_every_step():
    # Within the visible part of the scale: brightness is ordered, as a colour map must be.
    bright = [
        colour_cam(np.full((7, 7), value, np.float32), scale=1.0)[32, 32, :3].sum()
        for value in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
    ]
    assert bright == sorted(bright)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(-30, 330),
    y=st.floats(-30, 330),
    side=st.floats(90, 420),
    cell=st.tuples(st.integers(2, 4), st.integers(2, 4)),
)
def test_the_hot_spot_lies_where_the_map_carries_it(x, y, side, cell):
    image = np.zeros((400, 400, 3), np.uint8)
    squares = np.array([[x, y, x + side, y + side]], np.float32)
    maps = frame_from_crop(squares, size=CROP_PX)
    cam = spot_cams(1, 1, at=cell)[0, 0]
    heat = Heatmap(label="AU12", layers=colour_cam(cam, scale=1.0))
    draw_heatmap(Canvas(image), heat, frame_from_crop=maps[0], crop_px=CROP_PX)
    centre = (np.array(cell, np.float32) + 0.5) * (CROP_PX / 7)
    expected = apply(maps, centre[None, None])[0, 0]
    reach = side / 7
    if (expected < reach).any() or (expected > 400 - reach).any():
        return
    weight = image.sum(axis=2).astype(float)
    ys, xs = np.mgrid[0:400, 0:400] + 0.5
    found = np.array([(weight * xs).sum(), (weight * ys).sum()]) / weight.sum()
    assert found == pytest.approx(expected, abs=max(1.0, side / 100))


def test_heat_off_the_frame_draws_nothing():
    image = np.full((50, 50, 3), 7, np.uint8)
    maps = frame_from_crop(np.array([[200, 200, 300, 300]], np.float32), size=CROP_PX)
    heat = Heatmap(label="AU12", layers=colour_cam(np.ones((7, 7), np.float32), scale=1.0))
    draw_heatmap(Canvas(image), heat, frame_from_crop=maps[0], crop_px=CROP_PX)
    assert (image == 7).all()


def test_none_shows_nothing():
    assert shown(held(result({"AU12": 0.9}), selection="none")) is None


def test_a_chosen_au_is_shown_whatever_its_probability():
    assert shown(held(result({"AU12": 0.9}), selection="AU04")) == "AU04"


def test_top_is_the_most_probable_active_au():
    assert shown(held(result({"AU12": 0.7, "AU06": 0.9}))) == "AU06"


def test_top_without_an_active_au_draws_nothing():
    heat = held(result({"AU25": 0.4}))
    assert shown(heat) is None
    heat.update(result({"AU25": 0.9}, time_s=0.1), selection="top")
    assert shown(heat) == "AU25"
    # Also in the frames between two refreshes.
    heat.update(result({"AU25": 0.4}, time_s=0.14, cams=False), selection="top")
    assert shown(heat) is None
    heat.update(result({"AU25": 0.9}, time_s=0.2), selection="top")
    assert shown(heat) == "AU25"


def test_top_is_kept_between_refreshes():
    heat = held(result({"AU12": 0.9}), result({"AU04": 0.99}, time_s=0.04, cams=False))
    assert shown(heat) == "AU12"


def test_a_close_second_does_not_take_over_at_a_refresh_and_a_clear_lead_does():
    heat = held(result({"AU12": 0.80}), result({"AU12": 0.78, "AU06": 0.84}, time_s=0.1))
    assert shown(heat) == "AU12"
    heat.update(result({"AU12": 0.6, "AU06": 0.9}, time_s=0.2), selection="top")
    assert shown(heat) == "AU06"


def test_an_au_that_is_no_longer_active_gives_way():
    heat = held(result({"AU12": 0.55}), result({"AU12": 0.45, "AU06": 0.52}, time_s=0.1))
    assert shown(heat) == "AU06"


def test_another_choice_shows_at_once_from_the_held_cams():
    heat = held(result({"AU12": 0.9}))
    heat.update(result({"AU12": 0.9}, time_s=0.04, cams=False), selection="AU01")
    assert shown(heat) == "AU01"
    heat.update(result({"AU12": 0.9}, time_s=0.08, cams=False), selection="none")
    assert shown(heat) is None


def test_lost_faces_are_forgotten_and_short_gaps_are_not():
    heat = held(result({"AU12": 0.9}))
    heat.update(result({}, time_s=0.5, cams=False, rows=0, ids=[]), selection="top")
    assert shown(heat) == "AU12"
    heat.update(result({}, time_s=2.0, cams=False, rows=0, ids=[]), selection="top")
    assert shown(heat) is None


def test_emotions_have_no_thresholds_and_a_top_all_the_same():
    heat = HeatmapCache(drawn_contract(EMOTIONS, "multi_class"))
    probabilities = [[0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1]]
    heat.update(
        drawn_result(
            BOX, labels=EMOTIONS, task="multi_class", probabilities=probabilities,
            cams=spot_cams(1, len(EMOTIONS)),
        ),
        selection="top",
    )  # fmt: skip
    assert shown(heat) == "happiness"


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match="AU99"):
        held(result({}), selection="AU99")
