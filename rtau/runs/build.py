"""Builds the parts of a run from its settings: face tracker, pipeline, composer, runner, sinks.

The command line, `Detector` and the benchmarks build their runs with it, so that what is measured
is what is run. Opens no source and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rtau.config import OutputConfig, RunConfig
from rtau.contract import ModelContract
from rtau.decisions import Decider
from rtau.errors import UsageError
from rtau.execution.runner import Runner
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.detectors import open_detector
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.trackers import open_tracker
from rtau.overlay.compose import Composer, OverlayOptions
from rtau.pipeline import HeatmapSchedule, Pipeline
from rtau.protocols import Detector, Engine, Sink, Source
from rtau.sinks import TableRows
from rtau.sinks.csv_file import CsvSink
from rtau.sinks.video_encoder import threads_in_a_run
from rtau.sinks.video_file import VideoFileSink
from rtau.status import NO_HEATMAP, TOP_HEATMAP, ViewControls


def detection_policy(config: RunConfig) -> DetectionPolicy:
    """Returns the detection policy for video.

    Blurring must miss no face: with `--blur` full-frame detection runs in every frame.
    """
    if config.find.faces is not None:
        return DetectionPolicy.for_recorded()
    every_s = 0.0 if config.overlay.blur else config.find.detect_every
    return DetectionPolicy(detect_every_s=every_s)


def view_controls(config: RunConfig, contract: ModelContract) -> ViewControls:
    """Returns the controls of a run, initialised from its settings.

    Raises:
        UsageError: the model does not have the requested heatmap.
    """
    wanted = config.overlay.heatmap
    labels = contract.labels if contract.has_cams else ()
    known = (NO_HEATMAP, TOP_HEATMAP, *labels) if labels else (NO_HEATMAP,)
    if wanted not in known:
        why = "" if labels else f" ({contract.name} has no CAM output)"
        raise UsageError(f"--heatmap must be one of {', '.join(known)}{why}, got {wanted!r}")
    return ViewControls(cam_labels=labels, heatmap=wanted, bars=config.overlay.bars)


def check_landmarks(config: RunConfig, contract: ModelContract) -> None:
    """Raises UsageError if landmarks are requested and the model has none."""
    asked = {
        "--landmarks": config.output.landmarks,
        "--points": config.overlay.points,
        "--follow landmarks": config.find.follow == "landmarks",
    }
    flags = [flag for flag, is_asked in asked.items() if is_asked]
    if flags and not contract.has_landmarks:
        raise UsageError(
            f"{flags[0]} needs a model with landmarks, got {contract.name} without; leave the flag "
            "out, or export a network trained with landmarks by `rtau-export onnx`"
        )


def build_face_tracker(
    config: RunConfig,
    *,
    policy: DetectionPolicy,
    tracker: str = "iou",
    detector: Detector | None = None,
) -> FaceTracker:
    """Returns the face tracker of a run; it opens a detector where none is given.

    Raises:
        ConfigError: the minimum face size or the CSV of faces is invalid.
        DetectorError: this OpenCV cannot detect faces.
    """
    if detector is None:
        detector = open_detector(min_face=config.find.min_face, faces=config.find.faces)
    return FaceTracker(detector, open_tracker(tracker), policy)


def decider(config: RunConfig, contract: ModelContract) -> Decider:
    """Returns the decider of a run."""
    return Decider(contract, smooth_s=config.decide.smooth, hysteresis=config.decide.hysteresis)


def heatmap_schedule(config: RunConfig, controls: ViewControls) -> HeatmapSchedule | None:
    """Returns the refresh schedule of heatmaps; None for a model without them."""
    if not controls.has_heatmaps:
        return None
    return HeatmapSchedule(config.overlay.heatmap_hz, wanted=lambda: controls.heatmap != NO_HEATMAP)


def composer(config: RunConfig, contract: ModelContract, controls: ViewControls) -> Composer:
    """Returns the composer of a run's annotated frames."""
    options = OverlayOptions(blur=config.overlay.blur, points=config.overlay.points)
    return Composer(contract, options=options, controls=controls)


def build_pipeline(
    engine: Engine,
    *,
    config: RunConfig,
    controls: ViewControls,
    policy: DetectionPolicy,
    tracker: str = "iou",
    detector: Detector | None = None,
) -> Pipeline:
    """Returns the pipeline of a run.

    Raises:
        RtauError: a setting does not fit, or the detector cannot be opened.
    """
    return Pipeline(
        face_tracker=build_face_tracker(config, policy=policy, tracker=tracker, detector=detector),
        engine=engine,
        decider=decider(config, engine.contract),
        heatmaps=heatmap_schedule(config, controls),
        follow_landmarks=policy.follows and config.find.follow == "landmarks",
    )


def build_runner(
    source: Source,
    engine: Engine,
    *,
    config: RunConfig,
    controls: ViewControls,
    sinks: Sequence[Sink],
    policy: DetectionPolicy,
    tracker: str = "iou",
) -> Runner:
    """Returns the runner of a source through an engine into sinks; it owns source and sinks.

    Raises:
        RtauError: a setting does not fit, or the detector cannot be opened.
    """
    pipeline = build_pipeline(
        engine, config=config, controls=controls, policy=policy, tracker=tracker
    )
    return Runner(
        source=source,
        pipeline=pipeline,
        sinks=sinks,
        compose=composer(config, engine.contract, controls).compose,
        drops={"auto": None, "wait": False, "drop": True}[config.source.policy],
        max_frames=config.source.max_frames,
    )


def thresholds_of(contract: ModelContract) -> tuple[float, ...] | None:
    """Returns the thresholds per label; None for a multi-class model."""
    return contract.thresholds if contract.task == "multi_label" else None


def table_rows(
    contract: ModelContract,
    *,
    file_of: Callable[[int], str] | None = None,
    landmarks: bool = False,
) -> TableRows:
    """Returns what makes the rows of a run's tables; `file_of` names the file of each frame."""
    return TableRows(
        contract.labels,
        task=contract.task,
        thresholds=thresholds_of(contract),
        file_of=file_of,
        landmarks=landmarks,
    )


def csv_sink(
    path: Path | str,
    *,
    contract: ModelContract,
    file_of: Callable[[int], str] | None = None,
    landmarks: bool = False,
) -> CsvSink:
    """Returns the open CSV of a run; `file_of` returns the file of a frame index.

    Raises:
        SinkError: the file cannot be written.
    """
    return CsvSink(
        path,
        labels=contract.labels,
        task=contract.task,
        thresholds=thresholds_of(contract),
        file_of=file_of,
        landmarks=landmarks,
    )


def video_sink(path: Path, *, source: Source, output: OutputConfig) -> VideoFileSink:
    """Returns the open annotated video of a source, with its audio.

    Raises:
        SinkError: the file or the encoder cannot be opened.
    """
    info = source.info
    origin = source.report().origin
    return VideoFileSink(
        path,
        width=info.width,
        height=info.height,
        nominal_fps=info.nominal_fps,
        audio_from=None if origin is None else origin.path,
        time_zero_s=0.0 if origin is None else origin.start_time_s,
        encoder=output.encoder,
        crf=output.crf,
        preset=output.preset,
        threads=output.encoder_threads
        or threads_in_a_run(
            output.encoder, preset=output.preset, width=info.width, height=info.height
        ),
    )
