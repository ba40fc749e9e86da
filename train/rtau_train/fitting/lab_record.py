"""What a run was made by: recipe, overrides, commit, machine, versions, minutes: run.json.

Written after every epoch beside the checkpoint; the report prints it. Called by the loop.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from pathlib import Path

import numpy as np
import torch
import torchvision

from rtau import __version__
from rtau.errors import SourceOpenError
from rtau.runs.bench import machine as machine_record
from rtau.runs.bench.machine import revision
from rtau.strict_parser import StrictParser
from rtau_train.whole_file import write_whole

FILE_NAME = "run.json"


@dataclasses.dataclass(frozen=True)
class LabRecord:
    """One training run, as far as it has come."""

    recipe: str
    """Path of the recipe; its name alone where it lay outside the current folder."""
    overrides: tuple[str, ...]
    """What the command line changed in it, `fit.epochs=3`."""
    commit: str
    machine: str
    """Processor, cores and GPU."""
    versions: tuple[str, ...]
    """`torch 2.14.1` and so on."""
    device: str
    processes: int
    amp: bool
    dataset: str
    """Names of the data sets, as `LabelledCrops.datasets` has them, separated by commas."""
    train_rows: int
    validation_rows: int
    test_rows: int
    shared_subjects: int
    """People of the test part who are in the training part too."""
    epochs_done: int = 0
    minutes: float = 0.0
    """Wall time of all epochs."""
    notes: tuple[str, ...] = ()
    """What a reader of the figures must know: labels that never occur in training."""
    started_from: str = ""
    """The run whose weights it began with; empty: network.weights."""
    started_from_sha256: str = ""
    """Of those weights; empty without such a run."""

    def to_json(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def write_record(folder: Path, record: LabRecord, /) -> None:
    """Writes run.json, whole or not at all."""
    write_whole(folder / FILE_NAME, record.to_json())


def read_record(folder: Path, /) -> LabRecord:
    """Returns the record of a run.

    Raises:
        SourceOpenError: the file is missing or is no such record.
    """
    path = folder / FILE_NAME
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
        return StrictParser().parse(LabRecord, payload)
    except (OSError, ValueError, RecursionError) as error:
        raise SourceOpenError(
            f"{path}: not the record of a run ({error}); `rtau-train fit` writes it"
        ) from None


def git_commit() -> str:
    """Returns the commit of the sources, `unknown` outside a repository."""
    return revision()[0] or "unknown"


def machine(device: str, /) -> str:
    """Returns the processor, how many of its cores may be used, and the GPU if it trains."""
    here = machine_record.machine()
    text = f"{here.cpu}, {here.cores} cores"
    return text if device == "cpu" else f"{text}, {torch.cuda.get_device_name(device)}"


def versions() -> tuple[str, ...]:
    """Returns the versions of what computes."""
    return (
        f"rtau {__version__}",
        f"python {platform.python_version()}",
        f"torch {torch.__version__}",
        f"torchvision {torchvision.__version__}",
        f"numpy {np.__version__}",
    )
