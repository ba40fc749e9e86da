import sys

import pytest

from benchmarks import soak, targets
from benchmarks.compose_clips import EXAMPLE
from benchmarks.soak import Pieces, growth_per_minute, in_pieces
from benchmarks.stage_profile import Part, Profile, profile_rows, stage_weights
from rtau.config import build
from rtau.runs.bench import stages
from rtau.runs.bench.live import LiveCost
from rtau.runs.bench.record import read_bench_record
from rtau.runs.bench.stages import make_scene
from tests.support.doubles import CountingEngine

PARTS = (Part("decode", 2.0, 2.0), Part("find", 5.0, 4.0), Part("encode", 3.0, 6.0))


def test_the_bound_is_the_slowest_stage_or_all_cores():
    made = Profile(clip="c", parts=PARTS, cores=2, metrics=())
    assert (made.core_ms, made.bound_ms, made.bound_by) == (12.0, 6.0, "2 cores")
    many = Profile(clip="c", parts=PARTS, cores=8, metrics=())
    assert (many.bound_ms, many.bound_by) == (5.0, "find")


def test_the_profile_says_where_the_time_goes():
    rows = list(profile_rows(Profile(clip="c", parts=PARTS, cores=2, metrics=())))
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


@pytest.mark.needs_onnxruntime
def test_a_frame_passes_every_stage_once_and_the_network_once_in_all(tmp_path):
    config = build({("overlay", "heatmap"): "top"})
    weights = stage_weights(make_scene(EXAMPLE, CountingEngine(), config=config, frames=6))
    # Ten heatmaps a second of 25 frames.
    assert 0 < weights[stages.INFER_CAMS] < 1
    assert weights[stages.INFER] + weights[stages.INFER_CAMS] == pytest.approx(1)
    assert {weights[name] for name in (stages.DECODE, stages.FIND, stages.ENCODE)} == {1.0}


def cost(dropped=1, latencies_ms=(20.0,)):
    return LiveCost(latencies_ms, infer_ms=(3.0,), captured=100, dropped=dropped, faces=1.0)


def test_a_soak_misses_its_targets_where_something_grows():
    steady = list(soak.targets_of(cost(), Pieces((20.0,) * 5, (200.0,) * 5), minutes=10))
    assert [one.is_met for one in steady] == [True] * 4
    pieces = Pieces((20, 30, 40, 50, 60), (200, 210, 220, 230, 320.0))
    grows = list(soak.targets_of(cost(9), pieces, minutes=5))
    assert [one.is_met for one in grows] == [False] * 4
    assert grows[1].measured == pytest.approx(10.0)


def test_what_a_soak_could_not_measure_is_skipped_with_the_reason():
    found = list(soak.targets_of(cost(), Pieces((20.0,), ()), minutes=1))
    assert [one.is_met for one in found] == [True, None, None, None]
    assert "does not report" in found[-1].note


def test_a_soak_is_cut_into_pieces_of_equal_length():
    found = in_pieces(cost(latencies_ms=(1.0, 1.0, 5.0, 5.0)), [7.0, 9.0, 8.0, 6.0], pieces=2)
    assert found == Pieces((1.0, 5.0), (9.0, 8.0))
    assert in_pieces(cost(), [], pieces=3) == Pieces((20.0,), ())


def test_growth_is_the_slope_after_the_first_piece():
    assert growth_per_minute((90.0, 10.0, 12.0, 14.0), minutes=4) == pytest.approx(2.0)
    assert growth_per_minute((1.0, 5.0, 5.0, 5.0, 5.0), minutes=10) == pytest.approx(0.0)


@pytest.mark.needs_onnxruntime
@pytest.mark.slow
def test_all_targets_are_measured_or_say_why_not(tmp_path, monkeypatch, capsys):
    path = tmp_path / "targets.json"
    command = ["targets.py", "--smoke", "--peer", "none", "--clip", str(EXAMPLE)]
    monkeypatch.setattr(sys, "argv", [*command, "--json", str(path)])
    assert targets.main() == 0
    record = read_bench_record(path)
    assert len(record.targets) == 19
    without = {one.name for one in record.targets if one.measured is None}
    assert {one.name for one in record.targets if "peer" in one.name} <= without
    out = capsys.readouterr().out
    assert "| annotated mp4 against bare decode and encode, 1280x720 | at least 0.8 x |" in out
    assert "| find |" in out


@pytest.mark.needs_onnxruntime
def test_a_short_soak_writes_a_record(tmp_path, monkeypatch, capsys):
    path = tmp_path / "soak.json"
    monkeypatch.setattr(sys, "argv", ["soak.py", "--smoke", "--json", str(path)])
    assert soak.main() == 0
    record = read_bench_record(path)
    assert len(record.targets) == 4
    assert "| piece | delay p95, ms | memory, MiB |" in capsys.readouterr().out
