"""An ONNX Runtime session that splits large batches among threads, with a session's interface.

The layers of a small network are too short for several threads, its batches are not: the threads
wait for each other once per batch and not after every layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

# Fewest rows per part: with fewer, the fixed cost of a run outweighs the second core.
MIN_ROWS = 8


class SharedSession:
    """A session that runs parts of one batch in several threads."""

    def __init__(self, session: Any, /, *, calls: int) -> None:
        """Takes an InferenceSession on the CPU and the most runs at a time."""
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
        # New threads per batch cost one percent of it, and an idle engine has none.
        with ThreadPoolExecutor(parts - 1, thread_name_prefix="rtau-infer") as pool:
            waiting = [pool.submit(self._session.run, list(outputs), one) for one in asked[1:]]
            found = [self._session.run(list(outputs), asked[0])]
            found += [one.result() for one in waiting]
        return [np.concatenate(of_one) for of_one in zip(*found, strict=True)]
