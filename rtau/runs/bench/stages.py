"""Every stage of a run alone, on one clip: what it is fed was made by the stages before it.

Each stage is a `Step` that goes on to the next frame whenever it is called, so that a figure is of
many frames and not of one. Times nothing itself: `rtau bench` and the suites in `benchmarks/` do.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from rtau.config import RunConfig
from rtau.data import Crops, Faces, Frame, FrameResult, Picture
from rtau.errors import UsageError
from rtau.execution.opencv_threads import single_threaded_opencv
from rtau.execution.strategies import FILE_BATCH, merges_next_batch
from rtau.faces.crops import cut
from rtau.faces.detectors import open_detector
from rtau.faces.landmarks import predict_from_landmarks
from rtau.faces.trackers import open_tracker
from rtau.overlay.canvas import canvas_of
from rtau.overlay.heatmap import HeldHeat, draw_heat
from rtau.protocols import Detector, Engine
from rtau.runs.bench.figures import Step
from rtau.runs.build import (
    build_face_tracker,
    build_pipeline,
    composer,
    csv_sink,
    decider,
    detection_policy,
    video_sink,
    view_controls,
)
from rtau.sources.video_file import VideoFileSource

BATCHES = (1, 4, 8, 16, 32)
# Frames kept in memory: a second or two of video, 80 MB at 1280x720.
SCENE_FRAMES = 30
# Frames skipped at the start, while faces are not confirmed yet.
SETTLING_FRAMES = 10

# Names of the stages that every frame passes, in order.
DECODE, FIND, CROP, DECIDE, WRITE = "decode", "find", "crop", "decide", "write the table"
INFER, INFER_CAMS = "infer", "infer with heatmaps"
OVERLAY, ENCODE = "overlay with heatmap", "encode"
# Parts of them.
DETECT, LOOK, TRACK = "detect, whole frame", "detect, around known faces", "track"
HEATMAP, DRAW = "heatmap", "overlay"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A piece of a clip that was run once, so that every stage has its input."""

    clip: Path
    """The file."""
    results: tuple[FrameResult, ...]
    """Its frames as a run left them; heatmaps on the frames where a run refreshes them."""
    fps: float
    """Frames per second of video."""
    config: RunConfig
    """The settings of the run: `heatmap` is `top` where the model has heatmaps."""

    @property
    def faces(self) -> float:
        """Faces per frame that were found, on average."""
        return float(np.mean([len(result.faces) for result in self.results]))

    @property
    def share_with_cams(self) -> float:
        """Share of the frames whose heatmaps are computed."""
        return float(np.mean([result.scores.cams is not None for result in self.results]))


def make_scene(
    clip: Path, engine: Engine, /, *, config: RunConfig, frames: int = SCENE_FRAMES
) -> Scene:
    """Returns the scene of a clip's first frames.

    Raises:
        SourceOpenError: no video.
        UsageError: no face in it, so that there is nothing to time.
    """
    controls = view_controls(config, engine.contract)
    pipeline = build_pipeline(
        engine, config=config, controls=controls, policy=detection_policy(config)
    )
    with VideoFileSource(clip) as source:
        rate = float(source.info.nominal_fps or 25)
        results = [
            pipeline.step([frame])[0]
            for frame in itertools.islice(source, SETTLING_FRAMES + frames)
        ]
    kept = tuple(results[SETTLING_FRAMES:] or results)
    if not any(len(result.faces) for result in kept):
        raise UsageError(
            f"{clip}: no face was found in its first {len(results)} frames, and stages cannot be "
            "timed without one; give another clip"
        )
    return Scene(clip=clip, results=kept, fps=rate, config=config)


