"""When the whole frame is searched and when a box is believed: one record, figures measured.

Holds numbers and decides nothing; `rtau.faces.face_tracker` goes by it.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class SearchPolicy:
    """When the whole frame is searched and when a box is believed; seconds are of video.

    Figures behind the defaults: docs/detection.md.
    """

    detect_every_s: float = 0.3
    """Between searches, rounded to the nearest frame; 0 searches every frame, and whole.
    With confirmation a new face is reported within 0.5 s, at 5 frames a second and up, if the
    first search of its place shows it."""
    whole_every_s: float = 2.0
    """While a face is seen, a search is of those parts only that have changed since they were last
    searched, but of the whole frame at least this often; 0: always of the whole frame."""
    look_every_s: float = 0.12
    """Between two looks of the detector around a confirmed face, rounded to the nearest frame; in
    the frames between, the face is followed by how it looked; 0 looks in every frame."""
    confirm_hits: int = 3
    """Frames a face must be seen in before it is reported. What is no face is seldom found again
    once noise and light have changed; a third sight costs 80 ms at 25 fps, a fourth rejects no
    more."""
    confirm_s: float = 0.09
    """Two sights this far apart confirm as well, so that slow sources need not wait for a third."""
    confirm_score: float = 0.5
    """Score a face must reach once before it is reported."""
    keep_score: float = 0.1
    """Score under which even a face that is followed counts as not seen."""
    hold_s: float = 0.2
    """For how long a confirmed face that is not seen is still reported where it was (a blink, a
    turn, a hand); its score falls to zero meanwhile. A face that has left is gone after this."""
    remember_s: float = 1.0
    """For how long a face that is gone keeps its id and its confirmation, if the tracker knows it
    again; it is not reported meanwhile."""
    recheck_s: float = 0.1
    """A confirmed face that is missed starts a search, at most this often: of the whole frame where
    nobody else is seen or it is newly missed, but then not twice in half of `whole_every_s`."""
    follows: bool = True
    """False searches every frame whole and looks around nobody: images that are no sequence."""

    @classmethod
    def for_images(cls) -> SearchPolicy:
        """Returns the policy for images that are no sequence: one sight is enough."""
        return cls(
            detect_every_s=0,
            confirm_hits=1,
            hold_s=0,
            remember_s=0,
            follows=False,
        )

    @classmethod
    def for_recorded(cls) -> SearchPolicy:
        """Returns the policy for boxes somebody has confirmed already: all are reported."""
        return cls(
            detect_every_s=0,
            confirm_hits=1,
            confirm_score=0,
            keep_score=0,
            hold_s=0,
            follows=False,
        )
