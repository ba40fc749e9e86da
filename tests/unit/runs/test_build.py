import numpy as np
import pytest

from rtau.config import build
from rtau.errors import UsageError
from rtau.runs.build import (
    build_pipeline,
    build_runner,
    check_tables,
    heatmap_schedule,
    shown_decisions,
    table_rows,
    tracking_policy,
    view_controls,
)
from rtau.sinks.csv_file import CsvSink
from tests.support.doubles import (
    LANDMARK_RULE,
    CountingEngine,
    KeepingSink,
    ListSource,
    make_contract,
    make_frame,
)
from tests.support.results import make_result


def config(**values):
    return build({tuple(key.split("__")): value for key, value in values.items()})


def test_blurred_faces_need_full_frame_detection_in_every_frame():
    assert tracking_policy(config(), is_sequence=True).detect_every_s == 0.3
    assert tracking_policy(config(overlay__blur=True), is_sequence=True).detect_every_s == 0


@pytest.mark.parametrize("is_sequence", [True, False])
def test_who_stands_behind_a_known_face_is_looked_for_where_all_faces_are_hidden(is_sequence):
    assert tracking_policy(config(), is_sequence=is_sequence).blanks_known
    hidden = config(overlay__blur=True)
    assert not tracking_policy(hidden, is_sequence=is_sequence).blanks_known


@pytest.mark.parametrize("is_sequence", [True, False])
def test_limits_on_faces_hold_for_videos_and_images(is_sequence):
    asked = config(find__min_confidence=0.8, find__max_faces=2)
    policy = tracking_policy(asked, is_sequence=is_sequence)
    assert (policy.min_presence, policy.max_faces) == (0.8, 2)
    assert policy.is_sequence is is_sequence


def test_a_heatmap_the_model_lacks_is_refused():
    with pytest.raises(UsageError, match="--heatmap must be one of none, top, AU01"):
        view_controls(config(overlay__heatmap="AU99"), make_contract())
    bare = make_contract(cam_method=None, cam_scale=None)
    with pytest.raises(UsageError, match="test-au3 has no CAM output"):
        view_controls(config(overlay__heatmap="top"), bare)


def test_a_model_without_heatmaps_has_no_schedule():
    bare = make_contract(cam_method=None, cam_scale=None)
    assert heatmap_schedule(config(), view_controls(config(), bare)) is None


@pytest.mark.needs_onnxruntime
def test_the_settings_reach_the_runner():
    engine, sink = CountingEngine(), KeepingSink(wants_overlay=True)
    settings = config(overlay__heatmap="top", overlay__heatmap_hz=1000.0, source__max_frames=5)
    runner = build_runner(
        ListSource([make_frame(k) for k in range(9)]),
        engine,
        config=settings,
        controls=view_controls(settings, engine.contract),
        sinks=[sink],
    )
    assert runner.run().frames_done == 5
    assert len(sink.images) == 5
    assert all(with_cams for _, with_cams in engine.batches)


@pytest.mark.parametrize(
    ("asked", "value"),
    [("output__landmarks", True), ("overlay__points", True)],
)
def test_landmarks_of_a_model_without_them_are_refused(asked, value):
    settings = config(**{asked: value})
    check_tables(settings, make_contract(landmarks=LANDMARK_RULE))
    check_tables(config(), make_contract())

    with pytest.raises(UsageError, match="needs a model with landmarks, got test-au3"):
        check_tables(settings, make_contract())


def test_sides_of_a_model_that_tells_none_are_refused():
    settings = config(output__sides=True)
    scale = ((0.1, 0.2, 0.5, 0.7, 0.8, 0.9),) * 3
    told = make_contract(intensity_scale=scale, sides=("AU12",), side_gains=(0.2,))
    check_tables(settings, told)

    with pytest.raises(UsageError, match="--sides needs a model whose sides were measured"):
        check_tables(settings, make_contract(intensity_scale=scale))


def test_openfaces_table_needs_intensities():
    with pytest.raises(UsageError, match="--csv-style openface needs a model with intensities"):
        check_tables(config(output__csv_style="openface"), make_contract())


def test_recorded_faces_replace_tracking(tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text("frame,face_id,face_x,face_y,face_w,face_h\n2,7,10,20,40,40\n")
    engine, settings = CountingEngine(), config(find__faces=path)
    pipeline = build_pipeline(
        engine, config=settings, controls=view_controls(settings, engine.contract)
    )
    found = pipeline.step([make_frame(k) for k in range(3)])
    assert [list(result.track_ids) for result in found] == [[], [7], []]


def test_the_table_of_a_run_has_the_columns_of_its_contract(tmp_path):
    CsvSink(tmp_path / "a.csv", table_rows(make_contract())).close()
    assert "AU12_p" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def probabilities(values):
    """Results of one face whose three labels have one probability each frame, 25 a second."""
    for index, p in enumerate(values):
        yield make_result(index, logits=np.full((1, 3), np.log(p / (1 - p))))


def shown(values, **asked):
    asked_of = config(**asked)
    decided = shown_decisions(asked_of, make_contract(thresholds=(0.5, 0.5, 0.5)), is_sequence=True)
    return [bool(decided(result).active[0, 0]) for result in probabilities(values)]


def test_views_show_no_flicker_and_follow_a_step_after_a_while():
    flicker = [0.1] * 10 + [0.6] + [0.1] * 10 + [0.9] * 20 + [0.45, 0.55] * 5
    raw = [p >= 0.5 for p in flicker]
    steady = shown(flicker)
    assert not any(steady[:21])
    onset = steady.index(True)
    assert 21 < onset <= 21 + 6  # 240 ms at most
    assert all(steady[onset:])
    assert shown(flicker, decide__steady=False) == raw


def test_what_is_asked_of_the_tables_is_what_views_show():
    decided = [make_result(k, logits=np.full((1, 3), 2.0)) for k in range(4)]
    for asked in ({"decide__smooth": 1.0}, {"decide__hysteresis": 0.2}):
        same = shown_decisions(config(**asked), make_contract(), is_sequence=True)
        assert [same(result) for result in decided] == decided
    images = shown_decisions(config(), make_contract(), is_sequence=False)
    assert [images(result) for result in decided] == decided
