"""How a run is computed, beside what its recipe says: processes, precision, threads.

Holds values only. Made by the command line, read by everything that trains.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rtau_train.fitting.distributed import Worker


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How a run is computed; none of it is part of the recipe."""

    worker: Worker = dataclasses.field(default_factory=Worker)
    amp: bool = False
    """Mixed precision: float16 on a GPU, bfloat16 on a CPU."""
    channels_last: bool = False
    loader_workers: int = 1
    """Threads that cut crops."""
    weights_dir: Path | None = None
    """Folder of the ImageNet weights a recipe may ask for; None downloads them."""
    overrides: tuple[str, ...] = ()
    """What the command line changed in the recipe, for the record."""
