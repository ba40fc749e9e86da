"""What `rtau bench` measures: stages, whole runs, live runs, fresh processes, and the peer.

Puts the other modules of the package together and returns one record; reports progress only
through the callback it is given. The scripts in `benchmarks/` use the same parts by themselves.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from rtau.backends import open_engine
from rtau.config import RunConfig, build
from rtau.errors import BackendUnavailable
from rtau.protocols import Engine
from rtau.runs.bench.clips import clip_record, compose
from rtau.runs.bench.live import PacedClip, run_live
from rtau.runs.bench.metrics import WARM_UPS, Cost, Metric, cost_metric, in_turn, step_metric
from rtau.runs.bench.peer import HOW_TO_INSTALL, NAME, find_peer_python, open_peer, write_frames
from rtau.runs.bench.processes import process_metrics
from rtau.runs.bench.record import BenchRecord, ClipRecord, PeerRecord, Threads, at_end, begin
from rtau.runs.bench.runs import KINDS, run_file
from rtau.runs.bench.stages import Stages, make_scene
from rtau.sources.video_file import VideoFileSource

Progress = Callable[[str], None]
Size = tuple[int, int]

DEFAULT_FACES = (1, 4)
DEFAULT_SIZES: tuple[Size, ...] = ((640, 360), (1280, 720))
# Decoded frames passed to the peer: 370 MB at 1920x1080.
PEER_FRAMES = 60
LEAST_RUNS = 3
LEAST_LIVE_S = 2.0
WARM_UP = f"{WARM_UPS} calls of every stage, one run of every kind, none of them counted"


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    model: str = "shufflenetv2-au14"
    """Bundled model or model file."""
    provider: str = "auto"
    """What runs it."""
    threads: int = 0
    """Threads of the network; 0 = the backend's choice."""
    clip: Path | None = None
    """Clip to measure on; None draws one."""
    faces: tuple[int, ...] = ()
    """Clips are composed with so many faces each; with `sizes` empty too, a clip stays as it is."""
    sizes: tuple[Size, ...] = ()
    """Width and height of the composed clips, px."""
    seconds: float = 1.0
    """Time for each metric."""
    frames: int = 150
    """Length of composed clips."""
    with_peer: bool = True
    """Whether to compare with the peer."""


