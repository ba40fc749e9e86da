"""The data of one run: its rows, artificial images where the recipe asks for them, and the split.

Written to split.json with every file's name, and read back from there, so that an evaluation can
never mistake a picture that was trained on for one that was not. Called by the loop and by
everything that judges a run.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.folds import SPLIT_NAMES, Split, check_independent, split_rows
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.recipe import Oversample, Protocol, Recipe, SplitPlan

FILE_NAME = "split.json"


@dataclasses.dataclass(frozen=True)
class DataSplits:
    """A data set as one run sees it."""

    data: LabelledCrops
    """With its artificial images, if any."""
    split: Split
    """Rows of `data`."""
    protocol: Protocol

    def to_json(self, plan: SplitPlan, /) -> str:
        """Returns the record: the plan, and the files of each part."""
        files = {
            name: [self.data.name(int(row)) for row in getattr(self.split, name)]
            for name in SPLIT_NAMES
        }
        return json.dumps({**dataclasses.asdict(plan), **files}, indent=1) + "\n"

    def shared_subjects(self) -> int:
        """Returns how many people of the test part are in the training part too."""
        people = self.data.subjects
        return len(set(people[self.split.train]) & set(people[self.split.test]))


def splits_of(data: LabelledCrops, recipe: Recipe, /) -> DataSplits:
    """Returns a recipe's parts of a data set.

    Raises:
        UsageError: a part is empty, or the split is not what its protocol says.
    """
    plan, more = recipe.split, recipe.oversample
    if more is None:
        return DataSplits(data, split_rows(data, plan), plan.protocol)
    if more.before_split:
        rows, copies = _with_copies(data, np.arange(len(data)), more)
        data = data.take(rows, copies=copies)
        return DataSplits(data, split_rows(data, plan), plan.protocol)
    split = split_rows(data, plan)
    rows, copies = _with_copies(data, split.train, more)
    held_out = np.concatenate([split.validation, split.test])
    everything = data.take(
        np.concatenate([rows, held_out]),
        copies=np.concatenate([copies, np.zeros(len(held_out), np.int64)]),
    )
    edges = np.cumsum([len(rows), len(split.validation), len(split.test)])
    places = np.arange(len(everything), dtype=np.int64)
    return DataSplits(everything, Split(*np.split(places, edges[:2])), plan.protocol)


def saved_splits(folder: Path, data: LabelledCrops, recipe: Recipe, /) -> DataSplits:
    """Returns the parts a run was made with, found again in the data by the files' names.

    Raises:
        SourceOpenError: the run has no split.json, or it is not one.
        UsageError: the data lack a file of the run, or a split by subject is not one.
    """
    path = folder / FILE_NAME
    payload = _payload(path)
    expanded = splits_of(data, recipe).data if recipe.oversample is not None else data
    row_of = {expanded.name(row): row for row in range(len(expanded))}
    found = []
    for name in SPLIT_NAMES:
        missing = [file for file in payload[name] if file not in row_of]
        if missing:
            raise UsageError(
                f"{path} names {len(missing)} pictures that --data does not have, {missing[0]} "
                "first; give the data the run was made with"
            )
        found.append(np.array(sorted(row_of[file] for file in payload[name]), np.int64))
    split = Split(*found)
    if recipe.split.protocol == "subject":
        check_independent(split, expanded.subjects)
    return DataSplits(expanded, split, recipe.split.protocol)


def inherited(splits: DataSplits, folder: Path, /) -> DataSplits:
    """Returns parts in which every picture that an earlier run had keeps that run's part.

    A run that starts from another one's weights must not judge them by pictures they have seen.

    Args:
        splits: as the recipe makes them.
        folder: the earlier run.

    Raises:
        SourceOpenError: it has no split.json, or it is not one.
        UsageError: the data lack pictures of the earlier run, or a split by subject would put
            somebody in two parts.
    """
    payload = _payload(folder / FILE_NAME)
    earlier = {file: name for name in SPLIT_NAMES for file in payload[name]}
    rows: dict[str, list[int]] = {name: [] for name in SPLIT_NAMES}
    found = 0
    for name in SPLIT_NAMES:
        for row in getattr(splits.split, name):
            file = splits.data.name(int(row))
            # A run on one data set did not name it before each file, as one on several does.
            part = earlier.get(file) or earlier.get(file.partition("/")[2])
            found += part is not None
            rows[part or name].append(int(row))
    if found < len(earlier):
        raise UsageError(
            f"--data has {found} of the {len(earlier)} pictures of {folder}, which this run starts "
            "from; give its data too, so that what it trained on is not judged by"
        )
    split = Split(*(np.array(sorted(rows[name]), np.int64) for name in SPLIT_NAMES))
    if splits.protocol == "subject":
        check_independent(split, splits.data.subjects)
    return dataclasses.replace(splits, split=split)


def _payload(path: Path) -> dict[str, Any]:
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceOpenError(
            f"{path}: the run's split cannot be read ({error.strerror}); `rtau-train fit` writes it"
        ) from None
    except (ValueError, RecursionError) as error:
        raise SourceOpenError(f"{path}: not a split of `rtau-train fit` ({error})") from None
    if not isinstance(payload, dict) or not all(
        isinstance(payload.get(name), list) and all(isinstance(f, str) for f in payload[name])
        for name in SPLIT_NAMES
    ):
        raise SourceOpenError(
            f"{path}: not a split of `rtau-train fit`: {', '.join(SPLIT_NAMES)} wanted"
        )
    return payload


def _with_copies(data: LabelledCrops, rows: Rows, more: Oversample, /) -> tuple[Rows, Rows]:
    """Returns rows and the number of each row's copy: the rows, then artificial images.

    A picture that shows two of the labels gets copies for each, as in the paper's Table 5, whose
    second round copies originals only: 39 pictures with AU17 became 429.
    """
    all_rows, copies = [rows], [np.zeros(len(rows), np.int64)]
    done = np.zeros(len(data), np.int64)
    for label in more.labels:
        shown = rows[data.occurs[rows, data.labels.index(label)]]
        for _ in range(more.copies):
            done[shown] += 1
            all_rows.append(shown)
            copies.append(done[shown])
    return np.concatenate(all_rows), np.concatenate(copies)
