"""Reads a folder of portraits that MediaPipe's Face Landmarker scored: soft labels of eight AUs.

    crops/            pictures of one face each
    blendshapes.csv   file, source, sheet, then MediaPipe's 52 blendshape scores, 0-1

The scores teach the AUs they follow on FACS-coded photographs; AU 4, 9, 15 and 17, where they
fail, stay uncoded. `sheet` says which pictures may show one person and becomes the subject. Called
by the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.errors import SourceOpenError, UsageError
from rtau.facs import DISFA_PLUS_AUS
from rtau_train.datasets.prepare.listing import Listing, Rejection, SourceImage
from rtau_train.datasets.prepare.tables import Row, Table, read_table

SCORES: Final = "blendshapes.csv"
SIZE_PX: Final = 160
# Close portraits: a third of the picture is added on every side before a face is looked for.
BORDER: Final = 1 / 3
# The blendshapes whose mean follows each AU, by ARKit's names.
TEACHERS: Final[dict[str, tuple[str, ...]]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU06": ("cheekSquintLeft", "cheekSquintRight", "eyeSquintLeft", "eyeSquintRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU25": (
        *("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight"),
        *("mouthUpperUpLeft", "mouthUpperUpRight"),
    ),
    "AU26": ("jawOpen",),
}
LABELS: Final = tuple(au.label for au in DISFA_PLUS_AUS)
# Scores have no common scale: these percentiles of the folder become intensity 0 and 3, the one
# that a recipe's soft targets take for a full 1.
LOW_PERCENTILE: Final = 30
HIGH_PERCENTILE: Final = 95
FULL_INTENSITY: Final = 3.0


def read(source: Path, /, *, of: str | None = None) -> Listing:
    """Returns the portraits of a folder, each with its soft labels.

    Args:
        source: the folder.
        of: only rows whose column `source` holds this word.

    Raises:
        SourceOpenError: blendshapes.csv is missing, lacks a column or has no usable row.
        UsageError: no row has that source.
    """
    table = read_table(source / SCORES)
    needed = {"file", *(name for names in TEACHERS.values() for name in names)}
    missing = sorted(needed - set(table.columns))
    if missing:
        raise SourceOpenError(
            f"{table.path}: column {missing[0]} is missing; expected file, source, sheet and "
            "MediaPipe's 52 scores"
        )
    rows = [row for row in table.rows if of is None or row.cells.get("source") == of]
    if not rows:
        found = sorted({row.cells.get("source", "") for row in table.rows})
        raise UsageError(f"{table.path}: no row has source {of!r}; there are {', '.join(found)}")
    kept = [row for row in rows if (source / "crops" / row["file"]).is_file()]
    lost = [row for row in rows if not (source / "crops" / row["file"]).is_file()]
    if not kept:
        raise SourceOpenError(f"{source / 'crops'}: none of the {len(rows)} pictures is there")
    labels = soft_labels(_scores(table, kept))
    return Listing(
        dataset="portraits",
        task="multi_label",
        labels=LABELS,
        images=tuple(
            _image(source, row, dict(zip(TEACHERS, values.tolist(), strict=True)))
            for row, values in zip(kept, labels, strict=True)
        ),
        rejections=tuple(Rejection(row["file"], "there is no such file") for row in lost),
        size_px=SIZE_PX,
        notes=("labels are the scores of another model, not of people who code FACS",),
    )


def soft_labels(scores: npt.NDArray[np.float64], /) -> npt.NDArray[np.float64]:
    """Returns intensities 0-3 of scores (N, A), each column between its two percentiles."""
    low, high = np.percentile(scores, [LOW_PERCENTILE, HIGH_PERCENTILE], axis=0)
    span = np.maximum(high - low, 1e-6)
    return np.asarray(np.clip((scores - low) / span, 0, 1) * FULL_INTENSITY)


def _scores(table: Table, rows: list[Row]) -> npt.NDArray[np.float64]:
    """Returns the teacher's score of each AU: float64 (N, A), 0-1."""
    scores = np.empty((len(rows), len(TEACHERS)))
    try:
        for place, names in enumerate(TEACHERS.values()):
            scores[:, place] = [np.mean([float(row[name]) for name in names]) for row in rows]
    except ValueError as error:
        raise SourceOpenError(f"{table.path}: a score is no number ({error})") from None
    return scores


def _image(source: Path, row: Row, labels: dict[str, float]) -> SourceImage:
    cells = row.cells
    return SourceImage(
        name=row["file"],
        path=source / "crops" / row["file"],
        subject=cells.get("sheet") or row["file"],
        labels=labels,
        columns={"origin": cells.get("source", "")},
    )
