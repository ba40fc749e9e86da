"""One measured metric, samples and their percentiles, and the one way in which calls are timed.

Measures wall time and processor time side by side, decides nothing and prints nothing. `rtau
bench`, `rtau doctor --gpu` and the scripts in `benchmarks/` time with it.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np

from rtau.errors import UsageError

Unit = Literal["ms", "s", "MiB", "faces", "frames"]
Key = TypeVar("Key")

# Samples kept in a record; of more than these, only the percentiles.
KEPT_SAMPLES = 64
WARM_UPS = 3
LEAST_ROUNDS = 5
MOST_ROUNDS = 1000


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call that can be timed again and again."""

    name: str
    """What it does, for tables: `detect, whole frame`."""
    run: Callable[[], object]
    """Does it once."""
    prepare: Callable[[], object] | None = None
    """Called before every `run`, untimed."""
    units: int = 1
    """Frames that one `run` processes; times are given per frame."""
    batch: int | None = None
    """Rows that one `run` passes through the network."""


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What one call or one whole run took."""

    units: int
    """Frames that were processed, or calls where a single call is timed."""
    wall_s: float
    """Wall time, seconds."""
    cpu_s: float
    """Processor time of all threads of the process, seconds."""
    faces: float = 0.0
    """Faces per frame that were scored, on average; 0 where they are not counted."""

    @property
    def ms(self) -> float:
        """Milliseconds per unit."""
        return self.wall_s / self.units * 1e3

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds per unit."""
        return self.cpu_s / self.units * 1e3

    @property
    def fps(self) -> float:
        """Units per second."""
        return self.units / self.wall_s


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity; smaller is better in every unit but faces."""

    name: str
    """What was measured: `detect, whole frame`."""
    unit: Unit
    """Unit of the percentiles and samples; ms are per frame unless the name says otherwise."""
    p50: float
    """Median."""
    p95: float
    """95th percentile."""
    p99: float
    """99th percentile; the largest sample where there are few."""
    mean: float
    """Mean, which counts where most calls are cheap and few are expensive."""
    iqr: float
    """Interquartile range."""
    rounds: int
    """Number of samples."""
    clip: str | None = None
    """Name of the clip it was measured on; None where there is none."""
    batch: int | None = None
    """Rows in one call of the network."""
    precision: str | None = None
    """Precision of the model, where precisions are compared."""
    device: str | None = None
    """What ran it, where that is not the record's device."""
    cpu_ms: float | None = None
    """Mean processor time of all threads, ms; None where it was not measured."""
    samples: tuple[float, ...] = ()
    """The samples themselves where there are few."""

    def __post_init__(self) -> None:
        values = (self.p50, self.p95, self.p99, self.mean, self.iqr, *self.samples)
        if self.cpu_ms is not None:
            values += (self.cpu_ms,)
        if not all(math.isfinite(value) and value >= 0 for value in values):
            raise UsageError(f"metric {self.name!r} must hold finite values >= 0, got {values}")
        if self.rounds < 1 or not self.p50 <= self.p95 <= self.p99:
            raise UsageError(
                f"metric {self.name!r} must have rounds >= 1 and p50 <= p95 <= p99, got "
                f"{self.rounds} and {self.p50}, {self.p95}, {self.p99}"
            )
        if self.samples and len(self.samples) != self.rounds:
            raise UsageError(
                f"metric {self.name!r} must have as many samples as rounds ({self.rounds}) or "
                f"none, got {len(self.samples)}"
            )

    @property
    def key(self) -> tuple[str, str | None, int | None, str | None, str | None]:
        """What distinguishes a metric from the others of its record."""
        return (self.name, self.clip, self.batch, self.precision, self.device)


def metric(
    name: str,
    samples: Sequence[float],
    /,
    *,
    unit: Unit = "ms",
    clip: str | None = None,
    batch: int | None = None,
    precision: str | None = None,
    device: str | None = None,
    cpu_ms: float | None = None,
) -> Metric:
    """Returns the metric of at least one sample in `unit`, to five significant digits.

    More digits are noise and fill the record.
    """
    if not samples:
        raise UsageError(f"metric {name!r} needs at least one sample, got none")
    p25, p50, p75, p95, p99 = np.percentile(samples, [25, 50, 75, 95, 99]).tolist()
    return Metric(
        name=name,
        unit=unit,
        p50=_short(p50),
        p95=_short(p95),
        p99=_short(p99),
        mean=_short(float(np.mean(samples))),
        iqr=_short(p75 - p25),
        rounds=len(samples),
        clip=clip,
        batch=batch,
        precision=precision,
        device=device,
        cpu_ms=None if cpu_ms is None else _short(cpu_ms),
        samples=tuple(map(_short, samples)) if len(samples) <= KEPT_SAMPLES else (),
    )


def cost_metric(
    name: str, costs: Sequence[Cost], /, *, clip: str | None, batch: int | None = None
) -> Metric:
    """Returns the metric of some costs: ms per unit, one sample for each cost."""
    cpu_ms = float(np.mean([cost.cpu_ms for cost in costs]))
    return metric(name, [cost.ms for cost in costs], clip=clip, batch=batch, cpu_ms=cpu_ms)


def timed(call: Callable[[], object], /, *, units: int = 1) -> Cost:
    """Returns what one call takes."""
    cpu_start_s, start_s = time.process_time(), time.perf_counter()
    call()
    wall_s = time.perf_counter() - start_s
    return Cost(units, wall_s, cpu_s=time.process_time() - cpu_start_s)


def time_step(
    step: Step,
    /,
    *,
    seconds: float,
    warm_ups: int = WARM_UPS,
    least: int = LEAST_ROUNDS,
    most: int = MOST_ROUNDS,
) -> list[Cost]:
    """Returns the cost of each round of a step, after a warm-up.

    Rounds go on until they have taken `seconds` in all; there are `least` to `most` of them.
    """
    costs: list[Cost] = []
    spent_s = 0.0
    for number in range(-warm_ups, most):
        if number >= least and spent_s >= seconds:
            break
        if step.prepare is not None:
            step.prepare()
        cost = timed(step.run, units=step.units)
        if number >= 0:
            costs.append(cost)
            spent_s += cost.wall_s
    return costs


def step_metric(step: Step, /, *, seconds: float, clip: str | None) -> Metric:
    """Returns the metric of a step, ms per unit of it."""
    return cost_metric(step.name, time_step(step, seconds=seconds), clip=clip, batch=step.batch)


def in_turn(
    calls: Mapping[Key, Callable[[], Cost]], /, *, rounds: int, seconds: float = 0.0
) -> dict[Key, list[Cost]]:
    """Returns the costs of each call by round: A, B, A, B, so that a busy machine slows all alike.

    The first round warms up and is not kept. Rounds go on until `rounds` are kept and `seconds`
    have passed.
    """
    costs: dict[Key, list[Cost]] = {name: [] for name in calls}
    start_s = time.monotonic()
    done = 0
    while done <= rounds or time.monotonic() - start_s < seconds:
        for name, call in calls.items():
            costs[name].append(call())
        done += 1
    return {name: found[1:] for name, found in costs.items()}


def _short(value: float) -> float:
    return float(f"{value:.5g}")
