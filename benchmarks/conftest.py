"""What the suites share: options, clips, the engine, and how a step is timed.

`--smoke` runs all of the code once on a short clip and times nothing: for tests. `measure.py` turns
the JSON of pytest-benchmark into a benchmark record.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from time import perf_counter

import pytest

from benchmarks.compose_clips import FACES, FRAMES, SIZES, Clip, composed, given
from rtau.backends import open_engine
from rtau.runs.bench.metrics import WARM_UPS, Step
from rtau.runs.bench.suite import Plan, settings_of

MODEL = "shufflenetv2-au14"
# Time for one metric, seconds, and the least and the most rounds.
SECONDS = 0.7
ROUNDS = (5, 300)
SMOKE_CLIPS = ((1, (320, 180)),)
SMOKE_FRAMES = 16


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of the suites."""
    group = parser.getgroup("rtau")
    group.addoption("--smoke", action="store_true", help="run all code once, time nothing")
    group.addoption("--clips", type=Path, help="folder with more clips to measure on")


def pytest_configure(config: pytest.Config) -> None:
    """With --smoke, pytest-benchmark calls every function once."""
    if config.getoption("--smoke"):
        config.option.benchmark_disable = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets benchmarks take as long as they take: clips are composed and networks exported."""
    for item in items:
        item.add_marker(pytest.mark.timeout(0))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives every test that asks for a clip each of them."""
    if "clip_of" not in metafunc.fixturenames:
        return
    smoke = metafunc.config.getoption("--smoke")
    chosen = SMOKE_CLIPS if smoke else [(faces, size) for size in SIZES for faces in FACES]
    folder = metafunc.config.getoption("--clips")
    more = [] if folder is None else [(clip, clip.path.stem) for clip in given(folder)]
    wanted = [((faces, size), f"{faces}-{size[0]}x{size[1]}") for faces, size in chosen] + more
    values, names = zip(*wanted, strict=True)
    metafunc.parametrize("clip_of", values, ids=names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def clip_of(request, tmp_path_factory):
    """One clip: composed, or as it was given."""
    if isinstance(request.param, Clip):
        return request.param
    faces, size = request.param
    if request.config.getoption("--smoke"):
        cache = tmp_path_factory.getbasetemp() / "clips"
        return composed(faces, size, frames=SMOKE_FRAMES, cache=cache)
    return composed(faces, size, frames=FRAMES)


@pytest.fixture(scope="session")
def plan():
    """The plan all suites follow; environment variables name another model or provider."""
    return Plan(
        model=os.environ.get("RTAU_BENCH_MODEL", MODEL),
        provider=os.environ.get("RTAU_BENCH_PROVIDER", "auto"),
    )


@pytest.fixture(scope="session")
def engine(plan):
    """The open model."""
    opened = open_engine(plan.model, provider=plan.provider, threads=plan.threads)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def config(plan, engine):
    """The settings of the runs."""
    return settings_of(plan, engine)


@pytest.fixture
def note(benchmark, engine):
    """Stores what a test measures in its benchmark; `measure.py` reads it."""

    def write(name: str, *, clip: Clip | None = None, **of: object) -> None:
        benchmark.group = name
        benchmark.extra_info.update(
            name=name,
            clip=None if clip is None else dataclasses.asdict(clip.record),
            model=engine.contract.name,
            run_on=engine.device,
            **of,
        )

    return write


@pytest.fixture
def time_step(benchmark, request, note):
    """Times a step of `rtau.runs.bench`."""

    def time(step: Step, *, clip: Clip | None = None, **of: object) -> None:
        note(step.name, clip=clip, units=step.units, batch=step.batch, **of)
        smoke = request.config.getoption("--smoke")
        benchmark.pedantic(
            step.run,
            setup=lambda: _prepare(step),
            rounds=1 if smoke else _rounds(step),
            warmup_rounds=0 if smoke else WARM_UPS,
        )

    return time


def _prepare(step: Step) -> None:
    if step.prepare is not None:
        step.prepare()


def _rounds(step: Step) -> int:
    """Returns how many rounds fill the time of a metric, after trying one."""
    _prepare(step)
    started_s = perf_counter()
    step.run()
    taken_s = max(perf_counter() - started_s, 1e-6)
    return max(ROUNDS[0], min(ROUNDS[1], round(SECONDS / taken_s)))
