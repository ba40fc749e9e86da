"""How well the curves of rendered clips follow their known truth, through rtau's own pipeline.

Called by the measurement of a card; the curves themselves are `rtau_train.evaluation.au_curves`.
"""

from __future__ import annotations

from pathlib import Path

from rtau.errors import SourceOpenError
from rtau.protocols import Engine
from rtau_train.card.record import ClipMetrics, CurveMetrics
from rtau_train.evaluation.au_curves import Curve, curves_of
from rtau_train.evaluation.binary_metrics import known_mean


def clip_metrics(engine: Engine, folder: Path, /) -> tuple[ClipMetrics, ...]:
    """Returns the figures of every face of every NAME.mp4 of a folder, NAME.csv beside it.

    Raises:
        SourceOpenError: there is no clip, or one cannot be read or has no truth.
    """
    clips = sorted(folder.glob("*.mp4"))
    if not clips:
        raise SourceOpenError(f"{folder}: no clip; expected NAME.mp4 with its truth NAME.csv")
    return tuple(
        _face(clip, face, curves)
        for clip in clips
        for face, curves in sorted(curves_of(clip, engine).items())
    )


def _face(clip: Path, face: int, curves: list[Curve]) -> ClipMetrics:
    labels = tuple(
        CurveMetrics(curve.label, curve.correlation(), curve.lag_frames()) for curve in curves
    )
    return ClipMetrics(
        clip=clip.name,
        face=face,
        fps=curves[0].fps,
        frames=len(curves[0].probabilities),
        found=curves[0].found,
        labels=labels,
        mean_correlation=known_mean(label.correlation for label in labels),
    )
