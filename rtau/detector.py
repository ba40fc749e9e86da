"""The front door for Python: images, videos and cameras in; results and tables out.

Made of the parts the command line uses, so both give the same numbers. Opens one model, which all
calls share; keeps nothing of one call for the next but the neutral face that it was given.
"""

from __future__ import annotations

import contextlib
import functools
import os
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rtau.backends.shared import SharedEngine
from rtau.baseline import Baseline, Neutrals, Span
from rtau.config import DecideBy, Policy, RunConfig, build
from rtau.contract import ModelContract
from rtau.data import Frame, FrameResult
from rtau.errors import UsageError
from rtau.execution.runner import Runner
from rtau.execution.shared_run import SharedRun
from rtau.runs.build import (
    FaceParts,
    build_pipeline,
    build_runner,
    check_tables,
    open_face_parts,
    view_controls,
)
from rtau.runs.neutrals import baseline_of, neutrals_from, neutrals_in
from rtau.runs.session import LoadedModel, load_model
from rtau.runs.tables import Progress, table_of_files
from rtau.seats import parse_seats, seat_text
from rtau.sources import kind_of, open_file, open_source, target_of
from rtau.sources.image_input import picture_from
from rtau.status import NO_HEATMAP, TOP_HEATMAP, ViewControls
from rtau.table import Table

_DEFAULTS = RunConfig()
_FIND, _MODEL, _DECIDE = _DEFAULTS.find, _DEFAULTS.model, _DEFAULTS.decide
_SOURCE, _OVERLAY = _DEFAULTS.source, _DEFAULTS.overlay

Results = Generator[FrameResult, None, None]
_Path = str | os.PathLike[str]


