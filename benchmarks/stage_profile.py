"""The profile of an annotated video: each stage's wall and processor time per frame.

The stages are timed alone, one after the other, so that no stage's threads count as another's.
`targets.py` compares a whole run with the bound that they set together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compose_clips import Clip
from rtau.config import RunConfig
from rtau.cpu import usable_cores
from rtau.protocols import Engine
from rtau.runs.bench import stages
from rtau.runs.bench.metrics import Metric, step_metric
from rtau.runs.bench.stages import INFER, INFER_CAMS, Scene, Stages, make_scene


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
    metrics: tuple[Metric, ...]
    """The stages alone, before they were weighted."""

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


def stage_weights(scene: Scene, /) -> dict[str, float]:
    """Returns how often a frame of an annotated video passes each stage, by the stage's name."""
    share = sum(one.scores.cams is not None for one in scene.results) / len(scene.results)
    once = (stages.DECODE, stages.FIND, stages.CROP, stages.DECIDE, stages.OVERLAY, stages.ENCODE)
    weights = {**dict.fromkeys(once, 1.0), INFER: 1 - share, INFER_CAMS: share}
    return {name: weight for name, weight in weights.items() if weight > 0}


def profile(
    clip: Clip, engine: Engine, /, *, config: RunConfig, folder: Path, seconds: float
) -> Profile:
    """Returns the profile of a clip; every stage is timed for so many seconds."""
    scene = make_scene(clip.path, engine, config=config)
    weights = stage_weights(scene)
    with Stages(scene, engine, folder=folder) as opened:
        metrics = tuple(
            step_metric(step, seconds=seconds, clip=clip.record.name)
            for step in opened.steps()
            if step.name in weights
        )
    parts: dict[str, Part] = {}
    for metric in metrics:
        weight, core_ms = weights[metric.name], metric.cpu_ms or 0.0
        # Both kinds of batch are one stage.
        name = INFER if metric.name == INFER_CAMS else metric.name
        before = parts.get(name, Part(name, 0.0, 0.0))
        parts[name] = Part(
            name,
            before.wall_ms + weight * metric.mean,
            before.core_ms + weight * core_ms,
        )
    return Profile(
        clip=clip.record.name,
        parts=tuple(parts.values()),
        cores=usable_cores(),
        metrics=metrics,
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
