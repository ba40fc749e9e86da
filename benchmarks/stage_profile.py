"""Where the time of an annotated video goes: each stage's wall and processor time per frame.

The stages are timed alone, one after the other, so that no stage's threads are counted to another.
What they allow together is the bound that `targets.py` compares a whole run with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compose_clips import Clip
from rtau.config import RunConfig
from rtau.cpu import usable_cores
from rtau.protocols import Engine
from rtau.runs.bench.figures import Figure, step_figure
from rtau.runs.bench.stages import INFER, INFER_CAMS, Stages, make_scene, stage_weights


@dataclasses.dataclass(frozen=True)
class Part:
    """One stage's share of a frame, ms."""

    name: str
    wall_ms: float
    core_ms: float


@dataclasses.dataclass(frozen=True)
class Profile:
    """All stages of an annotated video."""

    clip: str
    parts: tuple[Part, ...]
    cores: int
    figures: tuple[Figure, ...]
    """The stages alone, before they were weighed."""

    @property
    def core_ms(self) -> float:
        """Processor time of a frame."""
        return sum(part.core_ms for part in self.parts)

    @property
    def slowest(self) -> Part:
        """The stage that no overlap can hide."""
        return max(self.parts, key=lambda part: part.wall_ms)

    @property
    def bound_ms(self) -> float:
        """Least time per frame: min(1 / slowest stage, cores / core-seconds), as ms."""
        return max(self.slowest.wall_ms, self.core_ms / self.cores)

    @property
    def bound_by(self) -> str:
        """What sets the bound."""
        if self.slowest.wall_ms > self.core_ms / self.cores:
            return self.slowest.name
        return f"{self.cores} cores"


def profile(
    clip: Clip, engine: Engine, /, *, config: RunConfig, folder: Path, seconds: float
) -> Profile:
    """Returns the profile of a clip; every stage is timed for so many seconds."""
    scene = make_scene(clip.path, engine, config=config)
    weights = stage_weights(scene)
    with Stages(scene, engine, folder=folder) as stages:
        figures = tuple(
            step_figure(step, seconds=seconds, clip=clip.record.name)
            for step in stages.steps()
            if step.name in weights
        )
    parts: dict[str, Part] = {}
    for figure in figures:
        weight, core_ms = weights[figure.name], figure.cpu_ms or 0.0
        # Both kinds of batch are one stage.
        name = INFER if figure.name == INFER_CAMS else figure.name
        before = parts.get(name, Part(name, 0.0, 0.0))
        parts[name] = Part(
            name,
            before.wall_ms + weight * figure.mean,
            before.core_ms + weight * core_ms,
        )
    return Profile(
        clip=clip.record.name,
        parts=tuple(parts.values()),
        cores=usable_cores(),
        figures=figures,
    )


def profile_rows(found: Profile, /) -> Iterator[str]:
    """Yields the profile as a Markdown table."""
    yield f"| {found.clip}, per frame | wall, ms | core-ms | share |"
    yield "|---|---|---|---|"
    for part in found.parts:
        share = part.core_ms / found.core_ms if found.core_ms else 0.0
        yield f"| {part.name} | {part.wall_ms:.2f} | {part.core_ms:.2f} | {share:.0%} |"
    yield f"| all | | {found.core_ms:.2f} | |"
    fps = 1e3 / found.bound_ms
    yield f"| bound: {found.bound_by} | {found.bound_ms:.2f} | | {fps:.0f} fps |"
