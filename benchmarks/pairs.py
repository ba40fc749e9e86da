"""Ratios of costs that were measured in turn, the limits they are compared with, and other work.

Measures nothing itself; the scripts of this folder compare with it.
"""

from __future__ import annotations

import dataclasses
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np

from rtau.runs.bench.metrics import Cost
from rtau.runs.bench.record import Target

Costs = dict[str, list[Cost]]


@dataclasses.dataclass(frozen=True)
class Limit:
    """The limit of one ratio or value."""

    name: str
    side: Literal["at least", "at most"]
    value: float
    unit: str

    @property
    def words(self) -> str:
        """The limit for people: `at least 2.5 x`."""
        return f"{self.side} {self.value:g} {self.unit}"

    def target(self, values: Sequence[float], /, *, note: str | None = None) -> Target:
        """Returns the target with the median of some values, one for each pair."""
        median = statistics.median(values)
        met = median >= self.value if self.side == "at least" else median <= self.value
        quartiles = np.percentile(values, [25, 75])
        return Target(
            name=self.name,
            wanted=self.words,
            measured=float(f"{median:.4g}"),
            iqr=float(f"{quartiles[1] - quartiles[0]:.3g}") if len(values) > 1 else None,
            pairs=len(values),
            is_met=bool(met),
            note=note,
        )

    def skip(self, why: str, /) -> Target:
        """Returns the target as one that was not measured."""
        return Target(self.name, self.words, None, iqr=None, pairs=0, is_met=None, note=why)


def ratios(slow: Sequence[Cost], fast: Sequence[Cost], /) -> list[float]:
    """Returns how many times as long the first took as the second, frame for frame, by pair."""
    return [one.ms / other.ms for one, other in zip(slow, fast, strict=True)]


@contextmanager
def busy_loops(count: int, /) -> Iterator[None]:
    """Runs so many processes that do nothing but work, each on one core, until the context ends."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
