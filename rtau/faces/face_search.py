"""Looks for new faces: the cascade and a grid of windows say where, alignment says whether.

`FaceTracker` calls it, with what it knows of the frame, and starts tracks at what is found. Keeps
nothing between calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from rtau.data import Frame
from rtau.faces.association import elsewhere, is_same_face
from rtau.faces.detection_schedule import DetectionRequest
from rtau.faces.observation import Observation, distinct, observed
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.faces.window_grid import clear_of, in_regions, window_grid
from rtau.intensity import log_odds
from rtau.protocols import Aligner, Detector
from rtau.squares import FaceSquares, Square, boxes_from_squares, squares_from_boxes

# A place of this presence is hidden by `--blur` though it is not reported. One that falls below it
# in its first alignment is not looked at again. Windows are many, and half the picture would be
# hidden if it were enough for them.
DOUBTFUL_PRESENCE, DOUBTFUL_WINDOW_PRESENCE = 0.002, 0.03
# Squares from which a face must be believed too that the cascade has not proposed at the usual
# size: shifts in sides, and the side's factor.
BESIDE = ((0.1, 0, 1), (-0.1, 0, 1), (0, 0.1, 1), (0, -0.1, 1), (0, 0, 1.2), (0, 0, 1 / 1.2))


@dataclasses.dataclass(frozen=True, slots=True)
class KnownFaces:
    """The faces that are known of a frame when it is searched, and where there may be more."""

    here: Sequence[Square]
    """All of them: nothing is found there again."""
    sure: Sequence[Square]
    """Those that are no less present than a new face must be."""
    promising: Sequence[Square] = ()
    """Places of the search before that were not believed: windows are looked at there as well."""


class FaceSearch:
    """Finds the faces of a frame that are not known yet."""

    def __init__(self, detector: Detector, aligner: Aligner, policy: TrackingPolicy, /) -> None:
        """Joins what proposes and what verifies."""
        self._detector = detector
        self._aligner = aligner
        self._policy = policy

    def search(
        self, frame: Frame, request: DetectionRequest, /, *, known: KnownFaces
    ) -> list[Observation]:
        """Returns the places of a search that may be new faces, several of which may be on one."""
        propose = self._proposals if request.windows is None else self._windows
        first = observed(
            self._aligner, frame, elsewhere(propose(frame, request, known=known), known.here)
        )
        likely = [one for one in first if one.presence >= DOUBTFUL_PRESENCE]
        if request.windows is not None:
            # A dozen of them come to lie on every face.
            likely = distinct(likely)
        seen = self._examined(frame, likely, known.here)
        if not request.is_usual:
            seen = [self._from_beside(frame, one) for one in seen]
        least = DOUBTFUL_PRESENCE if request.windows is None else DOUBTFUL_WINDOW_PRESENCE
        return [
            one
            for one in seen
            if one.presence >= least and not any(is_same_face(one.square, k) for k in known.here)
        ]

    def _proposals(
        self, frame: Frame, request: DetectionRequest, *, known: KnownFaces
    ) -> list[Square]:
        """Returns what the cascade proposes."""
        blanks = bool(known.sure) and self._policy.blanks_known
        found = self._detector.detect(
            frame,
            regions_xyxy=request.regions_xyxy,
            halvings=request.halvings,
            known_xyxy=boxes_from_squares(FaceSquares.of(known.sure)) if blanks else None,
        )
        return squares_from_boxes(found.boxes_xyxy).rows()

    def _windows(
        self, frame: Frame, request: DetectionRequest, *, known: KnownFaces
    ) -> list[Square]:
        """Returns the windows of a search, where faces are blanked without those on known ones."""
        first_px = self._policy.first_window_ratio * self._detector.smallest_px(frame)
        windows = window_grid(frame.width, frame.height, first_px=first_px)
        windows = windows[request.windows or slice(None)]
        if request.regions_xyxy is not None:
            windows = tuple(in_regions(windows, request.regions_xyxy))
        windows = (*windows, *known.promising)
        return clear_of(windows, known.sure) if self._policy.blanks_known else list(windows)

    def _examined(
        self, frame: Frame, likely: Sequence[Observation], here: Sequence[Square]
    ) -> list[Observation]:
        """Returns what the frame shows at places that are likely and not known.

        Their squares were coarse: presence counts along those of the second and the third
        alignment, and of their mirror images. Of one crop it hangs on a few pixels.
        """
        second = self._again(frame, elsewhere([one.square for one in likely], here))
        third = self._again(frame, [one.square for one in second])
        return [
            dataclasses.replace(after, presence=_mean_presence([before, after]))
            for before, after in zip(second, third, strict=True)
        ]

    def _again(self, frame: Frame, squares: Sequence[Square]) -> list[Observation]:
        return observed(self._aligner, frame, squares, with_mirrored=True)

    def _from_beside(self, frame: Frame, one: Observation) -> Observation:
        """Returns an observation; if it is believed, with what squares near its own say of it."""
        if one.presence < self._policy.min_presence:
            return one
        looks = observed(self._aligner, frame, [one.square.moved(*by) for by in BESIDE])
        return dataclasses.replace(one, presence=_mean_presence(looks))


def _mean_presence(seen: Sequence[Observation]) -> float:
    """Returns the probability whose log-odds are the mean of those of several."""
    presence = np.array([one.presence for one in seen])
    return float(1 / (1 + np.exp(-log_odds(presence).mean())))
