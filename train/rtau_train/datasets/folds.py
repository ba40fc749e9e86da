"""Parts rows into training, validation and test: by picture, by person, or as the data set says.

A split by picture lets one person be on both sides; that is the first paper's protocol and its
name is in every record. A split by person is checked whenever it is made or read back. Called by
`rtau_train.datasets.splits`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau.errors import UsageError
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows, Words
from rtau_train.recipe import SplitPlan

SPLIT_NAMES = ("train", "validation", "test")
# A data set of fewer people is not dealt on its own.
FEW_PEOPLE = 20


@dataclasses.dataclass(frozen=True)
class Split:
    """Rows of each part, sorted; no row is in two."""

    train: Rows
    validation: Rows
    """Held out to choose thresholds and CAM scales, and to watch training."""
    test: Rows
    """Held out for the reported figures only."""


def split_rows(data: LabelledCrops, plan: SplitPlan, /) -> Split:
    """Returns the split of a data set that a plan's protocol, seed and shares define.

    Raises:
        UsageError: a part is empty, people are too few, the data set has no split of its own, or
            more training rows are wanted than there are.
    """
    if plan.train_only:
        split = _around(data, plan)
    elif plan.protocol == "given":
        split = _given(data, plan)
    elif plan.protocol == "subject":
        split = _by_subject(data, plan)
    else:
        split = _by_image(len(data), plan)
    for name in SPLIT_NAMES:
        if not len(getattr(split, name)):
            raise UsageError(
                f"data must have a row for every part of the split, got {len(data)} rows and none "
                f"for {name}"
            )
    if plan.protocol == "subject":
        check_independent(split, data.subjects)
    return _with_fewer(split, plan) if plan.train_rows else split


def _around(data: LabelledCrops, plan: SplitPlan) -> Split:
    """Returns the split of all other data sets, with those of `train_only` in the training part."""
    names = data.datasets
    absent = sorted(set(plan.train_only) - set(names))
    if absent:
        raise UsageError(
            f"split.train_only names {absent[0]!r}, and --data have {', '.join(sorted(set(names)))}"
        )
    kept = np.isin(names, plan.train_only)
    rows = np.flatnonzero(~kept).astype(np.int64)
    rest = dataclasses.replace(plan, train_only=(), train_rows=0)
    split = split_rows(data.take(rows), rest) if len(rows) else Split(rows, rows, rows)
    train = np.sort(np.concatenate([rows[split.train], np.flatnonzero(kept)]))
    return Split(train, rows[split.validation], rows[split.test])


def _with_fewer(split: Split, plan: SplitPlan) -> Split:
    if plan.train_rows > len(split.train):
        raise UsageError(
            f"split.train_rows must be at most the {len(split.train)} rows of the training part, "
            f"got {plan.train_rows}"
        )
    order = np.random.default_rng([plan.seed, len(split.train)]).permutation(split.train)
    return dataclasses.replace(split, train=np.sort(order[: plan.train_rows]))


def check_independent(split: Split, subjects: Words, /) -> None:
    """Raises UsageError when somebody is in two parts: the split may not be called by subject."""
    people = {name: set(subjects[getattr(split, name)]) for name in SPLIT_NAMES}
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = sorted(people[first] & people[second])
        if shared:
            raise UsageError(
                f"a split by subject must not have one person in two parts, but {shared[0]} "
                f"({len(shared)} in all) is in {first} and {second}"
            )


def _by_image(count: int, plan: SplitPlan) -> Split:
    order = np.random.default_rng([plan.seed, count]).permutation(count).astype(np.int64)
    watched = round(count * plan.validation)
    if plan.folds:
        tested = np.array_split(order, plan.folds)[plan.fold]
        rest = np.setdiff1d(order, tested, assume_unique=True)
        return _sorted(rest[watched:], rest[:watched], tested)
    tested_to = watched + round(count * plan.test)
    return _sorted(order[tested_to:], order[:watched], order[watched:tested_to])


def _by_subject(data: LabelledCrops, plan: SplitPlan) -> Split:
    people, person_of_row = np.unique(data.subjects, return_inverse=True)
    if len(people) < max(plan.folds, len(SPLIT_NAMES)):
        raise UsageError(
            f"a split by subject needs {max(plan.folds, len(SPLIT_NAMES))} people or more, got "
            f"{len(people)}; split by image, or give the data set's people in `subject`"
        )
    counts = _counts(data.occurs, person_of_row, people=len(people))
    rng = np.random.default_rng([plan.seed, len(people)])
    part_of = np.full(len(people), -1, np.int64)
    dataset_of = data.datasets[np.unique(person_of_row, return_index=True)[1]]
    for some in _dealt_together(dataset_of):
        part_of[some] = _part_of_people(counts, some, plan, rng=rng)
    rows = (np.flatnonzero(part_of[person_of_row] == part) for part in range(len(SPLIT_NAMES)))
    return _sorted(*rows)


def _dealt_together(dataset_of: Words) -> list[Rows]:
    """Returns groups of people, each of which is dealt by the shares on its own.

    A group is a data set: among 24,000 single renders, 28 sheets of 50 portraits would all be dealt
    first, when only the training part has room for so many. Data sets of a few people, who cannot
    be parted by shares, go with the largest.
    """
    names, numbers, counts = np.unique(dataset_of, return_inverse=True, return_counts=True)
    home = np.where(counts < FEW_PEOPLE, np.argmax(counts), np.arange(len(names)))
    group_of = home[numbers]
    return [np.flatnonzero(group_of == group).astype(np.int64) for group in np.unique(group_of)]


def _part_of_people(
    counts: npt.NDArray[np.float64], people: Rows, plan: SplitPlan, *, rng: np.random.Generator
) -> Rows:
    """Returns the place in SPLIT_NAMES of each of some people."""
    if not plan.folds:
        shares = [1 - plan.validation - plan.test, plan.validation, plan.test]
        return _dealt(counts, people, shares=shares, rng=rng)
    fold_of = _dealt(counts, people, shares=[1 / plan.folds] * plan.folds, rng=rng)
    part_of = np.full(len(people), SPLIT_NAMES.index("test"), np.int64)
    rest = fold_of != plan.fold
    share = min(plan.validation / (1 - 1 / plan.folds), 0.5)
    part_of[rest] = _dealt(counts, people[rest], shares=[1 - share, share], rng=rng)
    return part_of


def _counts(
    occurs: npt.NDArray[np.bool_], person_of_row: Rows, *, people: int
) -> npt.NDArray[np.float64]:
    """Returns float64 (people, 1 + A): each person's share of all rows and of each label's."""
    columns = np.column_stack([np.ones(len(occurs)), occurs])
    counts = np.zeros((people, columns.shape[1]))
    np.add.at(counts, person_of_row, columns)
    return np.asarray(counts / np.maximum(counts.sum(axis=0), 1))


def _dealt(
    counts: npt.NDArray[np.float64],
    people: Rows,
    /,
    *,
    shares: list[float],
    rng: np.random.Generator,
) -> Rows:
    """Returns the part of each of some people, so that rows and labels fall as the shares say.

    Greedy: in random order, the ones with most first, each goes where the squared distance from
    the wanted shares, over rows and labels, becomes least. Every part gets somebody.
    """
    wanted = np.array(shares)[:, None] * counts[people].sum(axis=0)  # (parts, 1 + A)
    have = np.zeros_like(wanted)
    part_of = np.full(len(people), -1, np.int64)
    order = rng.permutation(len(people))
    order = order[np.argsort(-counts[people[order], 0], kind="stable")]
    for place, person in enumerate(order):
        row = counts[people[person]]
        # Moving a person to a part changes only that part's term of the sum.
        change = ((have + row - wanted) ** 2 - (have - wanted) ** 2).sum(axis=1)
        empty = np.flatnonzero(~np.isin(np.arange(len(shares)), part_of))
        if len(order) - place <= len(empty):
            change[np.setdiff1d(np.arange(len(shares)), empty)] = np.inf
        part = int(np.argmin(change))
        part_of[person] = part
        have[part] += row
    return part_of


def _given(data: LabelledCrops, plan: SplitPlan) -> Split:
    if "split" not in data.columns:
        raise UsageError(
            'split.protocol is "given", but labels.csv has no column split; choose "image" or '
            '"subject"'
        )
    values = data.columns["split"]
    wrong = sorted(set(values) - set(SPLIT_NAMES))
    if wrong:
        raise UsageError(f"column split must hold {', '.join(SPLIT_NAMES)}, got {str(wrong[0])!r}")
    train, validation, test = (np.flatnonzero(values == name) for name in SPLIT_NAMES)
    if len(train) and not len(validation):
        order = np.random.default_rng(plan.seed).permutation(train)
        count = max(1, round(plan.validation * len(train)))
        validation, train = order[:count], order[count:]
    return _sorted(train, validation, test)


def _sorted(train: Rows, validation: Rows, test: Rows) -> Split:
    return Split(*(np.sort(rows).astype(np.int64) for rows in (train, validation, test)))
