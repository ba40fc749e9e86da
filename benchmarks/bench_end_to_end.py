"""Times whole runs: file to CSV, with all heatmaps, to annotated mp4, and live: `make bench`.

Runs are built as `rtau video` builds them. The metric of a live run is the age of pictures when
their overlay is drawn. The comparison with the peer is in `targets.py`.
"""

from __future__ import annotations

import dataclasses

import pytest

from rtau.runs.bench.live import LATENCY, PacedClip, run_live
from rtau.runs.bench.metrics import Step
from rtau.runs.bench.runs import KINDS, run_file

LIVE_S, SMOKE_LIVE_S = 10.0, 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_file(time_step, clip_of, engine, config, tmp_path, kind):
    def run():
        return run_file(kind, clip_of.path, engine, config=config, folder=tmp_path)

    time_step(Step(KINDS[kind], run, units=clip_of.record.frames), clip=clip_of)


def test_live(benchmark, request, clip_of, engine, config, note):
    seconds = SMOKE_LIVE_S if request.config.getoption("--smoke") else LIVE_S

    def run():
        source = PacedClip(clip_of.path, seconds=seconds)
        return run_live(source, engine, config=config)

    cost = benchmark.pedantic(run, rounds=1)
    note(LATENCY, clip=clip_of, live=dataclasses.asdict(cost))
