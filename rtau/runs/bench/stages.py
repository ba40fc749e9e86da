"""Every stage of a run alone, on one clip: the stages before it made its input.

Each stage is a `Step` that goes on to the next frame with every call, so that a metric is of many
frames and not of one. Times nothing itself: `rtau bench` and the suites in `benchmarks/` do.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType

import numpy as np

from rtau.config import RunConfig
from rtau.data import Crops, Frame, FrameResult, Picture
from rtau.errors import UsageError
from rtau.execution.opencv_threads import single_threaded_opencv
from rtau.execution.strategies import FILE_BATCH, merges_next_batch
from rtau.faces.crops import cut
from rtau.overlay.canvas import canvas_of
from rtau.overlay.heatmap import HeatmapCache, draw_heatmap
from rtau.protocols import Engine
from rtau.runs.bench.metrics import Step
from rtau.runs.build import (
    build_pipeline,
    build_tracker,
    composer,
    decider,
    open_face_parts,
    table_rows,
    video_sink,
    view_controls,
)
from rtau.sinks.csv_file import CsvSink
from rtau.sources.video_file import VideoFileSource
from rtau.squares import squares_from_boxes

BATCHES = (1, 4, 8, 16, 32)
# Frames kept in memory: a second or two of video, 80 MB at 1280x720.
SCENE_FRAMES = 30
# Frames skipped at the start, while tracks are tentative.
WARM_UP_FRAMES = 10

# Names of the stages that every frame passes, in order.
DECODE, FIND, CROP, DECIDE, WRITE = "decode", "find", "crop", "decide", "write the table"
INFER, INFER_CAMS = "infer", "infer with heatmaps"
OVERLAY, ENCODE = "overlay with heatmap", "encode"
# Parts of them.
DETECT, ALIGN = "detect, whole frame", "align known faces"
HEATMAP, DRAW = "heatmap", "overlay"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A piece of a clip that was run once, so that every stage has its input."""

    clip: Path
    """The file."""
    results: tuple[FrameResult, ...]
    """Results of its frames, with heatmaps where a run refreshes them."""
    fps: float
    """Frames per second of video."""
    config: RunConfig
    """The settings of the run: `heatmap` is `top` where the model has heatmaps."""

    @property
    def faces(self) -> float:
        """Faces per frame that were found, on average."""
        return float(np.mean([len(result.faces) for result in self.results]))


def make_scene(
    clip: Path, engine: Engine, /, *, config: RunConfig, frames: int = SCENE_FRAMES
) -> Scene:
    """Returns the scene of a clip's first frames.

    Raises:
        SourceOpenError: no video.
        UsageError: no face in it, so that there is nothing to time.
    """
    controls = view_controls(config, engine.contract)
    pipeline = build_pipeline(engine, config=config, controls=controls)
    with VideoFileSource(clip) as source:
        fps = float(source.info.nominal_fps or 25)
        some = itertools.islice(source, WARM_UP_FRAMES + frames)
        results = [pipeline.step([frame])[0] for frame in some]
    kept = tuple(results[WARM_UP_FRAMES:] or results)
    if not any(len(result.faces) for result in kept):
        raise UsageError(
            f"{clip}: no face was found in its first {len(results)} frames, and stages cannot be "
            "timed without one; give another clip"
        )
    return Scene(clip=clip, results=kept, fps=fps, config=config)


