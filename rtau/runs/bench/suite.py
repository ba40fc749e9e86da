"""What `rtau bench` measures: stages, whole runs, live runs, fresh processes, and the peer beside.

Puts the other modules of the package together and hands back one record; prints only through the
`say` it is given. The scripts in `benchmarks/` use the same parts by themselves.
"""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from rtau.backends import open_engine
from rtau.config import RunConfig, build
from rtau.errors import BackendUnavailable
from rtau.protocols import Engine
from rtau.runs.bench import processes
from rtau.runs.bench.clips import clip_record, compose
from rtau.runs.bench.context import Context, own_threads
from rtau.runs.bench.figures import WARM_UPS, Figure, figure, step_figure
from rtau.runs.bench.live import LIVE_FPS, LiveCost, PacedClip, run_live
from rtau.runs.bench.peer import HOW_TO_GET, NAME, FrameFile, Peer, find_peer_python, write_frames
from rtau.runs.bench.record import BenchRecord, ClipRecord, PeerRecord, Threads
from rtau.runs.bench.runs import KINDS, Cost, Kind, run_file
from rtau.runs.bench.stages import Stages, make_scene
from rtau.sources.video_file import VideoFileSource

Say = Callable[[str], None]
Size = tuple[int, int]

DEFAULT_FACES = (1, 4)
DEFAULT_SIZES: tuple[Size, ...] = ((640, 360), (1280, 720))
# Decoded frames handed to the peer: 370 MB at 1920x1080.
PEER_FRAMES = 60
LEAST_RUNS = 3
LEAST_LIVE_S = 2.0
LATENCY = "live, capture to overlay"
WARM_UP = f"{WARM_UPS} calls of every stage, one run of every kind, none of them counted"


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    model: str = "shufflenetv2-au12"
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
    """Time for each figure."""
    frames: int = 150
    """Length of composed clips."""
    with_peer: bool = True
    """Whether the peer is asked too."""


