"""When the picture is searched for faces, where, and by what.

Counts video time, never wall time, so that two runs over one file search the same frames. Reads
tracks and changes none. `FaceTracker` asks it in every frame.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from rtau import geometry
from rtau.data import Frame
from rtau.faces.change_detection import ChangeDetector
from rtau.faces.track import Track, TrackState
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.squares import FaceSquares, boxes_from_squares

# What belongs to a known face, in sides of its square: hair and chin move with it.
HEAD_SIDES = 1.75
# Where a face was lost it is looked for within this many sides of its square.
LOST_SIDES = 1.5
# A face that is missed or lost starts a search, at most this often.
RECHECK_S = 0.1
# Presentation times are decimal fractions in floats: 7 * 0.04 is not always 0.28.
ROUNDING_S = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class DetectionRequest:
    """One search of a frame."""

    regions_xyxy: geometry.Boxes | None
    """float32 (M, 4), px: where to search; None for the whole frame."""
    windows: slice | None = None
    """Which windows of the grid are looked at; None asks the detector instead."""
    halvings: int = 0
    """How often the side of the smallest face looked for is halved."""

    @property
    def is_usual(self) -> bool:
        """True where the cascade is asked, at the sizes that are always searched."""
        return self.windows is None and not self.halvings


class DetectionSchedule:
    """Decides frame by frame; remembers when it searched and how the picture looked then."""

    def __init__(self, policy: TrackingPolicy) -> None:
        """Has searched nothing yet."""
        self._policy = policy
        self._changes = ChangeDetector()
        self.reset()

    def reset(self) -> None:
        """Forgets the sequence: the next frame is searched whole."""
        self._changes.reset()
        self._searched_s = self._searched_whole_s = self._last_s = -math.inf
        self._searches = 0
        self._postponed: DetectionRequest | None = None

    def requests(self, frame: Frame, tracks: Sequence[Track], /) -> Iterator[DetectionRequest]:
        """Yields the searches of this frame: by the detector, then by windows, which costs more.

        Args:
            frame: the next frame of the sequence.
            tracks: all of them. In an image that is no sequence they are counted again after each
                search of smaller faces: what that has found decides whether another one follows.
        """
        if not self._policy.is_sequence:
            yield from self._requests_of_image(tracks)
            return
        postponed, self._postponed = self._postponed, None
        if postponed is not None:
            yield postponed
        previous_s, self._last_s = self._last_s, frame.time_s
        lost = [track for track in tracks if track.state is TrackState.LOST]
        followed = [track for track in tracks if track.state is not TrackState.LOST]
        missed = [track for track in followed if track.verified_s < frame.time_s]
        is_due = self._is_due(frame.time_s, previous_s=previous_s)
        is_recheck = frame.time_s - self._searched_s + ROUNDING_S >= RECHECK_S
        if not is_due and not ((missed or lost) and is_recheck):
            return
        self._searched_s = frame.time_s
        policy = self._policy
        seen = [track for track in followed if track not in missed]
        whole_every_s = policy.whole_known_every_s if followed else policy.whole_every_s
        regions = self._regions(frame, seen, [*missed, *lost], whole_every_s=whole_every_s)
        if regions is not None and not len(regions):
            return
        yield DetectionRequest(regions)
        by_windows = DetectionRequest(regions, self._next_windows(is_anybody_known=bool(followed)))
        if seen and not missed and not lost and policy.detect_every_s > 0:
            # Both in one frame would be the longest that a live picture waits.
            self._postponed = by_windows
        else:
            yield by_windows

    def _requests_of_image(self, tracks: Sequence[Track]) -> Iterator[DetectionRequest]:
        """Yields the searches of an image that is no sequence: of smaller faces after larger ones.

        A group or a crowd fills a picture with faces that nobody looks for in a portrait.
        """
        yield DetectionRequest(None)
        yield DetectionRequest(None, windows=slice(None))
        for halvings in range(1, self._policy.halvings + 1):
            known = len(tracks)
            yield DetectionRequest(None, halvings=halvings)
            if tracks and len(tracks) == known:
                return

    def _is_due(self, time_s: float, *, previous_s: float) -> bool:
        # Rounded to the nearest frame: waiting for the first frame after the interval would add up
        # to a whole frame, which at 5 frames a second is most of it.
        half_frame_s = (time_s - previous_s) / 2 if math.isfinite(previous_s) else 0.0
        since_s = time_s - self._searched_s + ROUNDING_S
        return since_s >= self._policy.detect_every_s - half_frame_s

    def _regions(
        self, frame: Frame, seen: Sequence[Track], missed: Sequence[Track], *, whole_every_s: float
    ) -> geometry.Boxes | None:
        """Returns what has changed and where faces are missed, or None for the whole frame."""
        policy = self._policy
        since_whole_s = frame.time_s - self._searched_whole_s + ROUNDING_S
        regions = None
        if policy.detect_every_s > 0 and since_whole_s + policy.detect_every_s <= whole_every_s:
            heads = _boxes(seen, sides=HEAD_SIDES)
            regions = self._changes.changed_regions(
                frame, exclude=heads, include=_boxes(missed, sides=LOST_SIDES)
            )
        else:
            self._changes.mark_covered(frame)
        if regions is None:
            self._searched_whole_s = frame.time_s
        return regions

    def _next_windows(self, *, is_anybody_known: bool) -> slice:
        """Returns all windows, or while somebody is followed those whose turn it is."""
        number, count = self._searches, self._policy.windows_in_turn
        self._searches += 1
        return slice(number % count, None, count) if is_anybody_known and number else slice(None)


def _boxes(tracks: Sequence[Track], *, sides: float) -> geometry.Boxes:
    """Returns float32 (N, 4): boxes around the squares of tracks, so many times as wide."""
    if not tracks:
        return np.zeros((0, 4), np.float32)
    squares = FaceSquares.of([track.square for track in tracks])
    return geometry.expand(boxes_from_squares(squares), sides)
