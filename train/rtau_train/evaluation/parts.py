"""Which rows a run is judged on: a part of its split, or one of FER2013's two test parts.

Says in words what part that is, so that a figure never stands beside one of another part unseen.
Called by `rtau-train evaluate` and by the study.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from rtau.errors import UsageError
from rtau_train.datasets.folds import SPLIT_NAMES
from rtau_train.datasets.labelled_crops import Rows
from rtau_train.datasets.splits import DataSplits

PartName = Literal["train", "validation", "test", "public", "private"]
# Column of labels.csv with FER2013's own words, and what they are called here.
USAGE_COLUMN = "usage"
_USAGES: Mapping[str, str] = {"public": "PublicTest", "private": "PrivateTest"}
_WORDS: Mapping[str, str] = {"PublicTest": "public test", "PrivateTest": "private test"}


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Rows of a data set under their name."""

    name: PartName
    rows: Rows
    words: str
    """`public test`, `private test`, or the part of the split: `test part`."""
    used_for: str
    """What the run used these pictures for; empty for those it was only judged on."""


def part_of(splits: DataSplits, name: PartName, /) -> Part:
    """Returns the rows of a part.

    Raises:
        UsageError: the data have no such part.
    """
    rows = getattr(splits.split, name) if name in SPLIT_NAMES else _official(splits, name)
    usage = splits.data.columns.get(USAGE_COLUMN)
    found = [] if usage is None else sorted(set(usage[rows].tolist()))
    words = f"{'training' if name == 'train' else name} part"
    if len(found) == 1:
        words = _WORDS.get(found[0], words)
    return Part(name, rows, words, _used_for(splits, rows))


def has_official(splits: DataSplits, name: Literal["public", "private"], /) -> bool:
    """True where the data have that test part of FER2013."""
    usage = splits.data.columns.get(USAGE_COLUMN)
    return usage is not None and bool((usage == _USAGES[name]).any())


def _official(splits: DataSplits, name: str) -> Rows:
    wanted = _USAGES[name]
    usage = splits.data.columns.get(USAGE_COLUMN)
    if usage is None:
        raise UsageError(
            f"--part {name} is a part of FER2013, and labels.csv has no column {USAGE_COLUMN}; "
            f"choose {', '.join(SPLIT_NAMES)}"
        )
    rows = np.flatnonzero(usage == wanted).astype(np.int64)
    if not len(rows):
        found = ", ".join(sorted(set(usage.tolist()) - {""})) or "none"
        raise UsageError(f"--part {name} needs pictures of usage {wanted}, the data have {found}")
    return rows


def _used_for(splits: DataSplits, rows: Rows) -> str:
    split = splits.split
    used = []
    if np.isin(rows, split.train).any():
        used.append("trained on")
    if np.isin(rows, split.validation).any():
        used.append("used to choose thresholds and epochs")
    return " and ".join(used)
