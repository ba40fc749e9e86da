"""Measures whether the speed targets are met, and the profile of a frame: `make bench-targets`.

Every ratio is of two things that ran in turn in this very run. Prints one table of targets and one
profile of an annotated video; `--write` keeps the record. A missed target is no error.

    PYTHONPATH=.:train:export python benchmarks/targets.py --rounds 7
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import tables
from benchmarks.compose_clips import EXAMPLE, Clip, composed
from benchmarks.measure import add_output_flags, keep_as_asked
from benchmarks.pairs import Costs, Limit, busy_loops, ratios
from benchmarks.reading import read_as_usual
from benchmarks.stage_profile import Profile, profile, profile_rows
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import bundled_models, open_engine
from rtau.config import RunConfig
from rtau.contract import read_sidecar
from rtau.errors import BackendUnavailable
from rtau.protocols import Engine
from rtau.runs.bench.clips import clip_record
from rtau.runs.bench.live import PacedClip, run_live
from rtau.runs.bench.metrics import Cost, Metric, cost_metric, in_turn, time_step
from rtau.runs.bench.peer import (
    HOW_TO_INSTALL,
    NAME,
    Peer,
    find_peer_python,
    open_peer,
    write_frames,
)
from rtau.runs.bench.processes import process_metrics
from rtau.runs.bench.record import Begun, BenchRecord, PeerRecord, Target, Threads, at_end, begin
from rtau.runs.bench.runs import KINDS, Kind, run_file
from rtau.runs.bench.stages import INFER, Stages, make_scene
from rtau.runs.bench.suite import Plan, Size, settings_of
from rtau.sources.video_file import VideoFileSource

SMALL: Size = (640, 360)
LARGE: Size = (1280, 720)
HUGE: Size = (1920, 1080)
# The size of LARGE with --smoke, where HUGE is SMALL.
TINY: Size = (320, 180)
MANY = 8
# Other jobs on the machine, in one comparison.
BUSY_LOOPS = 2
# The profile is taken in every round, each time for a part of the seconds.
PARTS = 3
# Time that the peer's metrics do not include.
READING = "reading frames for the peer"
MB = 1e6 / 2**20
VGG19_RECIPE = "vgg19-au12"

CSV_SMALL = Limit("file to CSV against the peer, 640x360, one face", "at least", 4.0, "x")
CSV_LARGE = Limit("file to CSV against the peer, 1280x720, one face", "at least", 4.0, "x")
CSV_HUGE = Limit("file to CSV against the peer, 1920x1080, one face", "at least", 3.5, "x")
CSV_MANY = Limit("file to CSV against the peer, 1280x720, eight faces", "at least", 6.0, "x")
CSV_BUSY = Limit("1280x720, one face, beside two busy loops", "at least", 4.0, "x")
# Processor time, decoding counted on both sides.
CORES_SMALL = Limit("core-ms against the peer, 640x360, one face", "at least", 3.0, "x")
CORES_LARGE = Limit("core-ms against the peer, 1280x720, one face", "at least", 2.7, "x")
CORES_MANY = Limit("core-ms against the peer, 1280x720, eight faces", "at least", 4.0, "x")
CAMS_SMALL = Limit("with all heatmaps, 640x360, one face", "at least", 3.5, "x")
CAMS_LARGE = Limit("with all heatmaps, 1280x720, one face", "at least", 3.5, "x")
FURTHER = Limit("each further face, over the batched network time of one", "at most", 1.15, "x")
VIDEO = Limit("annotated mp4 against bare decode and encode, 1280x720", "at least", 0.8, "x")
BOUND = Limit("annotated mp4 against what its stages allow", "at least", 0.85, "x")
CORES_BOUND = Limit("annotated mp4 against what the cores alone allow", "at least", 0.85, "x")
VGG19 = Limit("VGG19 INT8, file to CSV, 640x360, one face", "at least", 30.0, "fps")
LIVE = Limit("capture to overlay, p95, less the network's own time", "at most", 12.0, "ms")
FIRST = Limit("start to first result", "at most", 0.4, "s")
IMPORT = Limit("import rtau", "at most", 100.0, "ms")
MEMORY = Limit("resident memory, 1280x720, one face, peak", "at most", 200.0, "MB")


@dataclasses.dataclass(frozen=True)
class PeerLimits:
    """What the runs over one clip are compared with the peer by."""

    wall: Limit
    cores: Limit | None = None
    """Processor time, decoding counted on both sides."""
    cams: Limit | None = None
    """Wall time, with all heatmaps."""


@dataclasses.dataclass(frozen=True)
class Amount:
    """How much is measured."""

    rounds: int = 5
    frames: int = 250
    live_s: float = 20.0
    seconds: float = 1.5
    smoke: bool = False

    @property
    def many(self) -> int:
        """Faces where there are many."""
        return 2 if self.smoke else MANY

    @property
    def large(self) -> Size:
        """Size of the larger clips."""
        return TINY if self.smoke else LARGE

    @property
    def huge(self) -> Size:
        """Size of the largest clip."""
        return SMALL if self.smoke else HUGE


class Targets:
    """One measurement of all targets: what it measures with, and its metrics."""

    def __init__(self, engine: Engine, plan: Plan, *, amount: Amount, folder: Path) -> None:
        self.engine, self.plan, self.amount, self.folder = engine, plan, amount, folder
        self.config = settings_of(plan, engine)
        self.python = find_peer_python() if plan.with_peer else None
        self.why_no_peer = f"{NAME} is not installed; install it: {HOW_TO_INSTALL}"
        self.peer: PeerRecord | None = None
        self.peer_threads: Threads | None = None
        self.clips: dict[str, Clip] = {}
        self.metrics: list[Metric] = []
        self.profile: Profile | None = None

    def all(self, *, base: Path, vgg19: str | None) -> Iterator[Target]:
        """Yields every target as soon as it is measured."""
        small, large = self._small(base), self._composed(1, self.amount.large, base)
        huge = self._composed(1, self.amount.huge, base)
        many = self._composed(self.amount.many, self.amount.large, base)
        with busy_loops(BUSY_LOOPS):
            yield from self._compared_with_peer(large, PeerLimits(CSV_BUSY), are_kept=False)
        yield from self._compared_with_peer(small, PeerLimits(CSV_SMALL, CORES_SMALL, CAMS_SMALL))
        yield from self._compared_with_peer(large, PeerLimits(CSV_LARGE, CORES_LARGE, CAMS_LARGE))
        yield from self._compared_with_peer(huge, PeerLimits(CSV_HUGE))
        yield from self._compared_with_peer(many, PeerLimits(CSV_MANY, CORES_MANY))
        yield self._further_face(large, many)
        yield from self._video(large)
        yield self._vgg19(small, vgg19)
        yield self._live(large)
        yield from self._processes(large)

    def _small(self, base: Path) -> Clip:
        """Returns the base itself where it has the small size; otherwise composed from it."""
        record = clip_record(base, faces=1)
        if (record.width, record.height) != SMALL:
            return self._composed(1, SMALL, base)
        clip = Clip(base, record)
        self.clips[record.name] = clip
        return clip

    def _composed(self, faces: int, size: Size, base: Path) -> Clip:
        cache = {"cache": self.folder} if self.amount.smoke else {}
        clip = composed(faces, size, frames=self.amount.frames, base=base, **cache)
        self.clips[clip.record.name] = clip
        return clip

    def _run(self, kind: Kind, clip: Clip, engine: Engine | None = None) -> Cost:
        # A clip that is given may be long; those that are composed are as long as this.
        source = dataclasses.replace(self.config.source, max_frames=self.amount.frames)
        config: RunConfig = dataclasses.replace(self.config, source=source)
        return run_file(kind, clip.path, engine or self.engine, config=config, folder=self.folder)

    def _keep(self, costs: Costs, clip: Clip) -> None:
        name = clip.record.name
        self.metrics += [cost_metric(what, found, clip=name) for what, found in costs.items()]

    def _compared_with_peer(
        self, clip: Clip, limits: PeerLimits, /, *, are_kept: bool = True
    ) -> Iterator[Target]:
        asked = [limit for limit in (limits.wall, limits.cams) if limit is not None]
        with ExitStack() as opened:
            peer = self._open_peer(clip.record.faces, opened)
            if peer is None:
                every = (limits.wall, limits.cores, limits.cams)
                yield from (limit.skip(self.why_no_peer) for limit in every if limit is not None)
                return
            with VideoFileSource(clip.path) as source:
                frames = itertools.islice(source, self.amount.frames)
                file = write_frames(frames, self.folder / "peer.npy", fps=clip.record.fps)
            kinds: dict[str, Kind] = {KINDS["table"]: "table"}
            if limits.cams is not None:
                kinds[KINDS["table with heatmaps"]] = "table with heatmaps"
            calls = {READING: lambda: read_as_usual(clip.path, frames=self.amount.frames)}
            for name, kind in kinds.items():
                calls[name] = lambda kind=kind: self._run(kind, clip)
                calls[f"{NAME} after {name}"] = lambda: peer.run(file)
            costs = in_turn(calls, rounds=self.amount.rounds)
            self.peer, self.peer_threads = peer.record, peer.threads
        if are_kept:
            self._keep(costs, clip)
        for limit, name in zip(asked, kinds, strict=True):
            ours, theirs, read = costs[name], costs[f"{NAME} after {name}"], costs[READING]
            both = [(a.ms + b.ms) / c.ms for a, b, c in zip(theirs, read, ours, strict=True)]
            counted = f"{statistics.median(both):.2f} x with decoding on both sides"
            yield limit.target(ratios(theirs, ours), note=f"{_both(ours, theirs)}; {counted}")
            if limit is limits.wall and limits.cores is not None:
                rows = zip(theirs, read, ours, strict=True)
                yield limits.cores.target([(a.cpu_ms + b.cpu_ms) / c.cpu_ms for a, b, c in rows])

    def _open_peer(self, faces: int, opened: ExitStack) -> Peer | None:
        """Returns the running peer; None, and why, where there is none."""
        if self.python is None:
            return None
        try:
            return opened.enter_context(open_peer(faces=faces, python=self.python))
        except BackendUnavailable as error:
            self.python, self.why_no_peer = None, str(error)
            return None

    def _further_face(self, one: Clip, many: Clip) -> Target:
        """Compares what eight faces cost over one with the network's time for as many."""
        count = many.record.faces - one.record.faces
        scene = make_scene(many.path, self.engine, config=self.config)
        with Stages(scene, self.engine, folder=self.folder) as stages:
            step = next(step for step in stages.inferences() if step.name == INFER)
            by_face = dataclasses.replace(step, units=step.batch or 1)

            def network() -> Cost:
                costs = time_step(by_face, seconds=self.amount.seconds, warm_ups=1)
                return sorted(costs, key=lambda cost: cost.ms)[len(costs) // 2]

            calls = {
                "few": lambda: self._run("table", one),
                "many": lambda: self._run("table", many),
                "network": network,
            }
            costs = in_turn(calls, rounds=self.amount.rounds)
        values = [
            (many_.ms - few.ms) / count / alone.ms
            for few, many_, alone in zip(*costs.values(), strict=True)
        ]
        alone_ms = statistics.median(cost.ms for cost in costs["network"])
        return FURTHER.target(values, note=f"the network takes {alone_ms:.2f} ms a face")

    def _video(self, clip: Clip) -> Iterator[Target]:
        kinds: tuple[Kind, ...] = ("video", "bare video")
        calls = {KINDS[kind]: lambda kind=kind: self._run(kind, clip) for kind in kinds}
        profiles: list[Profile] = []

        def allowed() -> Cost:
            seconds = self.amount.seconds / PARTS
            how = {"config": self.config, "folder": self.folder, "seconds": seconds}
            profiles.append(profile(clip, self.engine, **how))
            return Cost(1, profiles[-1].bound_ms / 1e3, cpu_s=profiles[-1].core_ms / 1e3)

        costs = in_turn({**calls, BOUND.name: allowed}, rounds=self.amount.rounds)
        bounds = costs.pop(BOUND.name)
        self._keep(costs, clip)
        video, bare = (costs[KINDS[kind]] for kind in kinds)
        yield VIDEO.target(ratios(bare, video))
        self.profile = sorted(profiles[1:], key=lambda one: one.bound_ms)[len(bounds) // 2]
        self.metrics += self.profile.metrics
        what = f"{1e3 / self.profile.bound_ms:.0f} fps, by {self.profile.bound_by}"
        yield BOUND.target(ratios(bounds, video), note=f"they allow {what}")
        by_cores_ms = [cost.cpu_ms / self.profile.cores for cost in bounds]
        yield CORES_BOUND.target([a / b.ms for a, b in zip(by_cores_ms, video, strict=True)])

    def _vgg19(self, clip: Clip, model: str | None) -> Target:
        if self.amount.smoke and model is None:
            return VGG19.skip("--smoke makes no VGG19; name a file with --vgg19")
        model = model or find_vgg19() or _untrained_vgg19(self.folder)
        how = {"provider": self.plan.provider, "threads": self.plan.threads}
        with closing(open_engine(model, **how)) as engine:
            name = engine.contract.name
            calls = {name: lambda: self._run("table", clip, engine)}
            costs = in_turn(calls, rounds=self.amount.rounds)
        self._keep(costs, clip)
        (found,) = costs.values()
        return VGG19.target(
            [cost.fps for cost in found], note=f"{name}, {found[0].faces:.2f} faces"
        )

    def _live(self, clip: Clip) -> Target:
        source = PacedClip(clip.path, seconds=self.amount.live_s)
        cost = run_live(source, self.engine, config=self.config)
        found = cost.metrics(clip=clip.record.name)
        self.metrics += found
        infer_ms = statistics.median(cost.infer_ms)
        note = f"the network takes {infer_ms:.1f} ms; {cost.dropped} of {cost.captured} dropped"
        return LIVE.target([max(0.0, found[0].p95 - infer_ms)], note=note)

    def _processes(self, clip: Clip) -> Iterator[Target]:
        found = process_metrics(
            clip.path,
            model=self.plan.model,
            provider=self.plan.provider,
            folder=self.folder,
            times=self.amount.rounds,
        )
        self.metrics += found
        by_name = {metric.name: metric for metric in found}
        yield FIRST.target(by_name["start to first result"].samples)
        yield IMPORT.target(by_name["import rtau"].samples)
        peak = by_name.get("resident memory, peak")
        if peak is None:
            yield MEMORY.skip("this system does not report a process's memory")
        else:
            yield MEMORY.target([peak.p50 / MB])


def find_vgg19() -> str | None:
    """Returns the name of a bundled VGG19 of precision INT8; None where there is none."""
    for name, path in bundled_models().items():
        contract = read_sidecar(path)
        if contract.network.startswith("vgg19") and contract.precision == "int8":
            return name
    return None


def _untrained_vgg19(folder: Path) -> str:
    """Returns a VGG19 of precision INT8 with random weights: as fast as a trained one."""
    # Here, because these need onnx and torch.
    from benchmarks.int8_files import write_int8  # noqa: PLC0415
    from benchmarks.random_weights import untrained_recipe, write_float32  # noqa: PLC0415

    path = folder / f"{VGG19_RECIPE}-random-weights.onnx"
    model = untrained_recipe(VGG19_RECIPE)
    return str(write_int8(write_float32(model, path, cam_method="gradcam"), folder))


def record_of(found: Targets, targets: list[Target], begun: Begun) -> BenchRecord:
    """Returns the record of a measurement."""
    sides = (Threads.of_rtau(found.engine), found.peer_threads)
    return begun(
        **at_end(),
        device=found.engine.device,
        model=found.engine.contract.name,
        threads=tuple(side for side in sides if side is not None),
        warm_up="one round of every comparison that is not counted",
        clips=tuple(clip.record for clip in found.clips.values()),
        figures=tuple(found.metrics),
        peer=found.peer,
        targets=tuple(targets),
    )


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description="Measure the speed targets.")
    parser.add_argument("--clip", type=Path, default=EXAMPLE, help="a clip of one face")
    parser.add_argument("--rounds", type=int, default=Amount.rounds, metavar="N")
    parser.add_argument("--frames", type=int, default=Amount.frames, metavar="N")
    parser.add_argument(
        "--vgg19",
        metavar="MODEL",
        help="a VGG19 of precision int8; default: a bundled one, else one with random weights",
    )
    parser.add_argument("--peer", choices=("auto", "none"), default="auto")
    parser.add_argument("--smoke", action="store_true", help="run all code once, briefly")
    add_output_flags(parser)
    arguments = parser.parse_args()
    amount = Amount(rounds=arguments.rounds, frames=arguments.frames)
    if arguments.smoke:
        amount = Amount(rounds=1, frames=20, live_s=2.0, seconds=0.01, smoke=True)
    begun = begin("targets", command=" ".join(["python", *sys.argv]))
    plan = Plan(with_peer=arguments.peer == "auto")
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_engine(plan.model, provider=plan.provider)) as engine,
    ):
        found = Targets(engine, plan, amount=amount, folder=Path(folder))
        targets = []
        for target in found.all(base=arguments.clip, vgg19=arguments.vgg19):
            targets.append(target)
            sys.stderr.write(f"{target.name}: {target.measured} ({target.wanted})\n")
        record = record_of(found, targets, begun)
    lines = [*tables.target_rows(record.targets)]
    if found.profile is not None:
        lines += ["", *profile_rows(found.profile)]
    sys.stdout.write("\n".join(lines) + "\n")
    keep_as_asked(record, arguments)
    return 0


def _both(ours: list[Cost], theirs: list[Cost]) -> str:
    """Returns how fast each side was and how many faces it found: the work must be the same."""
    found = [statistics.mean(cost.faces for cost in side) for side in (ours, theirs)]
    fps = [statistics.median(cost.fps for cost in side) for side in (ours, theirs)]
    core_ms = [statistics.median(cost.cpu_ms for cost in side) for side in (ours, theirs)]
    return (
        f"{fps[0]:.0f} fps to {fps[1]:.0f}; core-ms a frame {core_ms[0]:.1f} to {core_ms[1]:.1f}; "
        f"faces found {found[0]:.2f} to {found[1]:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