def measure(plan: Plan, *, command: str, progress: Progress) -> BenchRecord:
    """Returns the record of everything in the plan; `progress` is called with each step's name.

    Raises:
        RtauError: the model, the clip or the machine does not allow it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rtau-bench-") as folder,
        closing(open_engine(plan.model, provider=plan.provider, threads=plan.threads)) as engine,
    ):
        return _Measurement(plan, engine, folder=Path(folder), progress=progress).record(command)


def settings_of(plan: Plan, engine: Engine, /) -> RunConfig:
    """Returns the settings of the runs that are measured: heatmaps are drawn if there are any."""
    return build(
        {
            ("model", "model"): plan.model,
            ("model", "provider"): plan.provider,
            ("model", "threads"): plan.threads,
            ("overlay", "heatmap"): "top" if engine.contract.has_cams else "none",
        }
    )


def clip_name(faces: int, size: Size, /) -> str:
    """Returns the name of a composed clip: `faces-4-1280x720`."""
    return f"faces-{faces}-{size[0]}x{size[1]}"


class _Measurement:
    """A benchmark in progress: what to measure with, and what was measured so far."""

    def __init__(self, plan: Plan, engine: Engine, *, folder: Path, progress: Progress) -> None:
        self._plan = plan
        self._engine = engine
        self._folder = folder
        self._progress = progress
        self._config = settings_of(plan, engine)
        self._clips: list[ClipRecord] = []
        self._metrics: list[Metric] = []
        self._peer: PeerRecord | None = None
        self._peer_threads: Threads | None = None
        self._notes: list[str] = []
        self._peer_python = find_peer_python() if plan.with_peer else None
        if plan.with_peer and self._peer_python is None:
            self._notes.append(f"{NAME} is not installed. To compare with it: {HOW_TO_INSTALL}")

    def record(self, command: str, /) -> BenchRecord:
        """Measures everything and returns the record."""
        plan = self._plan
        begun = begin("bench", command=command)
        paths = [self._measure(path, clip) for path, clip in self._given_clips()]
        self._progress("fresh processes")
        self._metrics += process_metrics(
            paths[0],
            model=plan.model,
            provider=plan.provider,
            folder=self._folder,
            times=LEAST_RUNS if plan.seconds >= 1 else 1,
        )
        sides = (Threads.of_rtau(self._engine), self._peer_threads)
        return begun(
            **at_end(),
            device=self._engine.device,
            model=self._engine.contract.name,
            threads=tuple(side for side in sides if side is not None),
            warm_up=WARM_UP,
            clips=tuple(self._clips),
            figures=tuple(self._metrics),
            peer=self._peer,
            notes=tuple(self._notes),
        )

    def _given_clips(self) -> Iterator[tuple[Path, ClipRecord]]:
        """Yields the clips of the plan; 0 faces means that they are not counted yet."""
        plan = self._plan
        if plan.clip is not None and not plan.faces and not plan.sizes:
            yield plan.clip, clip_record(plan.clip, faces=0)
            return
        sizes, faces = plan.sizes or DEFAULT_SIZES, plan.faces or DEFAULT_FACES
        for size, count in itertools.product(sizes, faces):
            path = self._folder / f"{clip_name(count, size)}.mp4"
            self._progress(f"{path.stem}: composing it")
            yield path, compose(plan.clip, path, faces=count, size=size, frames=plan.frames)

    def _measure(self, path: Path, clip: ClipRecord) -> Path:
        """Measures stages, whole runs and a live run of a clip, and returns its path."""
        scene = make_scene(path, self._engine, config=self._config)
        if clip.faces == 0:
            clip = dataclasses.replace(clip, faces=max(1, round(scene.faces)))
        elif round(scene.faces) != clip.faces:
            self._notes.append(f"{clip.name}: {scene.faces:.1f} of {clip.faces} faces were found")
        self._clips.append(clip)
        with Stages(scene, self._engine, folder=self._folder) as stages:
            for step in stages.steps():
                self._progress(f"{clip.name}: {step.name}")
                self._metrics.append(step_metric(step, seconds=self._plan.seconds, clip=clip.name))
        self._measure_runs(path, clip)
        self._progress(f"{clip.name}: live")
        source = PacedClip(path, seconds=max(LEAST_LIVE_S, 3 * self._plan.seconds))
        cost = run_live(source, self._engine, config=self._config)
        self._metrics += cost.metrics(clip=clip.name)
        return path

    def _measure_runs(self, path: Path, clip: ClipRecord) -> None:
        """Runs every kind and the peer in turn."""
        calls: dict[str, Callable[[], Cost]] = {}
        run = functools.partial(run_file, config=self._config, folder=self._folder)
        for kind, name in KINDS.items():
            if kind != "table with heatmaps" or self._engine.contract.has_cams:
                calls[name] = functools.partial(run, kind, path, self._engine)
        seconds = self._plan.seconds * len(calls)
        with ExitStack() as opened:
            if self._peer_python is not None:
                calls |= self._peer_call(path, clip, opened, python=self._peer_python)
            for name, call in calls.items():
                calls[name] = functools.partial(self._reported, f"{clip.name}: {name}", call)
            costs = in_turn(calls, rounds=LEAST_RUNS, seconds=seconds)
        self._metrics += [cost_metric(name, costs[name], clip=clip.name) for name in costs]

    def _reported(self, words: str, call: Callable[[], Cost]) -> Cost:
        self._progress(words)
        return call()

    def _peer_call(
        self, path: Path, clip: ClipRecord, opened: ExitStack, *, python: str
    ) -> dict[str, Callable[[], Cost]]:
        """Returns the call of the peer by its name; nothing, and a note, where it cannot run."""
        try:
            peer = opened.enter_context(open_peer(faces=clip.faces, python=python))
        except BackendUnavailable as error:
            self._peer_python = None
            self._notes.append(str(error))
            return {}
        self._peer = peer.record
        with VideoFileSource(path) as source:
            frames = itertools.islice(source, PEER_FRAMES)
            file = write_frames(frames, self._folder / "peer.npy", fps=clip.fps)

        def run() -> Cost:
            cost = peer.run(file)
            self._peer_threads = peer.threads
            return cost

        return {NAME: run}
