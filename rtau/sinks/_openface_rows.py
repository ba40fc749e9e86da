"""The cells of a table as OpenFace 2.2's FeatureExtraction writes them, for programs that read it.

Its names in its order, as far as there is such a value; one row per frame, with zeros where no face
is. What rtau has beyond it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from rtau import columns as names
from rtau.data import FrameResult
from rtau.sinks._table_rows import TableRows


class OpenFaceRows:
    """Makes rows with OpenFace's columns from those of a table; `names` is the header."""

    def __init__(self, rows: TableRows, *, spaces: bool) -> None:
        """Chooses the columns.

        Args:
            rows: makes the cells.
            spaces: a space before every column but the first, as OpenFace wrote until 2.1.
        """
        self._rows = rows
        self._gap = " " if spaces else ""
        wanted = _order(rows.names)
        self._places = [rows.names.index(name) for name in wanted]
        self._sides = [rows.names.index(name) for name in (names.FACE_W, names.FACE_H)]
        self._face_id = rows.names.index(names.FACE_ID)
        self.names = tuple(self._spaced(wanted))

    def cells(self, result: FrameResult) -> list[list[str]]:
        """Returns the row of one frame: of its largest face."""
        row = max(self._rows.cells(result), key=self._size)
        row[self._face_id] = "0"  # it follows one face, and counts from 0
        return [self._spaced([row[place] or "0" for place in self._places])]

    def _size(self, row: Sequence[str]) -> float:
        width, height = (float(row[place] or 0) for place in self._sides)
        return width * height

    def _spaced(self, row: Sequence[str]) -> list[str]:
        return [row[0], *(f"{self._gap}{cell}" for cell in row[1:])]


def _order(have: Sequence[str]) -> list[str]:
    """Returns the columns that OpenFace has, too, in its order: AUs by number, `_r` before `_c`."""
    leading = (names.FILE, names.FRAME, names.FACE_ID, names.TIMESTAMP, names.CONFIDENCE)
    before = (*leading, names.SUCCESS, names.PITCH, names.YAW, names.ROLL, *names.POINTS)
    # Not `AU12_L_r`, of one side of the face.
    units = sorted(name for name in have if name.startswith("AU") and name.count("_") == 1)
    of_kind = [name for kind in ("_r", "_c") for name in units if name.endswith(kind)]
    return [*(name for name in before if name in have), *of_kind]