class Stages:
    """The steps of a scene, as in a run over a file; a context that closes what they write."""

    def __init__(self, scene: Scene, engine: Engine, /, *, folder: Path) -> None:
        """Opens the detector only; `folder` is where files are written."""
        self.scene = scene
        self._engine = engine
        self._folder = folder
        self._open = ExitStack()
        self._faces = open_face_parts(scene.config)

    def __enter__(self) -> Stages:
        self._open.enter_context(single_threaded_opencv())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def steps(self) -> list[Step]:
        """Returns every stage, in the order a frame passes them."""
        decoding = _Decoding(self.scene.clip)
        self._open.callback(decoding.close)
        table = CsvSink(self._folder / "stage.csv", table_rows(self._engine.contract))
        self._open.enter_context(closing(table))
        encodings = self._encodings()
        self._open.callback(encodings.close)
        steps = [
            Step(DECODE, decoding.next, decoding.prepare),
            Step(DETECT, self._over(lambda result: self._faces.detector.detect(result.frame))),
            Step(ALIGN, self._over(self._align)),
            Step(FIND, _next_of(self._finds())),
            Step(CROP, self._over(self._crop)),
            *self.inferences(),
            Step(DECIDE, self._over(self._decider())),
            Step(WRITE, self._over(lambda result: table.write(result, None))),
        ]
        if self._engine.contract.has_cams:
            steps.append(Step(HEATMAP, _next_of(self._heatmaps())))
        return [
            *steps,
            Step(DRAW, self._over(self._composer(heatmap="none"))),
            Step(OVERLAY, self._over(self._composer())),
            Step(ENCODE, _next_of(encodings)),
        ]

    def inferences(self) -> list[Step]:
        """Returns the network by batch, and with the batch of a run: several frames at once."""
        crops = self._crop(next(result for result in self.scene.results if len(result.faces)))
        infer = self._engine.infer
        steps = [
            Step(infer_name(rows), functools.partial(infer, batch_of(crops, rows)), batch=rows)
            for rows in BATCHES
        ]
        frames = self._frames_of_a_batch()
        some = itertools.islice(itertools.cycle(self.scene.results), frames)
        rows = max(1, sum(len(result.faces) for result in some))
        batch = batch_of(crops, rows)
        kinds = [(INFER, False), (INFER_CAMS, True)]
        for name, cams in kinds if self._engine.contract.has_cams else kinds[:1]:
            run = functools.partial(infer, batch, cams=cams)
            steps.append(Step(name, run, units=frames, batch=rows))
        return steps

    def _frames_of_a_batch(self) -> int:
        frame, faces = self.scene.results[0].frame, round(FILE_BATCH * self.scene.faces)
        joins = merges_next_batch(faces, frame_px=frame.width * frame.height)
        return 2 * FILE_BATCH if joins else FILE_BATCH

    def _over(self, call: Callable[[FrameResult], object]) -> Callable[[], object]:
        """Returns the call of a function with the next result, over and over."""
        results = itertools.cycle(self.scene.results)
        return lambda: call(next(results))

    def _align(self, result: FrameResult) -> object:
        squares = squares_from_boxes(result.faces.boxes_xyxy)
        return self._faces.aligner.align(result.frame, squares)

    def _finds(self) -> Iterator[object]:
        """Finds faces in frame after frame; the video's time goes on from loop to loop."""
        tracker = build_tracker(self.scene.config, is_sequence=True, parts=self._faces)
        for index, result in enumerate(itertools.cycle(self.scene.results)):
            time_s = index / self.scene.fps
            yield tracker.track(Frame(index, time_s=time_s, picture=result.frame.picture))

    def _crop(self, result: FrameResult) -> Crops:
        contract = self._engine.contract
        return cut(result.frame, result.faces, rule=contract.crop, size=contract.input_size)

    def _decider(self) -> Callable[[FrameResult], object]:
        deciding = decider(self.scene.config, self._engine.contract)

        def decide(result: FrameResult) -> object:
            track_ids = result.faces.track_ids
            assert track_ids is not None, "a result has ids"
            return deciding.decide(
                result.scores.probabilities, track_ids=track_ids, time_s=result.frame.time_s
            )

        return decide

    def _heatmaps(self) -> Iterator[object]:
        """Colours the heatmaps of each frame that has new ones, and draws them over every face."""
        contract = self._engine.contract
        held = HeatmapCache(contract)
        for result in itertools.cycle(self.scene.results):
            canvas = canvas_of(result.frame)
            held.update(result, selection="top")
            ids = [] if result.faces.track_ids is None else result.faces.track_ids.tolist()
            for row, track_id in enumerate(ids):
                heat = held.of(track_id)
                if heat is not None:
                    place = result.frame_from_crop[row]
                    draw_heatmap(canvas, heat, frame_from_crop=place, crop_px=contract.input_size)
            yield canvas

    def _composer(self, *, heatmap: str | None = None) -> Callable[[FrameResult], Picture]:
        config, contract = self.scene.config, self._engine.contract
        if heatmap is not None:
            overlay = dataclasses.replace(config.overlay, heatmap=heatmap)
            config = dataclasses.replace(config, overlay=overlay)
        return composer(config, contract, view_controls(config, contract)).compose

    def _encodings(self) -> Generator[object, None, None]:
        """Writes annotated pictures to an mp4, sound included."""
        draw = self._composer()
        pictures = [(result, draw(result)) for result in self.scene.results]
        with VideoFileSource(self.scene.clip) as source:
            path, output = self._folder / "stage.mp4", self.scene.config.output
            sink = video_sink(path, source=source, output=output)
        with closing(sink):
            for index, (result, picture) in enumerate(itertools.cycle(pictures)):
                frame = dataclasses.replace(result.frame, time_s=index / self.scene.fps)
                sink.write(dataclasses.replace(result, frame=frame), picture)
                yield frame


def infer_name(rows: int, /) -> str:
    """Returns the name of the step that runs the network on so many faces in one call."""
    return f"infer, {rows} face{'' if rows == 1 else 's'}"


def batch_of(crops: Crops, rows: int, /) -> Crops:
    """Returns so many crops, the given ones repeated; only their number changes the time."""
    chosen = np.arange(rows) % len(crops)
    return Crops(
        images_rgb=crops.images_rgb[chosen],
        frame_from_crop=crops.frame_from_crop[chosen],
        face_rows=np.arange(rows, dtype=np.int64),
    )


class _Decoding:
    """Decodes a clip frame by frame, and opens it again at its end outside of the timed part."""

    def __init__(self, clip: Path) -> None:
        self._clip = clip
        self._source: VideoFileSource | None = None
        self._frames: Iterator[Frame] = iter(())
        self._left = 0

    def prepare(self) -> None:
        if self._left > 0:
            return
        self.close()
        self._source = VideoFileSource(self._clip)
        self._frames = iter(self._source)
        # Opening decodes the first frame, so it is taken here and not timed.
        next(self._frames, None)
        self._left = (self._source.info.frame_count or 2) - 1

    def next(self) -> Frame | None:
        self._left -= 1
        frame = next(self._frames, None)
        if frame is None:
            self._left = 0
        return frame

    def close(self) -> None:
        if self._source is not None:
            self._source.close()


def _next_of(values: Iterator[object]) -> Callable[[], object]:
    return lambda: next(values)
