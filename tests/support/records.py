"""Benchmark records for tests: small, valid, and changed field by field."""

from __future__ import annotations

import dataclasses

from rtau.runs.bench.machine import Machine, Package, Temperature
from rtau.runs.bench.metrics import Metric, metric
from rtau.runs.bench.record import BenchRecord, ClipRecord, PeerRecord, Target, Threads

MACHINE = Machine(
    name="test-cpu-2-cores",
    cpu="Test CPU",
    cores=2,
    memory_mib=1024,
    architecture="x86_64",
    system="Linux",
    python="3.11.7",
    governor=None,
    gpu=None,
    board=None,
    power_mode=None,
    temperatures=(Temperature("cpu-thermal", 41.5),),
    load=0.1,
)
CLIP = ClipRecord(
    name="faces-1-640x360",
    sha256="a" * 64,
    width=640,
    height=360,
    fps=25.0,
    frames=250,
    faces=1,
    made_from="one_face.mp4, 1 tiles",
)
MET = Target("speed", "at least 2.5 x", 2.75, iqr=0.1, pairs=5, is_met=True)
SKIPPED = Target("VGG19", "at least 30 fps", None, iqr=None, pairs=0, is_met=None, note="no model")


def make_metric(name: str = "decode", **changes) -> Metric:
    """Returns a metric of three samples on the clip."""
    made = metric(name, [1.0, 2.0, 3.0], clip=CLIP.name, cpu_ms=1.5)
    return dataclasses.replace(made, **changes)


def make_record(**changes) -> BenchRecord:
    """Returns a valid record; keyword arguments replace fields."""
    values = {
        "suite": "stages",
        "command": "bench_stages.py",
        "started_utc": "2026-01-31T12:00:00+00:00",
        "finished_utc": "2026-01-31T12:30:00+00:00",
        "rtau_version": "0.1.0",
        "commit": "b" * 40,
        "is_dirty": False,
        "machine": MACHINE,
        "device": "onnxruntime 1.32.0, CPUExecutionProvider (auto)",
        "model": "shufflenetv2-au14",
        "packages": (Package("numpy", "2.4.6"),),
        "threads": (Threads(side="rtau", engine=2, opencv=2, decoder=1, encoder="auto"),),
        "warm_up": "three rounds",
        "clips": (CLIP,),
        "figures": (make_metric(),),
        "peer": PeerRecord("MediaPipe", "1.2.3", "c" * 64, settings="VIDEO mode", python="3.11"),
        "targets": (MET, SKIPPED),
        "load_after": 1.9,
        "temperatures_after": (Temperature("cpu-thermal", 63.0),),
    }
    return BenchRecord(**{**values, **changes})
