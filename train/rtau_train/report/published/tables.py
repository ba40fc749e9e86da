"""Reads the papers' tables from the TOML files beside this module, as frozen records.

Holds what is printed, errors included; judges nothing. Called by the doubts and by the report.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from importlib import resources
from typing import TypeVar

from rtau_train import records

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Of the six networks in Tables 7 and 8.
LETTERS = "ABCDEF"

_Paper = TypeVar("_Paper")


@dataclasses.dataclass(frozen=True)
class TextSizes:
    """Sizes of the data that the first paper's text gives."""

    disfa_plus_images: int
    disfa_plus_labels: int
    disfa_plus_people: int
    dem_images: int
    dem_people: int


@dataclasses.dataclass(frozen=True)
class Emotions:
    """Images per emotion."""

    table: str
    images: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Counts:
    """Images per AU and part."""

    table: str
    dataset: str
    """disfa+ or dem."""
    title: str
    rows: dict[str, tuple[int, int, int, int]]
    """AU -> total, train, validation, test."""


@dataclasses.dataclass(frozen=True)
class Hyperparameter:
    """A line of Table 6."""

    name: str
    value: str
    networks: str


@dataclasses.dataclass(frozen=True)
class F1Table:
    """F1 per AU and network; a tuple has a value per letter, A to F."""

    table: str
    dataset: str
    """disfa+ or dem."""
    average: tuple[float, ...]
    """As printed."""
    rows: dict[str, tuple[float, ...]]
    bold: dict[str, str]
    """AU -> the letter printed in bold."""


@dataclasses.dataclass(frozen=True)
class Compared:
    """A column of Table 9."""

    table: str
    method: str
    dataset: str
    f1: dict[str, float]
    """AU -> F1; NaN where none is given."""


@dataclasses.dataclass(frozen=True)
class Paper1:
    """The first paper: Action Units in DISFA+ and DEM."""

    attribution: str
    letters: dict[str, str]
    """Letter -> network; empty where the text does not say."""
    text: TextSizes
    emotions: Emotions
    counts: tuple[Counts, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    f1: tuple[F1Table, ...]
    compared: tuple[Compared, ...]

    def counts_of(self, table: str, /) -> Counts:
        """Returns the counts of Table 3, 4 or 5."""
        return next(counts for counts in self.counts if counts.table == table)

    def f1_of(self, dataset: str, /) -> F1Table | None:
        """Returns the F1 table of disfa+ or dem; None for other data."""
        return next((table for table in self.f1 if table.dataset == dataset), None)

    def letter_of(self, network: str, /) -> str | None:
        """Returns the letter of a network; None where the text does not say."""
        return next((key for key, name in self.letters.items() if name == network), None)


@dataclasses.dataclass(frozen=True)
class Network:
    """A line of the second paper's Table 1."""

    name: str
    layers: int
    size_mb: int
    gflops: int


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Counts (K, K): rows are the truth, columns what was said."""

    labels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]

    @property
    def images(self) -> int:
        """The sum of the whole matrix."""
        return sum(map(sum, self.rows))

    @property
    def right(self) -> int:
        """The sum of its diagonal."""
        return sum(row[k] for k, row in enumerate(self.rows))


@dataclasses.dataclass(frozen=True)
class Paper2:
    """The second paper: emotions in FER2013 and CK+."""

    attribution: str
    accuracy: float
    """As printed, 0-1."""
    epochs: int
    learning_rate_slice: tuple[float, float]
    fer2013_train: int
    fer2013_public_test: int
    fer2013_private_test: int
    ckplus_sequences: int
    ckplus_people: int
    ckplus_labelled: int
    ckplus_images: int
    top_loss_index: int
    networks: tuple[Network, ...]
    matrix: Matrix
    """Of ResNet18."""


@functools.cache
def paper1() -> Paper1:
    """Returns the numbers of the first paper."""
    return _read(Paper1, "paper1.toml")


@functools.cache
def paper2() -> Paper2:
    """Returns the numbers of the second paper."""
    return _read(Paper2, "paper2.toml")


def _read(kind: type[_Paper], name: str) -> _Paper:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return records.from_plain(kind, tomllib.loads(text), origin=name)
