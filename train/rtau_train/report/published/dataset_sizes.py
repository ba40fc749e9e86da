"""What the papers say of their data, as the counts of prepared folders stand beside it.

Views of the numbers in `rtau_train.report.published.tables`; typed there and nowhere else. Called
by `rtau_train.report.dataset_counts`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from rtau_train.report.published.tables import paper1, paper2


@dataclasses.dataclass(frozen=True)
class PartCounts:
    """Images with one AU, by part, as printed."""

    total: int
    train: int
    validation: int
    test: int


def _table(number: str) -> dict[str, PartCounts]:
    return {label: PartCounts(*row) for label, row in paper1().counts_of(number).rows.items()}


# Images per AU and part.
DISFA_PLUS: Final[Mapping[str, PartCounts]] = _table("3")
DEM: Final[Mapping[str, PartCounts]] = _table("4")
# As printed: the parts of AU6 add up to 269, not 261.
DEM_AUGMENTED: Final[Mapping[str, PartCounts]] = _table("5")
DEM_EMOTIONS: Final[Mapping[str, int]] = paper1().emotions.images

DISFA_PLUS_IMAGES: Final = paper1().text.disfa_plus_images
DISFA_PLUS_PEOPLE: Final = paper1().text.disfa_plus_people
DEM_IMAGES: Final = paper1().text.dem_images
DEM_PEOPLE: Final = paper1().text.dem_people

# FER2013's official parts, by the names of its column Usage.
FER2013_USAGE: Final[Mapping[str, int]] = {
    "Training": paper2().fer2013_train,
    "PublicTest": paper2().fer2013_public_test,
    "PrivateTest": paper2().fer2013_private_test,
}
# Row sums of the second paper's matrix: they are FER2013's public test.
FER2013_PUBLIC_TEST: Final[Mapping[str, int]] = {
    label: sum(row) for label, row in zip(paper2().matrix.labels, paper2().matrix.rows, strict=True)
}
CKPLUS_SEQUENCES: Final = paper2().ckplus_sequences
CKPLUS_LABELLED: Final = paper2().ckplus_labelled
CKPLUS_PEOPLE: Final = paper2().ckplus_people
