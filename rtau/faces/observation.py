"""What alignment shows of one square: a row of its answer, with plain numbers.

`FaceTracker` and `FaceSearch` go by it. Keeps nothing between calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtau.data import Frame
from rtau.faces.association import distinct_rows
from rtau.protocols import Aligner
from rtau.squares import Alignment, FaceSquares, Square


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What a frame shows where a face was looked for."""

    square: Square
    presence: float
    is_covered: bool | None
    alignment: Alignment
    """The batch it was seen in."""
    row: int
    """Of that batch."""

    @property
    def appearance(self) -> npt.NDArray[np.float32]:
        """float32 (D,), of length 1."""
        return np.asarray(self.alignment.appearance[self.row])


def observed(
    aligner: Aligner, frame: Frame, squares: Sequence[Square], /, *, with_mirrored: bool = False
) -> list[Observation]:
    """Returns what a frame shows along each square, in order, from one batch."""
    if not squares:
        return []
    found = aligner.align(frame, FaceSquares.of(squares), with_mirrored=with_mirrored)
    covered = [None] * len(found) if found.covered is None else found.covered.tolist()
    columns = zip(found.squares.rows(), found.presence.tolist(), covered, strict=True)
    return [Observation(*one, found, row) for row, one in enumerate(columns)]


def distinct(seen: Sequence[Observation], /) -> list[Observation]:
    """Returns one observation of each face, the most likely first."""
    kept = distinct_rows([one.square for one in seen], [one.presence for one in seen])
    return [seen[row] for row in kept]
