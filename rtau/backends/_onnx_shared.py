"""An ONNX Runtime session whose large batches are shared out among threads, a part to each.

The layers of a small network are too short to be shared, but its batches are not: parts of one run
beside each other and wait for one another once, not after every layer. Has the `run` of a session,
so `backends/onnx.py`, its only caller, need not know which of the two it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

# Least rows of a part: with fewer, what a run costs by itself eats what the second core gives.
MIN_ROWS = 8


class SharedSession:
    """A session of which several threads run parts of one batch."""

    def __init__(self, session: Any, /, *, calls: int) -> None:
        """Takes an InferenceSession on the CPU and how many of its runs may go on at once."""
        self._session = session
        self._calls = calls

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]]
    ) -> list[npt.NDArray[Any]]:
        """Returns the outputs of all rows, in order, as the session's own `run` does."""
        rows = len(next(iter(feeds.values())))
        parts = min(self._calls, rows // MIN_ROWS)
        if parts < 2:
            return list(self._session.run(list(outputs), dict(feeds)))
        shares = [np.array_split(array, parts) for array in feeds.values()]
        asked = [dict(zip(feeds, share, strict=True)) for share in zip(*shares, strict=True)]
        # Threads of one batch: they cost a hundredth of it, and an engine at rest keeps none.
        with ThreadPoolExecutor(parts - 1, thread_name_prefix="rtau-infer") as pool:
            waiting = [pool.submit(self._session.run, list(outputs), one) for one in asked[1:]]
            found = [self._session.run(list(outputs), asked[0])]
            found += [one.result() for one in waiting]
        return [np.concatenate(of_one) for of_one in zip(*found, strict=True)]
