"""Times whole runs: file to CSV, with all heatmaps, to annotated mp4, and live: `make bench`.

Runs are built as `rtau video` builds them. A live run is as long as it is: its figure is how old
pictures are when their overlay is drawn. The comparison with the peer is in `targets.py`.
"""

from __future__ import annotations

import pytest

from rtau.runs.bench.figures import Step
from rtau.runs.bench.live import LIVE_FPS, PacedClip, run_live
from rtau.runs.bench.runs import KINDS, run_file
from rtau.runs.bench.suite import LATENCY

LIVE_S, SMOKE_LIVE_S = 10.0, 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_file(time_step, clip_of, engine, config, tmp_path, kind):
    def run():
        return run_file(kind, clip_of.path, engine, config=config, folder=tmp_path)

    time_step(Step(KINDS[kind], run, per=clip_of.record.frames), clip=clip_of)


def test_live(benchmark, request, clip_of, engine, config, note):
    seconds = SMOKE_LIVE_S if request.config.getoption("--smoke") else LIVE_S

    def run():
        source = PacedClip(clip_of.path, fps=LIVE_FPS, seconds=seconds)
        return run_live(source, engine, config=config, seconds=seconds)

    found = benchmark.pedantic(run, rounds=1)
    ages_ms, dropped = list(found.latencies_ms), found.dropped
    note(LATENCY, clip=clip_of, ages_ms=ages_ms, dropped=dropped, captured=found.captured)
