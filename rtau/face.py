"""One face of one result, for reading: plain numbers under short names.

Made by iterating a `FrameResult`; knows nothing of pipelines or files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rtau.errors import UsageError


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Face:
    """One scored face: what `for face in result` gives."""

    id: int
    """Track number, from 1: the same face in every frame of a video; a new one in every image."""
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 in the upright frame, px; x1 and y1 excluded."""
    score: float | None
    """Presence in [0, 1]: the probability that this is a face. None if nobody measured it."""
    au: Mapping[str, float]
    """Raw probability of every label in [0, 1], in the model's order: `face.au["AU12"]`. A model
    of emotions has its emotions here."""
    active: tuple[str, ...]
    """Labels decided to be present, after smoothing and hysteresis if they are on."""
    landmarks: npt.NDArray[np.float32] | None
    """float32 (68, 2), px, frame space, iBUG order; None when the model has none."""
    frame_from_crop: npt.NDArray[np.float32]
    """float32 (2, 3): point_in_frame = frame_from_crop @ (x, y, 1) in the crop the model saw."""
    cams: npt.NDArray[np.float32] | None
    """float32 (A, h, w): the heatmaps of all labels, in the order of `au`."""
    has_heatmaps: bool
    """True when heatmaps are on, for this frame or for others."""
    quality_reason: tuple[str, ...] = ()
    """Why the scores may be unreliable: `pose`, `small`, `dark`, `blurred`, `occluded`, `cut off`.
    """
    seat: str | None = None
    """Name of the seat the face is in, of those that `Detector(seats=...)` named."""
    intensity: Mapping[str, float] | None = None
    """FACS intensity of every label, 0 to 5; None when the model tells none."""
    sides: Mapping[str, tuple[float, float]] | None = None
    """Intensity on the person's own left and right, 0 to 5, of the labels whose sides the model
    tells; None without `Detector(sides=True)`."""
    pose: tuple[float, float, float] | None = None
    """Pitch, yaw and roll of the head, radians: OpenFace's `pose_Rx`, `pose_Ry`, `pose_Rz`; None
    when the model has none."""
    au_n: Mapping[str, float] | None = None
    """Probability of every label relative to the person's neutral; None without a neutral."""

    def heatmap(self, label: str) -> npt.NDArray[np.float32] | None:
        """Returns where in the crop the model saw a label: float32 (h, w) >= 0, raw CAM scale.

        None in the frames of a video between two refreshes (`heatmap_hz`).

        Raises:
            UsageError: heatmaps are off, or the model has no such label.
        """
        if label not in self.au:
            raise UsageError(f"no label {label!r} in this model; it has {', '.join(self.au)}")
        if not self.has_heatmaps:
            raise UsageError(
                "heatmaps are off; switch them on with Detector(heatmaps=True), and "
                "heatmap_hz=1000 for one in every frame of a video"
            )
        return None if self.cams is None else self.cams[list(self.au).index(label)]

    def __repr__(self) -> str:
        corners = ", ".join(f"{corner:.1f}" for corner in self.box)
        strongest = sorted(self.au.items(), key=lambda item: -item[1])[:3]
        shown = ", ".join(f"{label} {value:.2f}" for label, value in strongest)
        active = ", ".join(self.active) or "none"
        return f"Face(id={self.id}, box=({corners}), active: {active}; strongest: {shown})"
