import dataclasses

import pytest

from rtau.config import RunConfig, build
from rtau.errors import SinkError, UsageError
from rtau.runs.bench import stages
from rtau.runs.bench.clips import compose
from rtau.runs.bench.metrics import time_step
from rtau.runs.bench.runs import KINDS, Tally, run_file
from rtau.runs.bench.stages import Stages, make_scene
from tests.support.commands import EXAMPLE
from tests.support.doubles import CountingEngine, make_contract
from tests.support.media import write_clip

pytestmark = pytest.mark.needs_onnxruntime

CONFIG = build({("overlay", "heatmap"): "top"})


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "faces-2.mp4"
    compose(EXAMPLE, path, faces=2, size=(640, 360), frames=16)
    return path


def test_every_stage_can_be_called_again_and_again(clip, tmp_path):
    engine = CountingEngine()
    scene = make_scene(clip, engine, config=CONFIG, frames=6)
    assert scene.faces == 2
    engine.batches.clear()
    with Stages(scene, engine, folder=tmp_path) as opened:
        steps = {step.name: step for step in opened.steps()}
        for step in steps.values():
            assert len(time_step(step, seconds=0, warm_ups=0, least=8)) == 8
    rows = {size for size, _ in engine.batches}
    assert {1, 4, 8, 16, 32} <= rows
    assert steps[stages.INFER].batch == 8  # two faces, four frames
    assert (tmp_path / "stage.csv").stat().st_size > 0
    assert (tmp_path / "stage.mp4").stat().st_size > 0


def test_a_model_without_heatmaps_has_no_stages_of_them(clip, tmp_path):
    engine = CountingEngine(make_contract(cam_method=None, cam_scale=None))
    scene = make_scene(clip, engine, config=RunConfig(), frames=2)
    with Stages(scene, engine, folder=tmp_path) as opened:
        names = [step.name for step in opened.steps()]
    assert stages.HEATMAP not in names
    assert stages.INFER_CAMS not in names


def test_a_clip_without_a_face_gives_no_scene(tmp_path):
    empty = write_clip(tmp_path / "empty.mp4", count=4)
    with pytest.raises(UsageError, match=r"empty.mp4: no face was found in its first 4 frames"):
        make_scene(empty, CountingEngine(), config=RunConfig())


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_does_its_work_and_says_how_much(clip, tmp_path, kind):
    engine = CountingEngine()
    cost = run_file(kind, clip, engine, config=CONFIG, folder=tmp_path)
    assert cost.units == 16
    assert cost.fps == pytest.approx(1000 / cost.ms)
    with_cams = [cams for rows, cams in engine.batches if rows]
    if kind == "bare video":
        assert (cost.faces, with_cams) == (0, [])
        return
    assert cost.faces > 1.5
    asked = {"table": {False}, "table with heatmaps": {True}, "video": {False, True}}
    assert set(with_cams) == asked[kind]


def test_a_run_without_the_heatmaps_that_were_asked_for_is_an_error(clip):
    scene = make_scene(clip, CountingEngine(), config=RunConfig(), frames=1)
    (result,) = scene.results
    assert result.scores.cams is None
    tally = Tally(wants_cams=True)
    with pytest.raises(SinkError, match="must have heatmaps and has none"):
        tally.write(dataclasses.replace(result), None)
