"""The overlay's colours, BGR, and the colour of each track.

They are readable on light and dark faces and for colour-blind people: active and inactive labels
also differ in brightness, weight and shape.
"""

from __future__ import annotations

Colour = tuple[int, int, int]

INK: Colour = (22, 17, 14)
WHITE: Colour = (255, 255, 255)
GREY_TEXT: Colour = (178, 170, 160)
BAR_BACKGROUND: Colour = (74, 66, 58)
BAR_INACTIVE: Colour = (168, 148, 128)
ACTIVE: Colour = (61, 190, 255)
ROW_ACTIVE: Colour = (44, 60, 74)

# The colour-blind-safe set of Okabe and Ito, lightened so that each is visible on a dark frame.
# A track's number is always written beside its colour.
TRACKS: tuple[Colour, ...] = (
    (240, 196, 92),
    (166, 214, 60),
    (206, 150, 236),
    (82, 222, 246),
    (120, 144, 255),
    (236, 236, 236),
)


def track_colour(track_id: int) -> Colour:
    """Returns the colour of a track, the same in every frame."""
    return TRACKS[(track_id - 1) % len(TRACKS)]
