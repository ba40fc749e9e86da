"""One face followed through time: the record of a track and the only ways it may change.

A track is *tentative* until it has been verified often enough, then *confirmed*; one that was not
verified for `TrackingPolicy.max_lost_s` is *lost*: it is no longer looked for, but known again by
place and appearance until it is forgotten. Only `FaceTracker` calls the methods that change it.
"""

from __future__ import annotations

import enum
import math

import numpy as np
import numpy.typing as npt

from rtau.faces.smoothing import SquareFilter
from rtau.squares import Square

# Share of a new measurement in the moving averages of velocity, presence, appearance and side; the
# first appearances of a track count alike, since one that is half hidden may be the very first.
VELOCITY_WEIGHT = 0.5
PRESENCE_WEIGHT = 0.25
APPEARANCE_WEIGHT = 0.1
USUAL_WEIGHT = 0.1
# How often the appearance is taken.
APPEARANCE_EVERY_S = 0.4
# A gap this long says nothing of the velocity.
MAX_VELOCITY_GAP_S = 0.5
# Velocity decays over a gap: heads turn back, and a prediction that runs off finds nothing.
VELOCITY_DECAY_S = 0.15


class TrackState(enum.Enum):
    """How much is known of a track."""

    TENTATIVE = "tentative"
    """Seen, not yet believed: never reported."""
    CONFIRMED = "confirmed"
    """Reported in every frame that verifies it."""
    LOST = "lost"
    """Not looked for; known again by place and appearance."""


class Track:
    """One face: where it was last verified, how it moves, how it looks."""

    def __init__(
        self,
        square: Square,
        *,
        presence: float,
        appearance: npt.NDArray[np.float32],
        time_s: float,
        is_covered: bool | None = None,
    ) -> None:
        """Starts a tentative track at a verified square."""
        self.track_id = 0
        """From 1, unique in a run; 0 until the track is confirmed."""
        self.state = TrackState.TENTATIVE
        self.square = square
        """Where the face was last verified."""
        self.presence = presence
        """Of the last alignment, [0, 1]."""
        self.mean_presence = presence
        """Moving average over the frames in which the face was looked for."""
        self._presences = presence  # their sum, over all frames in which the face was looked for
        self._looks = 1
        self.verified_s = time_s
        """Time of the last frame that verified the face."""
        self.verified_frames = 1
        self.appearance = appearance
        """float32 (D,), of length 1: moving average, for comparisons within the run."""
        self.is_covered = is_covered
        """Whether something covered a part of the face when last verified; None if unknown."""
        self._log_side = math.log(square.side)
        self._remembered_s = time_s
        self._remembered = 1
        self._velocity_xy = (0.0, 0.0)  # px a second
        self._filter = SquareFilter(square, time_s=time_s)

    def predicted(self, time_s: float) -> Square:
        """Returns where the face is expected at a time."""
        elapsed_s = time_s - self.verified_s
        # Integral of a velocity that decays: the whole way ahead is bounded.
        reach_s = VELOCITY_DECAY_S * (1 - math.exp(-elapsed_s / VELOCITY_DECAY_S))
        x, y, side, roll = self.square
        velocity_x, velocity_y = self._velocity_xy
        return Square(x + velocity_x * reach_s, y + velocity_y * reach_s, side, roll)

    def extrapolated(self, time_s: float) -> Square:
        """Returns where the face is if it has gone on moving behind whatever hides it."""
        elapsed_s = time_s - self.verified_s
        x, y, side, roll = self.square
        velocity_x, velocity_y = self._velocity_xy
        return Square(x + velocity_x * elapsed_s, y + velocity_y * elapsed_s, side, roll)

    @property
    def lifelong_presence(self) -> float:
        """Returns the mean presence of all frames in which the face was looked for."""
        return self._presences / self._looks

    @property
    def usual(self) -> Square:
        """The square with the mean side of the last frames that verified the face."""
        return self.square._replace(side=math.exp(self._log_side))

    @property
    def smoothed(self) -> Square:
        """The square to report: filtered, still when the face is still."""
        return self._filter.square

    def verify(
        self, square: Square, *, presence: float, time_s: float, is_covered: bool | None = None
    ) -> None:
        """Takes a frame that shows the face."""
        elapsed_s = time_s - self.verified_s
        if 0 < elapsed_s <= MAX_VELOCITY_GAP_S:
            velocity_x, velocity_y = self._velocity_xy
            velocity_x += VELOCITY_WEIGHT * ((square.x - self.square.x) / elapsed_s - velocity_x)
            velocity_y += VELOCITY_WEIGHT * ((square.y - self.square.y) / elapsed_s - velocity_y)
            self._velocity_xy = (velocity_x, velocity_y)
        elif elapsed_s > MAX_VELOCITY_GAP_S:
            self._velocity_xy = (0.0, 0.0)
        self._filter.update(square, time_s=time_s)
        self.square = square
        self._log_side += USUAL_WEIGHT * (math.log(square.side) - self._log_side)
        self._see(presence)
        self.verified_s = time_s
        self.verified_frames += 1
        self.is_covered = is_covered

    def miss(self, *, presence: float) -> None:
        """Takes a frame that does not show the face where it was expected."""
        self._see(presence)
        if self.state is TrackState.TENTATIVE:
            self.verified_frames = 0

    def is_appearance_due(self, time_s: float) -> bool:
        """True where it is time to take again how the face looks."""
        return time_s - self._remembered_s >= APPEARANCE_EVERY_S

    def remember(self, appearance: npt.NDArray[np.float32], *, time_s: float) -> None:
        """Takes how the face looks in a frame that shows it alone."""
        self._remembered_s = time_s
        self._remembered += 1
        weight = max(APPEARANCE_WEIGHT, 1 / self._remembered)
        mixed = self.appearance + np.float32(weight) * (appearance - self.appearance)
        self.appearance = mixed / np.float32(np.linalg.norm(mixed) + 1e-6)

    def confirm(self, track_id: int) -> None:
        """Makes a tentative track one that is reported."""
        self.track_id, self.state = track_id, TrackState.CONFIRMED

    def lose(self) -> None:
        """Stops looking for a confirmed face."""
        self.state = TrackState.LOST

    def find_again(self, other: Track) -> None:
        """Takes over the place of another track that turned out to be this face."""
        self.state = TrackState.CONFIRMED
        self.square, self.presence = other.square, other.presence
        self.mean_presence = other.mean_presence
        self.verified_s = other.verified_s
        self.is_covered = other.is_covered
        self._velocity_xy, self._filter = other._velocity_xy, other._filter
        self._log_side = other._log_side
        self.remember(other.appearance, time_s=other.verified_s)

    def _see(self, presence: float) -> None:
        self.presence = presence
        self.mean_presence += PRESENCE_WEIGHT * (presence - self.mean_presence)
        self._presences += presence
        self._looks += 1
