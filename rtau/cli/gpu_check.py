"""`rtau doctor --gpu`: runs models on this machine's GPU, compares and times every backend.

Its table is meant to be pasted into an issue, so that users report in a minute what works on GPUs
that the project has no access to. The `doctor` verb calls it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from rtau import __version__
from rtau.backends import bundled_models, find_model, open_engine
from rtau.backends.engine_file import SUFFIX
from rtau.backends.parity import Difference, as_crops, difference, probe_crops
from rtau.backends.tensorrt_library import load_cuda_driver
from rtau.contract import ModelContract
from rtau.data import Scores
from rtau.errors import BackendUnavailable, RtauError
from rtau.protocols import Engine
from rtau.runs.bench.metrics import Step, time_step

Open = Callable[[str, str], Engine]

# The first is the reference: every machine has it, and it computes in float32.
ONNX_PROVIDERS = ("cpu", "cuda", "tensorrt", "tensorrt-rtx")
PROBES = 32
BATCHES = (1, 8, 32)
# Time for each batch of a slow backend, and the number of runs that a fast one needs.
BUDGET_S = 2.0
MOST_RUNS = 50
# Largest change of a probability that the arithmetic of a precision explains.
MAX_DP = {"fp32": 5e-3, "fp16": 2e-2, "int8": 3e-1}


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """How long a batch took, copies and waiting for the GPU included."""

    batch: int
    with_cams: bool
    median_ms: float
    p95_ms: float


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """The result of one model on one backend."""

    model: str
    provider: str
    device: str = ""
    precision: str = ""
    difference: Difference | None = None
    """None for the reference, and where it failed."""
    timings: tuple[Timing, ...] = ()
    problem: str | None = None
    """Why it failed or is not here; None when it ran."""
    is_absent: bool = False
    """True when the provider is not installed, which is no failure."""

    @property
    def is_sound(self) -> bool:
        """True unless it failed or differs by more than its precision explains."""
        if self.problem is not None:
            return self.is_absent
        return self.difference is None or self.difference.max_dp <= MAX_DP[self.precision]


def run(args: argparse.Namespace) -> int:
    """Prints the table; returns 0 when everything that is installed ran and agrees, else 1.

    Raises:
        BackendUnavailable: this machine has no NVIDIA GPU, or nothing to reach it with.
        UsageError: a model does not exist.
    """
    driver = load_cuda_driver()
    gpu = driver.find_gpu()
    models = [str(find_model(name)) for name in args.models or bundled_models()]
    rows = list(check(models, open_one=_open, progress=_progress))
    heading = (
        f"rtau {__version__} on {gpu}, driver for CUDA {driver.driver_version()}, "
        f"Python {platform.python_version()}, {platform.platform()}"
    )
    if args.json:
        report = {"heading": heading, "rows": [dataclasses.asdict(row) for row in rows]}
        print(json.dumps(report, indent=2))
    else:
        print("\n".join([heading, "", *table(rows)]))
    return int(not all(row.is_sound for row in rows))


def check(
    models: Sequence[str], *, open_one: Open, progress: Callable[[str], None]
) -> Iterator[Row]:
    """Yields a row per model and backend, the references first.

    Models of the same weights are compared with the first of them that runs.

    Args:
        models: files; ONNX files come before engines, whatever their order here.
        open_one: opens a model with a provider.
        progress: called with the model and provider before each of them.
    """
    references: dict[tuple[Any, ...], Scores] = {}
    for model in sorted(models, key=lambda name: name.endswith(SUFFIX)):
        providers = ("tensorrt",) if model.endswith(SUFFIX) else ONNX_PROVIDERS
        for provider in providers:
            progress(f"{model} on {provider}")
            try:
                with closing(open_one(model, provider)) as engine:
                    yield _measure(model, engine, provider=provider, references=references)
            except RtauError as error:
                absent = isinstance(error, BackendUnavailable) and len(providers) > 1
                yield Row(model, provider, problem=str(error), is_absent=absent)


def table(rows: Sequence[Row]) -> list[str]:
    """Returns the rows as lines of a Markdown table, and below it why others have no times."""
    heads = ["model", "backend", "precision", "max dp", "changed", "CAM corr."]
    heads += [f"{batch} face{'s' if batch > 1 else ''}, ms" for batch in BATCHES]
    heads += [f"{BATCHES[1]} with heatmaps, ms", "sound"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    ran = [row for row in rows if row.problem is None]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in ran]
    lines += ["", "Times are medians (95th percentile in brackets), copies and waiting included."]
    for row in rows:
        if row.problem is not None:
            state = "not here" if row.is_absent else "FAILED"
            lines.append(f"{state}: {Path(row.model).name} on {row.provider}: {row.problem}")
    return lines


def time_batch(engine: Engine, *, batch: int, with_cams: bool) -> Timing:
    """Returns the time of one `infer` of a batch, after a warm-up."""
    crops = as_crops(probe_crops(batch, size=engine.contract.input_size))
    # `infer` returns host arrays, so the GPU has finished.
    step = Step("infer", lambda: engine.infer(crops, cams=with_cams))
    costs = time_step(step, seconds=BUDGET_S, most=MOST_RUNS)
    median_ms, p95_ms = np.percentile([cost.ms for cost in costs], [50, 95]).tolist()
    return Timing(batch=batch, with_cams=with_cams, median_ms=median_ms, p95_ms=p95_ms)


def _measure(
    model: str, engine: Engine, *, provider: str, references: dict[tuple[Any, ...], Scores]
) -> Row:
    contract = engine.contract
    crops = as_crops(probe_crops(PROBES, size=contract.input_size))
    scores = engine.infer(crops, cams=contract.has_cams)
    key = _comparable(contract)
    reference = references.setdefault(key, scores)
    apart = None if reference is scores else difference(reference, scores, contract)
    timings = [time_batch(engine, batch=batch, with_cams=False) for batch in BATCHES]
    if contract.has_cams:
        timings.append(time_batch(engine, batch=BATCHES[1], with_cams=True))
    return Row(
        model=model,
        provider=provider,
        device=engine.device,
        precision=contract.precision,
        difference=apart,
        timings=tuple(timings),
    )


def _comparable(contract: ModelContract) -> tuple[Any, ...]:
    """Returns what two models must share for their answers to be the same."""
    return (contract.weights_sha256, contract.labels, contract.task, contract.input_size)


def _cells(row: Row) -> list[str]:
    apart = row.difference
    cells = [Path(row.model).name, row.device, row.precision]
    if apart is None:
        cells += ["reference", "-", "-"]
    else:
        correlation = "-" if apart.cam_correlation is None else f"{apart.cam_correlation:.5f}"
        cells += [
            f"{apart.max_dp:.1e}",
            f"{apart.changed_decisions}/{apart.decisions}",
            correlation,
        ]
    by_batch = {(one.batch, one.with_cams): one for one in row.timings}
    for wanted in (*((batch, False) for batch in BATCHES), (BATCHES[1], True)):
        one = by_batch.get(wanted)
        cells.append("-" if one is None else f"{one.median_ms:.2f} ({one.p95_ms:.2f})")
    return [*cells, "yes" if row.is_sound else "NO"]


def _open(model: str, provider: str) -> Engine:
    return open_engine(model, provider=provider)


def _progress(words: str) -> None:
    print(f"checking {words}", file=sys.stderr)
