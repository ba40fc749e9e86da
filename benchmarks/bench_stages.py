"""Times every stage of a run alone, on 1, 2, 4 and 8 faces at three sizes: `make bench`.

The stages come from `rtau.runs.bench.stages`, which `rtau bench` times too. Times hold for the
machine they were measured on; slow is no failure.
"""

from __future__ import annotations

import pytest

from rtau.runs.bench import stages
from rtau.runs.bench.stages import Stages, make_scene

NAMES = (
    stages.DECODE,
    stages.DETECT,
    stages.ALIGN,
    stages.FIND,
    stages.CROP,
    *map(stages.infer_name, stages.BATCHES),
    stages.INFER,
    stages.INFER_CAMS,
    stages.DECIDE,
    stages.WRITE,
    stages.HEATMAP,
    stages.DRAW,
    stages.OVERLAY,
    stages.ENCODE,
)


@pytest.fixture(scope="module")
def steps(clip_of, engine, config, tmp_path_factory, request):
    frames = 4 if request.config.getoption("--smoke") else stages.SCENE_FRAMES
    scene = make_scene(clip_of.path, engine, config=config, frames=frames)
    with Stages(scene, engine, folder=tmp_path_factory.mktemp("stages")) as opened:
        yield {step.name: step for step in opened.steps()}


@pytest.mark.parametrize("name", NAMES)
def test_stage(time_step, clip_of, steps, name):
    if name not in steps:
        pytest.skip(f"the model has no stage {name!r}")
    time_step(steps[name], clip=clip_of)