class Detector:
    """Finds the faces of images, videos and cameras and scores their Action Units.

    May be used from any thread; calls of several threads take turns at the model. A process that
    was forked must make its own; a pickled detector opens its model again where it is unpickled.
    """

    _neutral: Neutrals | None = None
    _is_closed = False

    def __init__(  # noqa: PLR0913 - the settings of `rtau.config` that a program needs
        self,
        model: str | os.PathLike[str] = _MODEL.model,
        *,
        provider: str = _MODEL.provider,
        threads: int = _MODEL.threads,
        min_face: str = _FIND.min_face,
        detect_every: float = _FIND.detect_every,
        min_confidence: float = _FIND.min_confidence,
        max_faces: int = _FIND.max_faces,
        seats: Mapping[str, Sequence[float]] | None = None,
        smooth: float = _DECIDE.smooth,
        hysteresis: float = _DECIDE.hysteresis,
        decide_by: DecideBy = _DECIDE.decide_by,
        heatmaps: bool = False,
        heatmap_hz: float = _OVERLAY.heatmap_hz,
        sides: bool = False,
    ) -> None:
        """Opens the model; the settings are those of the command line (`rtau video --help`).

        Args:
            model: a bundled model's name or a model file.
            provider: what must execute it (cpu, cuda, ...); `auto` for the best that works.
            threads: threads for the model; 0 is the backend's choice.
            min_face: smallest face looked for: px (`60`), a share of the height (`12%`) or `auto`.
            detect_every: seconds of video between searches for new faces; 0 searches every frame.
            min_confidence: least probability that a reported face is a face.
            max_faces: faces reported per frame at most, the largest first; 0 reports all.
            seats: named regions, x0, y0, x1, y1 in fractions: `{"left": (0, 0, 0.5, 1)}`.
            smooth: time constant of a moving average over probabilities, seconds; 0 is off.
            hysteresis: share of its threshold by which an active AU may fall under it and stay
                active.
            decide_by: `p`, or `n` for what is relative to a person's neutral.
            heatmaps: compute where in the face each AU is seen: `face.heatmap("AU12")`.
            heatmap_hz: how often, per second of video; images always have them.
            sides: tell left from right: `face.sides["AU12"]`; three times the network's time.

        Raises:
            RtauError: no such model, or a setting that is not allowed; nothing is left open.
        """
        self._given: dict[tuple[str, str], Any] = {
            ("model", "model"): os.fspath(model),
            ("model", "provider"): provider,
            ("model", "threads"): threads,
            ("find", "min_face"): min_face,
            ("find", "detect_every"): detect_every,
            ("find", "min_confidence"): min_confidence,
            ("find", "max_faces"): max_faces,
            ("find", "seat"): tuple(seat_text(*seat) for seat in (seats or {}).items()),
            ("decide", "smooth"): smooth,
            ("decide", "hysteresis"): hysteresis,
            ("decide", "decide_by"): decide_by,
            ("overlay", "heatmap"): TOP_HEATMAP if heatmaps else NO_HEATMAP,
            ("overlay", "heatmap_hz"): heatmap_hz,
            ("output", "sides"): sides,
        }
        config = self._config()
        self._faces, self._model, self._lock = _opened(config)
        self._process_id, self._running = os.getpid(), weakref.WeakSet[SharedRun]()
        self._controls = self._view_controls(config)

    @property
    def contract(self) -> ModelContract:
        """What the model expects and returns: labels, thresholds, task, origin."""
        return self._model.engine.contract

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the model's order: `AU01`, ... or emotions."""
        return self.contract.labels

    @property
    def device(self) -> str:
        """What the model really runs on, for people."""
        return self._model.engine.device

    def neutral(
        self, path: _Path | None, *, seconds: tuple[float, float] | None = None
    ) -> Neutrals | None:
        """Takes a person's neutral face for all later calls, which then give `face.au_n`.

        Args:
            path: a picture or a clip of one person, a `.neutral.toml`, or None for no neutral.
            seconds: of a video in which every face is neutral: a neutral per track or seat of it.

        Raises:
            UsageError: the face moves, turns or smiles, or there are several.
        """
        self._check_usable()
        config, engine = self._config(), self._model.engine
        if path is None:
            self._neutral = None
        elif seconds is None:
            self._neutral = neutrals_from(Path(path), config, engine)
        else:
            taken = neutrals_in(open_file(Path(path)), config, engine, span=Span(*seconds))
            self._neutral = taken.neutrals
        return self._neutral

    def detect(self, image: Any, *, color: str = "bgr") -> FrameResult:
        """Returns the faces of one still image; no face of one call is related to another's.

        Args:
            image: a NumPy array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of integers 0 to 255,
                uint16 0 to 65535 or floats 0 to 1; a PIL image; a CPU tensor (H, W, C) or
                (C, H, W); a path; the bytes of an image file.
            color: order of the channels of arrays and tensors, `bgr` as in OpenCV, or `rgb`.

        Raises:
            UsageError: the image is not understood; the text says how to convert it.
            SourceOpenError: a path or bytes that hold no image that can be read.
        """
        self._check_usable()
        frame = Frame(index=0, time_s=0.0, picture=picture_from(image, color=color))
        with self._lock:  # OpenCV's detector is not thread-safe
            pipeline = build_pipeline(
                self._model.engine,
                config=self._config(),
                controls=self._controls,
                is_sequence=False,
                parts=self._faces,
                baseline=self._baseline(),
            )
            return pipeline.step([frame])[0]

    def detect_video(
        self, path: str | os.PathLike[str], *, max_frames: int | None = None
    ) -> Results:
        """Yields a result per frame of a video file, tracked, at the file's own times.

        Leaving the loop closes the file and ends all threads.

        Raises:
            SourceOpenError: when the loop begins: the file cannot be opened.
        """
        return self._results(target_of(path), "video", {}, max_frames=max_frames)

    def camera(
        self,
        target: int | str = 0,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        timeout_s: float = _SOURCE.timeout_s,
        policy: Policy = _SOURCE.policy,
        max_frames: int | None = None,
    ) -> Results:
        """Yields the newest results of a camera, tracked; frames nobody could take are dropped.

        Args:
            target: index, device such as `/dev/video0`, or GStreamer pipeline.
            width: to ask for, px.
            height: to ask for, px.
            fps: to ask for, frames per second.
            timeout_s: longest wait for a frame, seconds.
            policy: `wait` to lose no frame, and fall behind where the loop is slow.
            max_frames: ends after so many.

        Raises:
            SourceOpenError: when the loop begins: the camera cannot be opened.
            SourceError: it was unplugged.
        """
        mode = {"width": width, "height": height, "fps": fps, "timeout_s": timeout_s}
        return self._results(str(target), "camera", mode, policy=policy, max_frames=max_frames)

    def stream(
        self,
        url: str,
        *,
        timeout_s: float = _SOURCE.timeout_s,
        reconnects: int = _SOURCE.reconnects,
        policy: Policy = _SOURCE.policy,
        max_frames: int | None = None,
    ) -> Results:
        """Yields the newest results of a network stream (`rtsp://...`), as `camera` does.

        Args:
            url: where it is.
            timeout_s: longest wait for a frame, seconds.
            reconnects: how often in a row a lost stream is opened again.
            policy: as for `camera`.
            max_frames: ends after so many.

        Raises:
            SourceOpenError: when the loop begins: the stream cannot be opened.
            SourceError: it was lost for good.
        """
        mode = {"timeout_s": timeout_s, "reconnects": reconnects}
        return self._results(url, "stream", mode, policy=policy, max_frames=max_frames)

    def table(
        self,
        paths: _Path | Iterable[_Path],
        *,
        landmarks: bool = False,
        progress: bool | Progress = False,
    ) -> Table:
        """Returns the table that `rtau video --csv` and `rtau image --csv` write, row for row.

        Several files, and images, have a leading column `file`.

        Args:
            paths: a video, an image, a folder or a pattern, or several of them.
            landmarks: columns for the 68 landmarks, which the model must have.
            progress: True for a line on standard error, or a function that is called with the
                file, the frames done and the frames it declares (None if it does not).

        Raises:
            RtauError: a file cannot be read.
        """
        self._check_usable()
        return table_of_files(
            [paths] if isinstance(paths, (str, os.PathLike)) else paths,
            model=self._model,
            config=self._config({("output", "landmarks"): landmarks}),
            controls=self._controls,
            start=self._start,
            progress=progress,
            neutral=self._neutral,
        )

    def close(self) -> None:
        """Ends what is still running and frees the model; may be called twice."""
        self._is_closed = True
        for run in list(self._running):
            run.end()
        self._model.engine.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else self.device
        return f"Detector({self.contract.name!r}, {len(self.labels)} labels, {state})"

    def __reduce__(self) -> tuple[Callable[[], Detector], tuple[()]]:
        self._check_usable()
        options = {
            key: value for (_, key), value in self._given.items() if key not in ("heatmap", "seat")
        }
        options["seats"] = {
            seat.name: seat.box for seat in parse_seats(self._given["find", "seat"])
        }
        heatmaps = self._given["overlay", "heatmap"] != NO_HEATMAP
        return functools.partial(Detector, heatmaps=heatmaps, **options), ()

    def _results(self, target: str, kind: str, mode: Mapping[str, Any], **limits: Any) -> Results:
        """Returns the results of a source, which is opened when the first is asked for."""
        self._check_usable()
        if kind_of(target) != kind:
            raise UsageError(f"{target!r} is no {kind}; {_METHODS[kind_of(target)]} takes it")
        asked = {("source", key): value for key, value in {**mode, **limits}.items()}
        return self._run(target, mode, self._config(asked))

    def _run(self, target: str, mode: Mapping[str, Any], config: RunConfig) -> Results:
        self._check_usable()
        with contextlib.closing(open_source(target, **mode)) as source:
            runner = build_runner(
                source,
                self._model.engine,
                config=config,
                controls=self._controls,
                sinks=(),
                baseline=self._baseline(),
            )
            yield from self._start(runner)

    def _start(self, runner: Runner) -> Results:
        """Returns the results of a run, which `close()` ends."""
        run = SharedRun(runner)
        self._running.add(run)
        return run.results()

    def _baseline(self) -> Baseline | None:
        if self._neutral is None:
            return None
        return baseline_of(self._neutral, self.contract, self._config().decide)

    def _config(self, asked: Mapping[tuple[str, str], Any] | None = None) -> RunConfig:
        """Returns the settings, with what is asked of one call; checks both."""
        values = {**self._given, **(asked or {})}
        return build(values, name_of=lambda path: path.rpartition(".")[2])

    def _view_controls(self, config: RunConfig) -> ViewControls:
        """Returns the controls of all runs; closes this detector where a setting does not fit."""
        try:
            check_tables(config, self.contract)
            return view_controls(config, self.contract)
        except UsageError:
            self.close()
            raise

    def _check_usable(self) -> None:
        if self._is_closed:
            raise UsageError("this detector is closed; make a new one")
        if os.getpid() != self._process_id:
            raise UsageError(
                "this detector was made before the process was forked, and its model's threads "
                "are not here; make a Detector in each worker process"
            )


def _opened(
    config: RunConfig,
) -> tuple[FaceParts, LoadedModel, contextlib.AbstractContextManager[Any]]:
    """Returns what finds faces, the model that all calls share, and the lock they take for it."""
    parts, loaded = open_face_parts(config), load_model(config.model)
    engine = SharedEngine(loaded.engine)
    return parts, LoadedModel(engine, loaded.path), engine.lock


_METHODS = {
    "camera": "camera()",
    "stream": "stream()",
    "video": "detect_video()",
    "images": "detect(), or for several images table(),",
}
