import dataclasses

import pytest

from benchmarks.measure import SEVERAL, keep, measure, metrics_of, records_of, suite_of
from rtau.runs.bench.live import LiveCost
from rtau.runs.bench.record import begin, read_bench_record
from tests.support.records import CLIP


def benchmark(name="decode", *, suite="stages", **about):
    return {
        "fullname": f"benchmarks/bench_{suite}.py::test[{name}]",
        "name": f"test[{name}]",
        "group": "a group",
        "stats": {"data": [0.004, 0.008]},
        "extra_info": {"name": name, "clip": dataclasses.asdict(CLIP), "model": "m", **about},
    }


def test_seconds_of_a_round_become_ms_of_a_frame():
    (found,) = metrics_of(benchmark(units=4, batch=8, precision="int8"))
    assert found.samples == (1.0, 2.0)
    assert (found.name, found.batch, found.precision, found.clip) == (
        *("decode", 8, "int8"),
        CLIP.name,
    )


def test_a_live_run_gives_the_age_of_its_pictures_and_its_losses():
    cost = LiveCost((20.0, 30.0), infer_ms=(3.0,), captured=9, dropped=2, faces=1.0)
    found = metrics_of(benchmark("live", live=dataclasses.asdict(cost)))
    assert [(one.name, one.unit, one.p50) for one in found] == [
        ("live, capture to overlay", "ms", 25.0),
        ("live, frames dropped", "frames", 2.0),
        ("live, frames captured", "frames", 9.0),
    ]


def test_a_benchmark_that_notes_nothing_is_called_by_its_group():
    one = {**benchmark(), "extra_info": {}}
    assert [found.name for found in metrics_of(one)] == ["a group: test[decode]"]


def test_every_suite_gets_a_record_of_its_own(tmp_path):
    payload = {
        "benchmarks": [
            benchmark(run_on="onnxruntime 1, CPUExecutionProvider"),
            benchmark("infer", suite="infer", run_on="a", clip=None),
            benchmark("infer too", suite="infer", run_on="b", clip=None),
        ]
    }
    begun = {suite: begin(suite, command=suite) for suite in ("stages", "infer", "cam")}
    stages, infer = records_of(payload, begun)
    assert (stages.suite, stages.model, stages.clips) == ("stages", "m", (CLIP,))
    assert (infer.device, len(infer.figures)) == (SEVERAL, 2)
    path = keep(stages, results=tmp_path)
    assert path.name.startswith("stages--")
    assert path.name.endswith("--cpu.json")
    assert read_bench_record(path) == stages


def test_the_suite_is_the_name_of_the_module():
    assert suite_of(benchmark(suite="end_to_end")) == "end_to_end"


@pytest.mark.needs_onnxruntime
def test_a_suite_without_anything_to_measure_gives_no_record(capfd):
    pytest.importorskip("pytest_benchmark", reason="the bench extra")
    assert measure(["bench_stages.py"], more=["-k", "no_such_stage"]) == []
    assert "bench_stages.py: nothing to measure here" in capfd.readouterr().out


def test_a_suite_that_fails_writes_nothing():
    with pytest.raises(SystemExit, match=r"bench_missing\.py failed with code"):
        measure(["bench_missing.py"])
