"""What the papers say of their data: numbers to stand beside ours, typed once.

Paper 1: Moreno-Armendariz et al., IEEE Access 2024, tables 1, 3, 4 and 5. Paper 2: Hernandez
Hernandez et al. 2023, "Materiales y metodos" and figure 3. Only numbers; the counts of prepared
folders and the report read them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final


@dataclasses.dataclass(frozen=True)
class PartCounts:
    """Images with one AU, by part, as printed."""

    total: int
    train: int
    validation: int
    test: int


def _rows(text: str) -> dict[str, PartCounts]:
    rows = (line.split() for line in text.strip().splitlines())
    return {label: PartCounts(*map(int, numbers)) for label, *numbers in rows}


# Table 3: total samples per partition in DISFA+.
DISFA_PLUS: Final[Mapping[str, PartCounts]] = _rows("""
AU01 7275 5107 635 1533
AU02 6087 4276 539 1272
AU04 9276 6508 807 1961
AU05 7021 4897 640 1484
AU06 7531 5224 708 1599
AU09 3049 2134 264 651
AU12 7389 5129 694 1566
AU15 2677 1858 252 567
AU17 4090 2887 382 821
AU20 3005 2115 270 620
AU25 9333 6491 885 1957
AU26 5417 3803 483 1131
""")

# Table 4: total samples per partition in DEM.
DEM: Final[Mapping[str, PartCounts]] = _rows("""
AU01 261 173 25 63
AU02 229 149 19 61
AU04 279 193 31 55
AU05 64 46 6 12
AU06 261 189 28 44
AU09 100 71 8 21
AU12 459 317 45 97
AU15 76 51 1 24
AU17 39 29 2 8
AU20 14 12 1 1
AU25 327 230 33 64
AU26 187 128 19 40
""")

# Table 5: total samples per partition in DEM augmented. As printed: the parts of AU6 add up to
# 269, not 261.
DEM_AUGMENTED: Final[Mapping[str, PartCounts]] = _rows("""
AU01 361 250 36 75
AU02 309 215 28 66
AU04 379 262 31 86
AU05 104 68 8 28
AU06 261 189 30 50
AU09 140 104 8 28
AU12 459 325 46 88
AU15 136 92 15 29
AU17 429 287 39 103
AU20 154 111 11 32
AU25 397 287 36 74
AU26 187 125 18 44
""")

# Table 1: total samples per emotion in DEM.
DEM_EMOTIONS: Final[Mapping[str, int]] = {
    "contempt": 171,
    "disgust": 196,
    "anger": 171,
    "happiness": 258,
    "fear": 130,
    "surprise": 208,
    "sadness": 138,
    "neutral": 285,
}

# Section II.A, and the abstract.
DISFA_PLUS_IMAGES: Final = 57_000
DISFA_PLUS_PEOPLE: Final = 9
DEM_IMAGES: Final = 1_557
DEM_PEOPLE: Final = 246

# FER2013's official parts (paper 2), by the names of its column Usage.
FER2013_USAGE: Final[Mapping[str, int]] = {
    "Training": 28_709,
    "PublicTest": 3_589,
    "PrivateTest": 3_589,
}
# Row sums of the matrix in figure 3: they are FER2013's public test.
FER2013_PUBLIC_TEST: Final[Mapping[str, int]] = {
    "anger": 467,
    "disgust": 56,
    "fear": 496,
    "happiness": 895,
    "neutral": 607,
    "sadness": 653,
    "surprise": 415,
}
CKPLUS_SEQUENCES: Final = 593
CKPLUS_LABELLED: Final = 327
CKPLUS_PEOPLE: Final = 123
