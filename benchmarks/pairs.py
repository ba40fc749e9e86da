"""Costs taken in turn, and what their ratios say: A/B/A/B, so that a busy machine slows both.

Knows nothing of what is run. `targets.py` compares with it.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from rtau.runs.bench.record import Target
from rtau.runs.bench.runs import Cost

Costs = dict[str, list[Cost]]


@dataclasses.dataclass(frozen=True)
class Limit:
    """What is asked of one ratio or value."""

    name: str
    side: Literal["at least", "at most"]
    value: float
    unit: str

    @property
    def words(self) -> str:
        """The limit for people: `at least 2.5 x`."""
        return f"{self.side} {self.value:g} {self.unit}"

    def judge(self, values: Sequence[float], /, *, note: str | None = None) -> Target:
        """Returns the target with the median of some values, one per pair."""
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


def in_turn(acts: Mapping[str, Callable[[], Cost]], /, *, rounds: int) -> Costs:
    """Returns what each act cost in each round; one round before them warms up and is not kept."""
    costs: Costs = {name: [] for name in acts}
    for number in range(rounds + 1):
        for name, act in acts.items():
            cost = act()
            if number:
                costs[name].append(cost)
    return costs


def ratios(slow: Sequence[Cost], fast: Sequence[Cost], /) -> list[float]:
    """Returns how many times as long the first took as the second, frame for frame, by pair."""
    return [one.ms / other.ms for one, other in zip(slow, fast, strict=True)]
