import sys

import pytest

from benchmarks import soak, targets
from benchmarks.compose_clips import EXAMPLE
from benchmarks.stage_profile import Part, Profile, profile_rows
from rtau.runs.bench.live import LiveCost
from rtau.runs.bench.record import read_bench_record

PARTS = (Part("decode", 2.0, 2.0), Part("find", 5.0, 4.0), Part("encode", 3.0, 6.0))


def test_the_bound_is_the_slowest_stage_or_all_cores():
    made = Profile(clip="c", parts=PARTS, cores=2, figures=())
    assert (made.core_ms, made.bound_ms, made.bound_by) == (12.0, 6.0, "2 cores")
    many = Profile(clip="c", parts=PARTS, cores=8, figures=())
    assert (many.bound_ms, many.bound_by) == (5.0, "find")


def test_the_profile_says_where_the_time_goes():
    rows = list(profile_rows(Profile(clip="c", parts=PARTS, cores=2, figures=())))
    assert "| find | 5.00 | 4.00 | 33% |" in rows
    assert rows[-1] == "| bound: 2 cores | 6.00 | | 167 fps |"


def test_a_vgg19_is_known_by_its_contract_and_not_by_its_name(monkeypatch):
    monkeypatch.setattr(targets, "bundled_models", dict)
    assert targets.find_vgg19() is None

    class Contract:
        network, precision = "vgg19", "int8"

    monkeypatch.setattr(targets, "bundled_models", lambda: {"x": "x.onnx"})
    monkeypatch.setattr(targets, "read_sidecar", lambda path: Contract)
    assert targets.find_vgg19() == "x"
    Contract.precision = "fp32"
    assert targets.find_vgg19() is None


def cost(p95_ms, rss_mib, dropped=1):
    return LiveCost(
        latencies_ms=(20.0,),
        infer_ms=(3.0,),
        captured=100,
        dropped=dropped,
        faces=1.0,
        piece_p95_ms=p95_ms,
        piece_rss_mib=rss_mib,
    )


def test_a_soak_is_judged_by_what_grows():
    steady = list(soak.judged(cost((20.0,) * 5, (200.0,) * 5), minutes=10))
    assert [one.is_met for one in steady] == [True] * 4
    grows = list(soak.judged(cost((20, 30, 40, 50, 60), (200, 210, 220, 230, 320.0), 9), minutes=5))
    assert [one.is_met for one in grows] == [False] * 4
    assert grows[1].measured == pytest.approx(10.0)


def test_what_a_soak_could_not_see_is_skipped_with_the_reason():
    found = list(soak.judged(cost((20.0,), (0.0,)), minutes=1))
    assert [one.is_met for one in found] == [True, None, None, None]
    assert "does not tell" in found[-1].note


@pytest.mark.needs_onnxruntime
def test_all_targets_are_measured_or_say_why_not(tmp_path, monkeypatch, capsys):
    path = tmp_path / "targets.json"
    command = ["targets.py", "--smoke", "--peer", "none", "--clip", str(EXAMPLE)]
    monkeypatch.setattr(sys, "argv", [*command, "--json", str(path)])
    assert targets.main() == 0
    record = read_bench_record(path)
    assert len(record.targets) == 13
    without = {one.name for one in record.targets if one.measured is None}
    assert {one.name for one in record.targets if "peer" in one.name} <= without
    out = capsys.readouterr().out
    assert "| annotated mp4 against bare decode and encode, 1280x720 | at least 0.7 x |" in out
    assert "| find |" in out


@pytest.mark.needs_onnxruntime
def test_a_short_soak_writes_a_record(tmp_path, monkeypatch, capsys):
    path = tmp_path / "soak.json"
    monkeypatch.setattr(sys, "argv", ["soak.py", "--smoke", "--json", str(path)])
    assert soak.main() == 0
    record = read_bench_record(path)
    assert len(record.targets) == 4
    assert "| piece | delay p95, ms | memory, MiB |" in capsys.readouterr().out