def measure(plan: Plan, *, command: str, say: Say) -> BenchRecord:
    """Returns the record of everything the plan asks for; `say` is told what is being done.

    Raises:
        RtauError: the model, the clip or the machine does not allow it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rtau-bench-") as folder,
        closing(open_engine(plan.model, provider=plan.provider, threads=plan.threads)) as engine,
    ):
        return _Measurement(plan, engine, folder=Path(folder), say=say).record(command)


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


def cost_figures(name: str, costs: list[Cost], /, *, clip: str | None) -> Figure:
    """Returns the figure of some runs: ms per frame, a sample a run."""
    cpu_ms = sum(cost.cpu_ms for cost in costs) / len(costs)
    return figure(name, [cost.ms for cost in costs], clip=clip, cpu_ms=cpu_ms)


def live_figures(cost: LiveCost, /, *, clip: str | None) -> list[Figure]:
    """Returns the figures of a live run: age of the overlay, and frames that were lost."""
    return [
        figure(LATENCY, cost.latencies_ms, clip=clip),
        figure("live, frames dropped", [float(cost.dropped)], unit="frames", clip=clip),
        figure("live, frames captured", [float(cost.captured)], unit="frames", clip=clip),
    ]


def process_figures(clip: Path, /, *, plan: Plan, folder: Path, times: int) -> list[Figure]:
    """Returns what fresh processes cost: the import, the first result, memory of a run."""
    how = {"model": plan.model, "provider": plan.provider}
    imports = [processes.import_s() * 1e3 for _ in range(times)]
    firsts = [processes.first_result_s(clip, **how) for _ in range(times)]
    memory = processes.run_memory(clip, folder / "memory.csv", **how)
    found = [
        figure("import rtau", imports),
        figure("start to first result", firsts, unit="s"),
    ]
    if memory is not None:
        found.append(figure("resident memory, peak", [memory.peak_mib], unit="MiB"))
    return found


class _Measurement:
    """One benchmark under way: what to measure with, and what was found so far."""

    def __init__(self, plan: Plan, engine: Engine, *, folder: Path, say: Say) -> None:
        self._plan = plan
        self._engine = engine
        self._folder = folder
        self._say = say
        self._config = settings_of(plan, engine)
        self._clips: list[ClipRecord] = []
        self._figures: list[Figure] = []
        self._peer: PeerRecord | None = None
        self._peer_threads: Threads | None = None
        self._notes: list[str] = []
        self._peer_python = find_peer_python() if plan.with_peer else None
        if plan.with_peer and self._peer_python is None:
            self._notes.append(f"{NAME} is not installed here. To compare: {HOW_TO_GET}")

    def record(self, command: str, /) -> BenchRecord:
        """Measures everything and returns the record."""
        context = Context.begin("bench", command=command)
        first: Path | None = None
        for path, clip in self._given_clips():
            first = first or path
            self._measure(path, clip)
        if first is not None:
            self._say("fresh processes")
            times = LEAST_RUNS if self._plan.seconds >= 1 else 1
            self._figures += process_figures(
                first, plan=self._plan, folder=self._folder, times=times
            )
        sides = (own_threads(self._engine), self._peer_threads)
        return context.record(
            device=self._engine.device,
            model=self._engine.contract.name,
            threads=[side for side in sides if side is not None],
            warm_up=WARM_UP,
            clips=self._clips,
            figures=self._figures,
            peer=self._peer,
            notes=self._notes,
        )

    def _given_clips(self) -> Iterator[tuple[Path, ClipRecord]]:
        """Yields the clips of the plan; 0 faces means that they are to be counted."""
        plan = self._plan
        if plan.clip is not None and not plan.faces and not plan.sizes:
            yield plan.clip, clip_record(plan.clip, faces=0)
            return
        sizes, faces = plan.sizes or DEFAULT_SIZES, plan.faces or DEFAULT_FACES
        for size, count in itertools.product(sizes, faces):
            path = self._folder / f"{clip_name(count, size)}.mp4"
            self._say(f"{path.stem}: composing it")
            yield path, compose(plan.clip, path, faces=count, size=size, frames=plan.frames)

    def _measure(self, path: Path, clip: ClipRecord) -> None:
        scene = make_scene(path, self._engine, config=self._config)
        if clip.faces == 0:
            clip = dataclasses.replace(clip, faces=max(1, round(scene.faces)))
        elif round(scene.faces) != clip.faces:
            self._notes.append(f"{clip.name}: {scene.faces:.1f} of {clip.faces} faces were found")
        self._clips.append(clip)
        with Stages(scene, self._engine, folder=self._folder) as stages:
            for step in stages.steps():
                self._say(f"{clip.name}: {step.name}")
                self._figures.append(step_figure(step, seconds=self._plan.seconds, clip=clip.name))
        self._measure_runs(path, clip)
        self._say(f"{clip.name}: live")
        seconds = max(LEAST_LIVE_S, 3 * self._plan.seconds)
        source = PacedClip(path, fps=LIVE_FPS, seconds=seconds)
        cost = run_live(source, self._engine, config=self._config, seconds=seconds)
        self._figures += live_figures(cost, clip=clip.name)

    def _measure_runs(self, path: Path, clip: ClipRecord) -> None:
        """Runs every kind and the peer in turn, so that a busy machine slows all of them alike."""
        kinds: list[Kind] = [
            kind
            for kind in KINDS
            if kind != "table with heatmaps" or self._engine.contract.has_cams
        ]
        costs: dict[Kind, list[Cost]] = {kind: [] for kind in kinds}
        theirs: list[Cost] = []
        with ExitStack() as opened:
            peer = self._open_peer(clip.faces, opened)
            file = self._peer_frames(path, clip) if peer is not None else None
            started_s = time.monotonic()
            while len(theirs or costs["table"]) < LEAST_RUNS + 1 or (
                time.monotonic() - started_s < self._plan.seconds * len(kinds)
            ):
                for kind in kinds:
                    self._say(f"{clip.name}: {KINDS[kind]}")
                    cost = run_file(
                        kind, path, self._engine, config=self._config, folder=self._folder
                    )
                    costs[kind].append(cost)
                if peer is not None and file is not None:
                    self._say(f"{clip.name}: {NAME}")
                    theirs.append(peer_cost(peer, file))
                    self._peer_threads = peer.thread_counts
        self._figures += [
            cost_figures(KINDS[kind], found[1:], clip=clip.name) for kind, found in costs.items()
        ]
        if theirs:
            self._figures.append(cost_figures(NAME, theirs[1:], clip=clip.name))

    def _open_peer(self, faces: int, opened: ExitStack) -> Peer | None:
        if self._peer_python is None:
            return None
        try:
            peer = opened.enter_context(Peer(faces=faces, python=self._peer_python))
        except BackendUnavailable as error:
            self._peer_python = None
            self._notes.append(str(error))
            return None
        self._peer = peer.record
        return peer

    def _peer_frames(self, path: Path, clip: ClipRecord) -> FrameFile:
        with VideoFileSource(path) as source:
            frames = list(itertools.islice(source, PEER_FRAMES))
        return write_frames(frames, self._folder / "peer.npy", fps=clip.fps)


def peer_cost(peer: Peer, file: FrameFile, /) -> Cost:
    """Returns what the peer took for the frames of a file; decoding is not in it."""
    run = peer.run(file)
    return Cost(run.frames, run.wall_s, cpu_s=run.cpu_s, faces=run.faces / run.frames)
