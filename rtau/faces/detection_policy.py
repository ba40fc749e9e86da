"""When faces are detected and when a track is confirmed or lost: one record of measured defaults.

Holds numbers only; `rtau.faces.face_tracker` applies them.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """Detection intervals, confirmation and loss of tracks; times are seconds of video.

    Measurements behind the defaults: docs/detection.md.
    """

    detect_every_s: float = 0.3
    """Between detections, rounded to the nearest frame; 0: full-frame detection in every frame.
    A new face is reported within 0.5 s, at 5 frames a second and up, if the first detection that
    covers its place finds it."""
    full_frame_every_s: float = 2.0
    """While a face is tracked, detection covers only the regions that have changed since they were
    last covered, but the full frame at least this often; 0: always the full frame."""
    redetect_every_s: float = 0.12
    """Between local re-detections of a confirmed face, rounded to the nearest frame; in the frames
    between it is tracked by template matching; 0: re-detected in every frame."""
    confirm_hits: int = 3
    """Frames with a detection before a track is confirmed. A false detection rarely repeats once
    noise and light have changed; a third hit costs 80 ms at 25 fps, a fourth rejects no more."""
    confirm_s: float = 0.09
    """Two hits this far apart confirm as well, so that a low frame rate needs no third."""
    confirm_score: float = 0.5
    """Score a track must reach once to be confirmed."""
    keep_score: float = 0.1
    """Detections below this score are ignored, even of tracked faces."""
    max_lost_s: float = 0.2
    """For how long a lost confirmed track is still reported at its last box (a blink, a turn, a
    hand), with a score that falls to zero. A face that has left is gone after this."""
    reidentify_s: float = 1.0
    """For how long a lost track keeps its id and its confirmation, if the tracker associates it
    again; it is not reported meanwhile."""
    recheck_s: float = 0.1
    """A confirmed face that is not re-detected triggers a detection, at most this often: on the
    full frame if no other face is tracked or the loss is new, but then not twice within half of
    `full_frame_every_s`."""
    follows: bool = True
    """False disables local re-detection and template matching: full-frame detection in every frame,
    for unrelated images and recorded boxes."""

    @classmethod
    def for_images(cls) -> DetectionPolicy:
        """Returns the policy for unrelated images: one detection confirms, nothing is kept."""
        return cls(detect_every_s=0, confirm_hits=1, max_lost_s=0, reidentify_s=0, follows=False)

    @classmethod
    def for_recorded(cls) -> DetectionPolicy:
        """Returns the policy for recorded boxes: all of them are reported."""
        return cls(
            detect_every_s=0,
            confirm_hits=1,
            confirm_score=0,
            keep_score=0,
            max_lost_s=0,
            follows=False,
        )
