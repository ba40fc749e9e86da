"""One measured figure: samples and their percentiles; and how a call is timed.

Measures wall time and processor time side by side, decides nothing and prints nothing. Every
other module of the package makes its figures with it.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from rtau.errors import UsageError

Unit = Literal["ms", "s", "MiB", "faces", "frames"]

# Samples kept in a record; of more, the percentiles are what is told.
KEPT_SAMPLES = 64
WARM_UPS = 3
LEAST_ROUNDS = 5
MOST_ROUNDS = 1000


def _nothing() -> None:
    return None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One thing that can be timed again and again."""

    name: str
    """What it is, for tables: `detect, whole frame`."""
    act: Callable[[], object]
    """Does it once."""
    prepare: Callable[[], object] = _nothing
    """Done before every `act`, untimed."""
    per: int = 1
    """Units in one `act` (frames, faces): a figure is of one unit."""
    batch: int | None = None
    """Rows that go through the network in one `act`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """What a number of rounds took, per unit of the step, seconds."""

    wall_s: tuple[float, ...]
    """Wall time of each round."""
    cpu_s: float
    """Processor time of all threads of this process, mean over the rounds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity; smaller is better in every unit but faces."""

    name: str
    """What was measured: `detect, whole frame`."""
    unit: Unit
    """Of the percentiles and the samples; ms are of one frame unless the name says otherwise."""
    p50: float
    """Median."""
    p95: float
    """95th percentile."""
    p99: float
    """99th percentile; the largest sample where there are few."""
    mean: float
    """Mean: what counts where most calls are cheap and few are dear."""
    iqr: float
    """Distance of the quartiles."""
    rounds: int
    """Number of samples."""
    clip: str | None = None
    """Name of the clip it was measured on; None where there is none."""
    batch: int | None = None
    """Rows in one call of the network."""
    precision: str | None = None
    """Precision of the model, where that is what is compared."""
    device: str | None = None
    """What ran it, where it is not the record's device."""
    cpu_ms: float | None = None
    """Processor time of all threads, ms, mean; None where it was not taken."""
    samples: tuple[float, ...] = ()
    """The samples themselves where there are few."""

    def __post_init__(self) -> None:
        values = (self.p50, self.p95, self.p99, self.mean, self.iqr, *self.samples)
        if self.cpu_ms is not None:
            values += (self.cpu_ms,)
        if not all(math.isfinite(value) and value >= 0 for value in values):
            raise UsageError(f"figure {self.name!r} must hold finite values >= 0, got {values}")
        if self.rounds < 1 or not self.p50 <= self.p95 <= self.p99:
            raise UsageError(
                f"figure {self.name!r} must have rounds >= 1 and p50 <= p95 <= p99, got "
                f"{self.rounds} and {self.p50}, {self.p95}, {self.p99}"
            )
        if self.samples and len(self.samples) != self.rounds:
            raise UsageError(
                f"figure {self.name!r} must have as many samples as rounds ({self.rounds}) or "
                f"none, got {len(self.samples)}"
            )

    @property
    def key(self) -> tuple[str, str | None, int | None, str | None, str | None]:
        """What tells a figure from the others of its record."""
        return (self.name, self.clip, self.batch, self.precision, self.device)


def figure(
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
) -> Figure:
    """Returns the figure of some samples, at least one, in `unit`."""
    if not samples:
        raise UsageError(f"figure {name!r} needs at least one sample, got none")
    p25, p50, p75, p95, p99 = np.percentile(samples, [25, 50, 75, 95, 99]).tolist()
    few = len(samples) <= KEPT_SAMPLES
    return Figure(
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
        samples=tuple(_short(value) for value in samples) if few else (),
    )


def spend(
    step: Step, /, *, seconds: float, warm_ups: int = WARM_UPS, least: int = LEAST_ROUNDS
) -> Spent:
    """Returns what a step takes: rounds for so many seconds, at least `least` of them."""
    for _ in range(warm_ups):
        step.prepare()
        step.act()
    wall_s: list[float] = []
    cpu_s = 0.0
    while len(wall_s) < MOST_ROUNDS and (len(wall_s) < least or sum(wall_s) < seconds / step.per):
        step.prepare()
        cpu_start_s, start_s = time.process_time(), time.perf_counter()
        step.act()
        wall_s.append((time.perf_counter() - start_s) / step.per)
        cpu_s += (time.process_time() - cpu_start_s) / step.per
    return Spent(wall_s=tuple(wall_s), cpu_s=cpu_s / len(wall_s))


def step_figure(step: Step, /, *, seconds: float, clip: str | None) -> Figure:
    """Returns the figure of a step, ms per unit of it."""
    spent = spend(step, seconds=seconds)
    return figure(
        step.name,
        [wall_s * 1e3 for wall_s in spent.wall_s],
        clip=clip,
        batch=step.batch,
        cpu_ms=spent.cpu_s * 1e3,
    )


def _short(value: float) -> float:
    """Returns the value to five significant digits: more are noise and fill the record."""
    return float(f"{value:.5g}")
