"""What every epoch came to: history.csv and, for TensorBoard, RUN/tensorboard.

Both are written whole after every epoch from what the checkpoint knows, so an interrupted run
leaves neither a gap nor a row twice. Called by the loop; the report reads the CSV.
"""

from __future__ import annotations

import csv
import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from rtau_train.whole_file import whole_file

FILE_NAME = "history.csv"
BOARD = "tensorboard"


@dataclasses.dataclass(frozen=True)
class EpochDone:
    """What a callback receives after an epoch; a row of history.csv."""

    epoch: int
    """From 1."""
    epochs: int
    loss: float
    """Mean training loss."""
    validation_loss: float
    """Loss of the labels on the validation part; NaN in processes other than the first."""
    score: float
    """Validation score: mean AUC of sigmoid outputs, accuracy of a softmax."""
    rate: float
    """Learning rate of the head at the end of the epoch."""
    wall_s: float


def write_history(folder: Path, rows: Sequence[EpochDone], /) -> None:
    """Writes history.csv and the TensorBoard events of all epochs so far."""
    with (
        whole_file(folder / FILE_NAME) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=[f.name for f in dataclasses.fields(EpochDone)])
        writer.writeheader()
        writer.writerows(dataclasses.asdict(row) for row in rows)
    shutil.rmtree(folder / BOARD, ignore_errors=True)
    with SummaryWriter(str(folder / BOARD)) as board:
        for row in rows:
            for name in ("loss", "validation_loss", "score", "rate"):
                board.add_scalar(name, getattr(row, name), row.epoch)
