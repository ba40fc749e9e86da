import numpy as np
import pytest

from rtau.decisions import Decider
from rtau.errors import EngineError
from rtau.pipeline import HeatmapSchedule, Pipeline
from tests.support.doubles import (
    CountingEngine,
    FixedDetector,
    brightness_logits,
    make_contract,
    make_frame,
    make_tracker,
)


def make_pipeline(engine=None, *, detector=None, heatmaps=None):
    engine = engine or CountingEngine()
    return Pipeline(
        tracker=make_tracker(detector),
        engine=engine,
        decider=Decider(engine.contract),
        heatmaps=heatmaps,
    )


FACES = ((40, 30, 100, 90), (5, 5, 45, 45))


def test_n_frames_at_once_equal_n_times_one():
    frames = [make_frame(k) for k in range(7)]
    together = make_pipeline(detector=FixedDetector(FACES)).step(frames)
    pipeline = make_pipeline(detector=FixedDetector(FACES))
    alone = [pipeline.step([frame])[0] for frame in frames]

    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.scores.logits, other.scores.logits)
        np.testing.assert_array_equal(one.active, other.active)
        np.testing.assert_array_equal(one.faces.track_ids, other.faces.track_ids)
        np.testing.assert_array_equal(one.frame_from_crop, other.frame_from_crop)
        assert one.frame is other.frame


def test_all_faces_of_all_frames_go_through_the_network_in_one_batch():
    engine = CountingEngine()

    make_pipeline(engine, detector=FixedDetector(FACES)).step([make_frame(k) for k in range(3)])

    assert engine.batches == [(6, False)]


def test_every_frame_has_scores_of_its_own_pixels():
    """No score may be repeated: each equals the engine's answer to that frame's own crop."""
    frames = [make_frame(k) for k in range(4)]
    results = make_pipeline().step(frames)
    logits = np.concatenate([result.scores.logits for result in results])

    assert len(np.unique(logits[:, 0])) == 4
    alone = [make_pipeline().step([frame])[0].scores.logits for frame in frames]
    np.testing.assert_array_equal(logits, np.concatenate(alone))


def test_a_frame_without_faces_has_an_empty_result():
    result = make_pipeline(detector=FixedDetector(())).step([make_frame()])[0]

    assert len(result.faces) == 0
    assert result.scores.logits.shape == (0, 3)
    assert result.active.shape == (0, 3)


def test_no_frames_no_results():
    assert make_pipeline().step([]) == []


def test_a_face_too_small_to_crop_is_left_out_of_every_field():
    detector = FixedDetector(((120, 100, 124, 104), (40, 30, 100, 90)))
    result = make_pipeline(detector=detector).step([make_frame()])[0]

    assert len(result.faces) == len(result.scores) == len(result.active) == 1
    np.testing.assert_allclose(result.faces.boxes_xyxy, [[40, 30, 100, 90]])


def test_heatmaps_are_computed_only_when_due():
    engine = CountingEngine()
    pipeline = make_pipeline(engine, heatmaps=HeatmapSchedule(10.0, wanted=lambda: True))
    results = pipeline.step([make_frame(k, fps=25.0) for k in range(26)])

    refreshed = [k for k, result in enumerate(results) if result.scores.cams is not None]
    assert len(refreshed) in (10, 11)
    assert sum(rows for rows, cams in engine.batches if cams) == len(refreshed)
    assert sum(rows for rows, _ in engine.batches) == 26


def test_without_a_schedule_the_engine_is_never_asked_for_cams():
    engine = CountingEngine()
    make_pipeline(engine).step([make_frame(k) for k in range(5)])

    assert not any(cams for _, cams in engine.batches)


def test_a_schedule_asks_each_time_whether_heatmaps_are_wanted():
    on = [False]
    schedule = HeatmapSchedule(10.0, wanted=lambda: on[0])
    assert not schedule.due(0.0)
    on[0] = True
    assert schedule.due(0.01)
    assert not schedule.due(0.05)


@pytest.mark.parametrize("fps", [8.0, 24.0, 25.0, 29.97, 30.0, 60.0])
def test_the_refresh_rate_holds_at_any_frame_rate(fps):
    schedule = HeatmapSchedule(10.0, wanted=lambda: True)
    seconds = 20
    due = sum(schedule.due(k / fps) for k in range(int(seconds * fps)))

    assert due / seconds == pytest.approx(min(10.0, fps), rel=0.03)


def test_a_pause_in_the_stream_does_not_make_heatmaps_catch_up():
    schedule = HeatmapSchedule(10.0, wanted=lambda: True)
    assert schedule.due(0.0)
    assert schedule.due(60.0)
    assert not schedule.due(60.05)


def test_non_finite_logits_stop_the_run_and_name_the_label():
    engine = CountingEngine(make_contract())
    engine._logits_of = lambda crops: brightness_logits(crops) * np.float32(np.nan)

    with pytest.raises(EngineError, match="logits must be finite, got nan for AU01"):
        make_pipeline(engine).step([make_frame()])


def test_stage_times_are_there_for_every_frame():
    results = make_pipeline().step([make_frame(k) for k in range(2)])

    assert all(set(r.stage_s) == {"find", "crop", "infer", "decide"} for r in results)
    assert all(seconds >= 0 for r in results for seconds in r.stage_s.values())
