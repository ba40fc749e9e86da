"""Seats: named regions of the frame, so that the people of a fixed setting have stable names.

A seat names a place and no person. `rtau.config` checks the texts of `--seat` with it,
`rtau.faces.seated_tracker` gives faces their seats. Imports no library, for `rtau --help`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

from rtau.errors import ConfigError

MAX_NAME_LENGTH = 40
# Beside letters and digits: no separator of a CSV and no first character of a formula.
NAME_MARKS = " _-."
_FORM = "NAME=x0,y0,x1,y1 in fractions of the frame, such as left=0,0,0.5,1"


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """A rectangle of the frame with a name."""

    name: str
    """Letters, digits, spaces, `_`, `-` and `.`, beginning with a letter or a digit."""
    x0: float
    """Left edge as a fraction of the frame's width; the others likewise, y from the top."""
    y0: float
    x1: float
    """Right edge, excluded unless it is the frame's."""
    y1: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1, as fractions of the frame."""
        return self.x0, self.y0, self.x1, self.y1

    def __post_init__(self) -> None:
        is_named = self.name[:1].isalnum() and len(self.name) <= MAX_NAME_LENGTH
        if not (is_named and all(one.isalnum() or one in NAME_MARKS for one in self.name)):
            raise ConfigError(
                f"the name of a seat must have 1 to {MAX_NAME_LENGTH} letters, digits, spaces or "
                f"_ - . and begin with a letter or a digit, got {self.name!r}"
            )
        # Written so that NaN fails too.
        if not (0 <= self.x0 < self.x1 <= 1 and 0 <= self.y0 < self.y1 <= 1):
            raise ConfigError(
                f"seat {self.name!r} must have 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1, got "
                f"{self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g}"
            )

    def overlaps(self, other: Seat) -> bool:
        """True where both share more than an edge."""
        return (
            max(self.x0, other.x0) < min(self.x1, other.x1)
            and max(self.y0, other.y0) < min(self.y1, other.y1)
        )  # fmt: skip

    def holds(self, x: float, y: float) -> bool:
        """True where a point, in fractions of the frame, lies in the seat."""
        is_across = self.x0 <= x < self.x1 or x == self.x1 == 1
        return is_across and (self.y0 <= y < self.y1 or y == self.y1 == 1)


def parse_seats(texts: Sequence[str]) -> tuple[Seat, ...]:
    """Returns the seats that the values of `--seat` describe, in their order.

    Raises:
        ConfigError: one is malformed, two have one name, or two overlap.
    """
    seats = tuple(_seat(text) for text in texts)
    for one, other in itertools.combinations(seats, 2):
        if one.name == other.name:
            raise ConfigError(f"seats must have different names, got {one.name!r} twice")
        if one.overlaps(other):
            raise ConfigError(
                f"seat {other.name!r} overlaps seat {one.name!r}; two seats may share an edge only"
            )
    return seats


def seat_text(name: str, box: Sequence[float], /) -> str:
    """Returns a seat as `--seat` takes it; `box` is x0, y0, x1, y1 in fractions of the frame."""
    return f"{name}={','.join(str(edge) for edge in box)}"


def seat_names(
    boxes_xyxy: Sequence[Sequence[float]], seats: Sequence[Seat], /, *, width: int, height: int
) -> tuple[str | None, ...]:
    """Returns the name of the seat that each face's centre lies in; None for a face without one.

    Of several faces in one seat the largest has it, and the others have none.

    Args:
        boxes_xyxy: four numbers for each face of a frame, px.
        seats: that do not overlap.
        width: of the frame, px.
        height: of the frame, px.
    """
    names: list[str | None] = [None] * len(boxes_xyxy)
    for seat in seats:
        inside = [
            (_area(box), -row)
            for row, box in enumerate(boxes_xyxy)
            if seat.holds((box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height)
        ]
        if inside:
            names[-max(inside)[1]] = seat.name  # of two of one size the first
    return tuple(names)


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _seat(text: str) -> Seat:
    name, _, corners = text.partition("=")
    try:
        x0, y0, x1, y1 = (float(one) for one in corners.split(","))
    except ValueError:
        raise ConfigError(f"a seat must be {_FORM}; got {text!r}") from None
    if not all(math.isfinite(one) for one in (x0, y0, x1, y1)):
        raise ConfigError(f"a seat must be {_FORM}; got {text!r}")
    return Seat(name.strip(), x0, y0, x1, y1)
