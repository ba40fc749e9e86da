"""When faces are searched and when a track is believed: one record of numbers, with their reasons.

Holds numbers and decides nothing; `FaceTracker` goes by it. Figures: docs/detection.md.
"""

from __future__ import annotations

import dataclasses

# How far towards 1 the presence of a face must be above the limit where the cascade has not
# proposed it at the usual size: presence is calibrated for such proposals, and of windows and of
# smaller places many more look like a face.
UNUSUAL_SHARE = 0.4


@dataclasses.dataclass(frozen=True, slots=True)
class TrackingPolicy:
    """When the detector searches and when a face is believed; seconds are of video."""

    detect_every_s: float = 0.3
    """Between searches, rounded to the nearest frame; 0 searches every frame, and whole."""
    whole_every_s: float = 2.0
    """A search is of those parts only that have changed since they were last searched, but of the
    whole frame at least this often."""
    whole_known_every_s: float = 6.0
    """The same while a face is followed: whoever comes beside it changes the picture."""
    windows_in_turn: int = 4
    """While a face is followed, a search looks at one in so many windows of the grid, at others
    each time; at all of them while nobody is."""
    first_window_ratio: float = 1.4
    """Side of the smallest windows, in sides of the smallest face that is looked for."""
    min_presence: float = 0.5
    """Presence a new face must have. It is calibrated for proposals, few of which are faces."""
    keep_presence: float = 0.02
    """Presence under which a face that is followed counts as not seen in this frame: where a face
    was a moment before, it takes far less to believe in it."""
    keep_mean_presence: float = 0.3
    """Mean presence, over about four frames, under which a face that is followed is lost: a square
    that has slipped off its face may seem to show one in this frame or that."""
    sure_presence: float = 0.7
    """A face of this presence is reported in the first frame that shows it, others in the
    second."""
    confirm_frames: int = 2
    """Frames in a row that must verify a face before it is reported."""
    max_lost_s: float = 0.3
    """For how long a face that is not verified is looked for where it is expected."""
    revive_s: float = 1.0
    """For how long a lost face is looked for in every frame about where it was, and where it was
    going: whoever is covered or turns away is mostly back within this time."""
    reidentify_s: float = 5.0
    """For how long a lost face keeps its id, if place and appearance know it again."""
    is_sequence: bool = True
    """False for images that are no sequence: every image is searched whole, none is followed."""
    halvings: int = 0
    """An image that is no sequence is searched again for faces of half the size, so often at most:
    while that finds further ones, and while nobody is found."""
    max_faces: int = 0
    """Faces reported in a frame at most, the largest first; 0 reports all."""
    blanks_known: bool = True
    """Whether searches leave out the middles of known faces, which saves time. Who stands half
    behind one of them may be missed: False where every face has to be hidden."""

    def least_presence(self, *, is_usual: bool) -> float:
        """Returns the presence from which a face is believed that a search found.

        Args:
            is_usual: the cascade has proposed it, at a size that is always searched.
        """
        return self.min_presence + (0.0 if is_usual else UNUSUAL_SHARE * (1 - self.min_presence))

    @classmethod
    def for_images(
        cls,
        *,
        min_presence: float = 0.5,
        max_faces: int = 0,
        blanks_known: bool = True,
        halvings: int = 0,
    ) -> TrackingPolicy:
        """Returns the policy for images that are no sequence: one frame is enough."""
        return cls(
            detect_every_s=0,
            min_presence=min_presence,
            confirm_frames=1,
            is_sequence=False,
            halvings=halvings,
            max_faces=max_faces,
            blanks_known=blanks_known,
        )
