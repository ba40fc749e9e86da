import pytest

from rtau.status import ViewControls, ViewStatus, clock, progress_parts, speed_parts


def status(**changes):
    values = {
        "source": "clip.mp4",
        "model": "m",
        "device": "cpu",
        "is_live": False,
        "frames_done": 30,
        "frames_total": 120,
        "fps": 15.0,
    }
    return ViewStatus(**{**values, **changes})


def test_share_and_time_left_come_from_the_declared_frames():
    assert status().fraction_done == 0.25
    assert status().remaining_s == 6.0


@pytest.mark.parametrize("total", [None, 0])
def test_without_a_known_end_nothing_is_promised(total):
    assert status(frames_total=total).fraction_done is None
    assert status(frames_total=total).remaining_s is None
    assert status(is_live=True).fraction_done is None


def test_more_frames_than_declared_is_all_and_no_time_left():
    late = status(frames_done=130)
    assert (late.fraction_done, late.remaining_s) == (1.0, 0.0)


def test_speed_names_losses_where_there_can_be_any():
    assert speed_parts(status()) == ["15.0 fps"]
    assert speed_parts(status(fps=None, is_live=True)) == ["-- fps", "dropped 0"]
    parts = speed_parts(status(latency_p50_s=0.0204, latency_p95_s=0.05, dropped=2, corrupt=1))
    assert parts == ["15.0 fps", "latency 20 ms, p95 50 ms", "dropped 2", "corrupt 1"]


def test_progress_counts_down_or_up():
    assert progress_parts(status()) == ["25%", "30 of 120 frames", "0:06 left"]
    live = status(is_live=True, elapsed_s=61)
    assert progress_parts(live) == ["30 frames", "1:01"]


@pytest.mark.parametrize(("seconds", "shown"), [(7, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_durations_read_like_a_clock(seconds, shown):
    assert clock(seconds) == shown


def test_heatmaps_go_round_and_off_and_on_again():
    controls = ViewControls(cam_labels=("AU01", "AU12"))
    seen = []
    for _ in range(4):
        controls.step_heatmap(1)
        seen.append(controls.heatmap)
    assert seen == ["top", "AU01", "AU12", "none"]
    controls.step_heatmap(-1)
    controls.toggle_heatmap()
    assert controls.heatmap == "none"
    controls.toggle_heatmap()
    assert controls.heatmap == "AU12"


def test_a_model_without_cams_has_no_heatmap_to_choose():
    controls = ViewControls()
    controls.step_heatmap(1)
    controls.toggle_heatmap()
    assert controls.heatmap == "none"
    assert not controls.has_heatmaps


def test_an_unknown_heatmap_is_refused():
    with pytest.raises(ValueError, match="AU99"):
        ViewControls(cam_labels=("AU12",), heatmap="AU99")


def test_bars_and_status_line_toggle():
    controls = ViewControls()
    controls.toggle_bars()
    controls.toggle_header()
    assert (controls.bars, controls.header) == (False, True)