class Stages:
    """The steps of a scene, as in a run over a file; a context that closes what they write."""

    def __init__(self, scene: Scene, engine: Engine, /, *, folder: Path) -> None:
        """Prepares nothing but the files; `folder` is where they are written."""
        self.scene = scene
        self._engine = engine
        self._folder = folder
        self._open = ExitStack()
        self._detector: Detector = open_detector(min_face=scene.config.find.min_face)

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
        steps = [
            self._decode(),
            Step(DETECT, self._over(self._detector.detect)),
            self._look(),
            Step(FIND, _calling(self._finds())),
            self._track(),
            Step(CROP, self._over_results(self._crop)),
            *self.inferences(),
            self._decide(),
            Step(WRITE, self._over_results(self._table())),
        ]
        if self._engine.contract.has_cams:
            steps.append(Step(HEATMAP, _calling(self._heatmaps())))
        return [
            *steps,
            Step(DRAW, self._over_results(self._composer(heatmap="none"))),
            Step(OVERLAY, self._over_results(self._composer(heatmap=None))),
            self._encode(),
        ]

    def _frames_of_a_batch(self) -> int:
        if self.scene.config.find.follow == "landmarks":
            return 1
        frame, faces = self.scene.results[0].frame, round(FILE_BATCH * self.scene.faces)
        joins = merges_next_batch(faces, frame_px=frame.width * frame.height)
        return 2 * FILE_BATCH if joins else FILE_BATCH

    def inferences(self) -> list[Step]:
        """Returns the network by batch, and a run's own batch: of so many frames at once.

        Where faces follow their landmarks a run judges one frame at a time.
        """
        together_frames = self._frames_of_a_batch()
        one = self._crop(self._seen()[0])
        steps = [
            Step(infer_name(rows), self._infer(batch_of(one, rows)), batch=rows) for rows in BATCHES
        ]
        frames = list(itertools.islice(itertools.cycle(self.scene.results), together_frames))
        rows = max(1, sum(len(result.faces) for result in frames))
        together = self._infer(batch_of(one, rows))
        steps.append(Step(INFER, together, per=together_frames, batch=rows))
        if self._engine.contract.has_cams:
            with_cams = self._infer(batch_of(one, rows), cams=True)
            steps.append(Step(INFER_CAMS, with_cams, per=together_frames, batch=rows))
        return steps

    def _seen(self) -> list[FrameResult]:
        return [result for result in self.scene.results if len(result.faces)]

    def _over(self, act: Callable[[Frame], object]) -> Callable[[], object]:
        return self._over_results(lambda result: act(result.frame))

    def _over_results(self, act: Callable[[FrameResult], object]) -> Callable[[], object]:
        results = itertools.cycle(self.scene.results)
        return lambda: act(next(results))

    def _decode(self) -> Step:
        decoding = _Decoding(self.scene.clip)
        self._open.callback(decoding.close)
        return Step(DECODE, decoding.next, decoding.prepare)

    def _look(self) -> Step:
        """Looks for the faces of each frame in the next one, as a run does."""
        pairs = itertools.cycle(itertools.pairwise(self.scene.results))

        def look() -> Faces:
            before, after = next(pairs)
            return self._detector.detect(after.frame, near=before.faces)

        return Step(LOOK, look)

    def _finds(self) -> Iterator[object]:
        """Finds faces in frame after frame; the clock of the video goes on from loop to loop."""
        config = self.scene.config
        face_tracker = build_face_tracker(config, policy=detection_policy(config))
        for index, result in enumerate(itertools.cycle(self.scene.results)):
            time_s = index / self.scene.fps
            found = face_tracker.track(Frame(index, time_s=time_s, picture=result.frame.picture))
            if config.find.follow == "landmarks" and len(found.faces) == len(result.faces):
                # The same faces in the same order, under the ids of this face tracker.
                face_tracker.predict(self._moved(result, track_ids=found.faces.track_ids))
            yield found

    def _moved(self, result: FrameResult, *, track_ids: npt.NDArray[np.int64] | None) -> Faces:
        """Returns the faces of a result where their landmarks put them, under other ids."""
        return predict_from_landmarks(
            Faces(boxes_xyxy=result.faces.boxes_xyxy, track_ids=track_ids),
            result.scores,
            frame_from_crop=result.frame_from_crop,
            contract=self._engine.contract,
        )

    def _track(self) -> Step:
        tracker = open_tracker("iou")
        ticks = itertools.count()

        def track(result: FrameResult) -> Faces:
            seen = Faces(boxes_xyxy=result.faces.boxes_xyxy, scores=result.faces.scores)
            return tracker.update(seen, time_s=next(ticks) / self.scene.fps)

        return Step(TRACK, self._over_results(track))

    def _crop(self, result: FrameResult) -> Crops:
        contract = self._engine.contract
        return cut(result.frame, result.faces, rule=contract.crop, size=contract.input_size)

    def _infer(self, crops: Crops, *, cams: bool = False) -> Callable[[], object]:
        return lambda: self._engine.infer(crops, cams=cams)

    def _decide(self) -> Step:
        deciding = decider(self.scene.config, self._engine.contract)

        def decide(result: FrameResult) -> object:
            track_ids = result.faces.track_ids
            assert track_ids is not None, "a result has ids"
            return deciding.decide(result.scores, track_ids=track_ids, time_s=result.frame.time_s)

        return Step(DECIDE, self._over_results(decide))

    def _heatmaps(self) -> Iterator[object]:
        """Colours the heatmaps of each frame that has new ones, and lays them over every face."""
        contract = self._engine.contract
        held = HeldHeat(contract)
        for result in itertools.cycle(self.scene.results):
            canvas = canvas_of(result.frame)
            held.update(result, selection="top")
            ids = [] if result.faces.track_ids is None else result.faces.track_ids.tolist()
            for row, track_id in enumerate(ids):
                heat = held.of(track_id)
                if heat is not None:
                    place = result.frame_from_crop[row]
                    draw_heat(canvas, heat, frame_from_crop=place, crop_px=contract.input_size)
            yield canvas

    def _composer(self, *, heatmap: str | None) -> Callable[[FrameResult], Picture]:
        config = self.scene.config
        if heatmap is not None:
            overlay = dataclasses.replace(config.overlay, heatmap=heatmap)
            config = dataclasses.replace(config, overlay=overlay)
        contract = self._engine.contract
        return composer(config, contract, view_controls(config, contract)).compose

    def _table(self) -> Callable[[FrameResult], object]:
        sink = csv_sink(self._folder / "stage.csv", contract=self._engine.contract)
        self._open.enter_context(closing(sink))
        return lambda result: sink.write(result, None)

    def _encode(self) -> Step:
        encodings = self._encodings()
        self._open.callback(encodings.close)
        return Step(ENCODE, _calling(encodings))

    def _encodings(self) -> Generator[object, None, None]:
        """Writes annotated pictures to an mp4, sound included."""
        draw = self._composer(heatmap=None)
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
    """Returns the name of the step that judges so many faces in one call."""
    return f"infer, {rows} face{'' if rows == 1 else 's'}"


def batch_of(crops: Crops, rows: int, /) -> Crops:
    """Returns so many crops, those given over and over; all the network sees is their number."""
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
        # Opening decodes the first frame, so that one is free; it is taken here.
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


def _calling(steps: Iterator[Any]) -> Callable[[], object]:
    """Returns a call that goes one step on."""
    return lambda: next(steps)


def stage_weights(scene: Scene) -> dict[str, float]:
    """Returns how often a frame of an annotated video passes each stage, by the stage's name."""
    share = scene.share_with_cams
    weights = {DECODE: 1.0, FIND: 1.0, CROP: 1.0, INFER: 1 - share, INFER_CAMS: share}
    weights |= {DECIDE: 1.0, OVERLAY: 1.0, ENCODE: 1.0}
    return {name: weight for name, weight in weights.items() if weight > 0}
