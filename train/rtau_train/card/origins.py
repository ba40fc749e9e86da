"""What the weights of a run have seen: data sets, parts and the assets they were made of.

Refuses data that the card's table of licences has no row for. Called by the measurement of a card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from rtau.contract import ModelContract
from rtau.errors import SourceOpenError, UsageError
from rtau_train.card.record import DatasetRows, Origins
from rtau_train.card.renders import YAW_COLUMN, degrees
from rtau_train.card.stages import stages
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.datasets.preparation import read_preparation
from rtau_train.datasets.splits import DataSplits

# The data sets that a card has words about.
KINDS: Final = ("renders", "portraits", "geometry", "warped")
SYNTH_RECORD: Final = "synth.json"
PITCH_COLUMN: Final = "pitch_deg"
# Column of portraits that says which collection they are from, and the one with a licence row.
ORIGIN_COLUMN: Final = "origin"
KNOWN_ORIGIN: Final = "SFHQ-T2I"
# The asset folder of the prototype (rtau_train.synth.writer.assets_digest), whose skins are older
# than the CC0 release. The prototype's own pictures have no synth.json.
OLDER_ASSETS_SHA256: Final = "ab41fd4d3ae6a9930189a9e82a4cb6638b6f269db5135aabedd06968a722c4e6"


def rows_of(data: LabelledCrops, rows: Rows, kind: str, /) -> Rows:
    """Returns those of some rows whose data set is of a kind: `renders`, numbered or not."""
    names = data.datasets[rows]
    return rows[np.array([_kind(str(name)) == kind for name in names], np.bool_)]


def origins(
    run_folder: Path, splits: DataSplits, /, *, folders: Sequence[Path], contract: ModelContract
) -> Origins:
    """Returns what a run was trained from.

    Args:
        run_folder: the run.
        splits: its data and split.
        folders: where the data are from, one per data set in their order.
        contract: of the file that was exported from it.

    Raises:
        UsageError: a data set is none of `KINDS`, or portraits are of a collection that the card
            has no licence for.
        SourceOpenError: a folder's record, or a run on the way, cannot be read.
    """
    data, train = splits.data, splits.split.train
    names = [str(name) for name in dict.fromkeys(data.datasets.tolist())]
    _check(data, names)
    rendered = [_synth_record(path) for path in folders if read_preparation(path) is None]
    sculpted = [record for record in rendered if "avatars" not in record]
    older = [record.get("assets_sha256") in {None, OLDER_ASSETS_SHA256} for record in sculpted]
    renders = rows_of(data, train, "renders")
    way, from_imagenet, from_file = stages(run_folder)
    return Origins(
        datasets=tuple(
            _dataset(splits, name, made_by=_maker(folder))
            for name, folder in zip(names, folders, strict=True)
        ),
        has_released_skins=not all(older),
        has_older_skins=any(older),
        has_avatars=len(sculpted) < len(rendered),
        has_portraits=len(rows_of(data, train, "portraits")) > 0 or mentions_portraits(contract),
        has_geometry=len(rows_of(data, train, "geometry")) > 0,
        has_warped=len(rows_of(data, train, "warped")) > 0,
        starts_from_file=from_file,
        stages=way,
        starts_from_imagenet=from_imagenet,
        max_yaw_deg=_furthest(data, renders, YAW_COLUMN),
        max_pitch_deg=_furthest(data, renders, PITCH_COLUMN),
    )


def mentions_portraits(contract: ModelContract, /) -> bool:
    """Returns whether a contract's line on training data speaks of portraits."""
    return "portrait" in contract.training_data.lower()


def known_portraits(data: LabelledCrops, /) -> tuple[str, ...]:
    """Returns the collections that portraits are from, by their column `origin`."""
    return tuple(sorted(set(data.columns.get(ORIGIN_COLUMN, np.full(len(data), "")).tolist())))


def _kind(name: str) -> str:
    """Returns the name of a data set without the number that joining may have given it."""
    return re.sub(r"-\d+$", "", name)


def _check(data: LabelledCrops, names: Sequence[str]) -> None:
    wrong = [name for name in names if _kind(name) not in KINDS]
    if wrong:
        raise UsageError(
            f"a card can be written of models trained on {', '.join(KINDS)}, got {wrong[0]}: its "
            "words on data, licences and limits are not about that"
        )
    portraits = rows_of(data, np.arange(len(data)), "portraits")
    found = set(data.columns.get(ORIGIN_COLUMN, np.full(len(data), ""))[portraits].tolist())
    unknown = sorted(found - {KNOWN_ORIGIN})
    if unknown:
        raise UsageError(
            f"the card has licences of portraits from {KNOWN_ORIGIN} only, got {unknown[0]!r} in "
            f"column {ORIGIN_COLUMN}; make the folder again with `rtau-train prepare portraits "
            f"--source {KNOWN_ORIGIN}`"
        )


def _maker(folder: Path) -> str:
    made = read_preparation(folder)
    if made is not None:
        verbs = {"geometry": "label-geometry", "warped": "warp"}
        return f"`rtau-train {verbs.get(made.dataset, 'prepare')}`"
    record = _synth_record(folder)
    if not record:
        return "the prototype of the renderer"
    return "`rtau-train synth --avatars`" if "avatars" in record else "`rtau-train synth`"


def _synth_record(folder: Path) -> dict[str, Any]:
    """Returns what `rtau-train synth` says of a folder of renders; empty for the prototype's."""
    path = folder / SYNTH_RECORD
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
        return {**made, "assets_sha256": str(made["assets_sha256"])}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceOpenError(f"{path}: not a record of `rtau-train synth` ({error!r})") from None


def _dataset(splits: DataSplits, name: str, *, made_by: str) -> DatasetRows:
    data, split = splits.data, splits.split
    train, validation, test = (
        rows[data.datasets[rows] == name] for rows in (split.train, split.validation, split.test)
    )
    shared = np.isin(data.subjects[test], data.subjects[train])
    return DatasetRows(
        name=name,
        made_by=made_by,
        train=len(train),
        validation=len(validation),
        test=len(test),
        shared=int(shared.sum()),
    )


def _furthest(data: LabelledCrops, rows: Rows, column: str) -> float:
    angles = np.abs(degrees(data, rows, column))
    known = angles[~np.isnan(angles)]
    return float(known.max()) if len(known) else float("nan")
