"""Builds the parts of a run from its settings: face tracker, pipeline, composer, runner, sinks.

The command line, `Detector` and the benchmarks build their runs with it, so that what is measured
is what is run. Opens no source and no model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtau.backends.face_alignment import open_face_alignment
from rtau.baseline import Baseline
from rtau.columns import OptionalColumns
from rtau.config import OutputConfig, RunConfig
from rtau.contract import ModelContract
from rtau.data import FrameResult
from rtau.decisions import VIEW_HYSTERESIS, VIEW_SMOOTH_S, Decider
from rtau.errors import UsageError
from rtau.execution.runner import Runner
from rtau.faces.alignment import NetworkAligner
from rtau.faces.detectors import parse_min_face
from rtau.faces.detectors.haar import HaarDetector
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.recorded import RecordedFaces
from rtau.faces.seated_tracker import SeatedTracker
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.markers import Markers
from rtau.overlay.compose import Composer, OverlayOptions
from rtau.pipeline import HeatmapSchedule, Pipeline
from rtau.protocols import Aligner, Detector, Engine, Sink, Source, Tracker
from rtau.seats import parse_seats
from rtau.sinks import TableRows
from rtau.sinks.video_encoder import threads_in_a_run
from rtau.sinks.video_file import VideoFileSink
from rtau.status import NO_HEATMAP, TOP_HEATMAP, ViewControls

# An image is searched so often for smaller faces than the usual ones: of 1/24 and 1/48 of it.
AUTO_HALVINGS = 2
# Side of the smallest windows where every face has to be hidden, in sides of the smallest face: who
# is a little smaller is found too.
HIDDEN_WINDOW_RATIO = 1.25


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FaceParts:
    """What finds faces, opened: several trackers may share it, one thread at a time."""

    detector: Detector
    """Proposes faces."""
    aligner: Aligner
    """Verifies and places them."""


def tracking_policy(config: RunConfig, *, is_sequence: bool) -> TrackingPolicy:
    """Returns how the faces of a sequence of frames, or of unrelated images, are found.

    Hiding faces needs every one of them: with `--blur` detection covers every frame.
    """
    find = config.find
    limits: dict[str, Any] = {
        "min_presence": find.min_confidence,
        "max_faces": find.max_faces,
        "blanks_known": not config.overlay.blur,
    }
    if not is_sequence:
        halvings = AUTO_HALVINGS if find.min_face == "auto" else 0
        return TrackingPolicy.for_images(**limits, halvings=halvings)
    if config.overlay.blur:
        return TrackingPolicy(
            detect_every_s=0.0,
            windows_in_turn=1,
            first_window_ratio=HIDDEN_WINDOW_RATIO,
            **limits,
        )
    return TrackingPolicy(detect_every_s=find.detect_every, **limits)


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


def check_tables(config: RunConfig, contract: ModelContract) -> None:
    """Raises UsageError if landmarks or intensities are requested and the model has none."""
    style = config.output.csv_style
    if style != "rtau" and contract.intensity_scale is None:
        raise UsageError(
            f"--csv-style {style} needs a model with intensities (AU12_r), got {contract.name} "
            "without; leave the flag out, or fit them with `rtau-train probe`"
        )
    asked = {
        "--landmarks": config.output.landmarks,
        "--points": config.overlay.points,
    }
    flags = [flag for flag, is_asked in asked.items() if is_asked]
    if flags and not contract.has_landmarks:
        raise UsageError(
            f"{flags[0]} needs a model with landmarks, got {contract.name} without; leave the flag "
            "out, or export a network trained with landmarks by `rtau-export onnx`"
        )
    if config.output.sides and contract.sides is None:
        raise UsageError(
            f"--sides needs a model whose sides were measured, got {contract.name} without; leave "
            "the flag out, or measure them with `rtau-train probe`"
        )


def open_face_parts(config: RunConfig) -> FaceParts:
    """Returns the detector and the aligner of a run, opened.

    Raises:
        ConfigError: the smallest face makes no sense.
        DetectorError: this OpenCV cannot detect faces.
        BackendUnavailable: ONNX Runtime is not installed.
    """
    detector = HaarDetector(**parse_min_face(config.find.min_face))
    return FaceParts(detector, NetworkAligner(open_face_alignment()))


def build_tracker(
    config: RunConfig, *, is_sequence: bool, parts: FaceParts | None = None
) -> Tracker:
    """Returns the tracker of a run; it opens a detector and an aligner where none are given.

    Raises:
        ConfigError: the smallest face or the recorded faces make no sense.
        RtauError: as `open_face_parts`.
    """
    seats = parse_seats(config.find.seat)
    tracker = _face_tracker(config, is_sequence=is_sequence, parts=parts)
    return SeatedTracker(tracker, seats) if seats else tracker


def _face_tracker(config: RunConfig, *, is_sequence: bool, parts: FaceParts | None) -> Tracker:
    if config.find.faces is not None:
        return RecordedFaces(config.find.faces)
    parts = parts or open_face_parts(config)
    policy = tracking_policy(config, is_sequence=is_sequence)
    return FaceTracker(parts.detector, parts.aligner, policy)


def decider(config: RunConfig, contract: ModelContract) -> Decider:
    """Returns the decider of a run."""
    return Decider(contract, smooth_s=config.decide.smooth, hysteresis=config.decide.hysteresis)


def shown_decisions(
    config: RunConfig, contract: ModelContract, *, is_sequence: bool
) -> Callable[[FrameResult], FrameResult]:
    """Returns what gives each result, in order, the decisions that a view shows.

    They are those of the tables for unrelated images, and where smoothing or hysteresis is set.
    """
    decide = config.decide
    if not (decide.steady and is_sequence) or decide.smooth or decide.hysteresis:
        return lambda result: result
    steady = Decider(contract, smooth_s=VIEW_SMOOTH_S, hysteresis=VIEW_HYSTERESIS)

    def with_steady_decisions(result: FrameResult) -> FrameResult:
        ids = np.array(result.track_ids, np.int64)
        active = steady.decide(result.deciding, track_ids=ids, time_s=result.time_s)
        return dataclasses.replace(result, active=active)

    return with_steady_decisions


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
    is_sequence: bool = True,
    parts: FaceParts | None = None,
    baseline: Baseline | None = None,
) -> Pipeline:
    """Returns the pipeline of a run.

    Raises:
        RtauError: a setting does not fit, or the detector cannot be opened.
    """
    return Pipeline(
        tracker=build_tracker(config, is_sequence=is_sequence, parts=parts),
        engine=engine,
        decider=decider(config, engine.contract),
        heatmaps=heatmap_schedule(config, controls),
        baseline=baseline,
        sides=config.output.sides,
    )


def build_runner(
    source: Source,
    engine: Engine,
    *,
    config: RunConfig,
    controls: ViewControls,
    sinks: Sequence[Sink],
    is_sequence: bool = True,
    markers: Markers | None = None,
    baseline: Baseline | None = None,
) -> Runner:
    """Returns the runner of a source through an engine into sinks; it owns source and sinks.

    Raises:
        RtauError: a setting does not fit, or the detector cannot be opened.
    """
    pipeline = build_pipeline(
        engine, config=config, controls=controls, is_sequence=is_sequence, baseline=baseline
    )
    draw = composer(config, engine.contract, controls).compose
    shown = shown_decisions(config, engine.contract, is_sequence=is_sequence)
    return Runner(
        source=source,
        pipeline=pipeline,
        sinks=sinks,
        compose=lambda result: draw(shown(result)),
        drops={"auto": None, "wait": False, "drop": True}[config.source.policy],
        max_frames=config.source.max_frames,
        markers=markers,
        is_paused=lambda: controls.is_paused,
    )


def takes_markers(config: RunConfig) -> bool:
    """Returns whether somebody may mark events in the run."""
    return config.stream.serve is not None or config.stream.lsl_markers is not None


def is_streaming(config: RunConfig) -> bool:
    """Returns whether a run talks with other programs while it goes on."""
    stream = config.stream
    addresses = (stream.serve, stream.osc, stream.vmc, stream.lsl_markers)
    return stream.lsl or any(address is not None for address in addresses)


def thresholds_of(contract: ModelContract) -> tuple[float, ...] | None:
    """Returns the thresholds per label; None for a multi-class model."""
    return contract.thresholds if contract.task == "multi_label" else None


def optional_columns(
    contract: ModelContract, *, seat: bool, neutral: bool = False, sides: bool = False
) -> OptionalColumns:
    """Returns the columns that depend on a model and on what was asked for."""
    return OptionalColumns(
        seat=seat,
        pose=contract.has_pose,
        intensity=contract.intensity_scale is not None,
        sides=contract.sides or () if sides else (),
        quality=True,
        neutral=neutral,
    )


def table_rows(
    contract: ModelContract,
    *,
    file_of: Callable[[int], str] | None = None,
    seats: bool = False,
    landmarks: bool = False,
    markers: bool = False,
    neutral: bool = False,
    sides: bool = False,
) -> TableRows:
    """Returns what makes the rows of a run's tables; `file_of` names the file of each frame."""
    return TableRows(
        contract.labels,
        task=contract.task,
        thresholds=thresholds_of(contract),
        file_of=file_of,
        landmarks=landmarks,
        markers=markers,
        optional=optional_columns(contract, seat=seats, neutral=neutral, sides=sides),
    )


def video_sink(path: Path, *, source: Source, output: OutputConfig) -> VideoFileSink:
    """Returns the open annotated video of a source, with its audio.

    Raises:
        SinkError: the file or the encoder cannot be opened.
    """
    info = source.info
    return VideoFileSink(
        path,
        width=info.width,
        height=info.height,
        nominal_fps=info.nominal_fps,
        original=source.report().origin,
        keeps_sound=output.audio,
        encoder=output.encoder,
        crf=output.crf,
        preset=output.preset,
        threads=output.encoder_threads
        or threads_in_a_run(
            output.encoder, preset=output.preset, width=info.width, height=info.height
        ),
    )
