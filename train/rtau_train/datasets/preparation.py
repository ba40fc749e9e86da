"""The record of how a folder of crops was made: prepared.json.

Says which data set it is, what is labelled and where each crop was cut, so that training needs no
second copy of these facts. Written by `rtau-train prepare`, read with the folder it lies in.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from rtau.contract import CropRule
from rtau.data import Task
from rtau.errors import ConfigError, SourceOpenError
from rtau.strict_parser import StrictParser

FILE_NAME = "prepared.json"
# Raised when a field changes its meaning.
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Where a folder of labelled crops comes from."""

    dataset: str
    """`disfa+`, `dem`, `fer2013`, `ckplus`, `folder`, `portraits`, `london` or `annotations`."""
    task: Task
    labels: tuple[str, ...]
    """Columns of labels.csv that hold labels, or the emotions."""
    size_px: int
    """Side of the pictures under crops/."""
    crop: CropRule | None
    """Where they were cut on a detector's box; None for pictures that came as crops."""
    images: int
    rejected: int
    rtau_version: str
    source: str
    """The folder they were made from, by its name only."""
    aligned: bool = False
    """True where crops are turned with the head, as the runtime cuts them; False for upright
    squares, of an earlier `rtau-train prepare` or in pictures that came as crops."""
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ConfigError(
                f"format must be {FORMAT}, got {self.format}; run `rtau-train prepare` again"
            )

    def to_json(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def read_preparation(folder: Path, /) -> Preparation | None:
    """Returns the record of a folder, None where there is none (renders).

    Raises:
        SourceOpenError: the file is there but is no such record.
    """
    path = folder / FILE_NAME
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
        return StrictParser(null_is_nan=True).parse(Preparation, payload)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise SourceOpenError(
            f"{path}: not a record of `rtau-train prepare` ({error}); prepare the folder again"
        ) from None
