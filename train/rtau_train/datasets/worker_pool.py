"""Shares work among processes of this machine, each with a state of its own that is opened once.

The state is what cannot be shared or is dear to make: a detector, an OpenGL context. Results come
back in the order of the items, whatever the number of processes. Called by the cutting of crops and
by the rendering of faces.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final, TypeVar

from rtau.errors import RtauError

_State = TypeVar("_State")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Items per process that wait or run; pixels of a table travel with them.
AHEAD: Final = 3


def map_in_processes(
    work: Callable[[_State, _Item], _Result],
    items: Iterable[_Item],
    /,
    *,
    open_state: Callable[[], _State],
    processes: int,
    out: Path,
    doing: str,
) -> Iterator[_Result]:
    """Yields the result of every item, in the order of the items.

    Args:
        work: takes a process's state and an item; everything is pickled.
        items: read only as far ahead as there is room.
        open_state: makes a process's state, when its first item comes.
        processes: how many work at once; 1 works in this one.
        out: the folder that is written, for the error.
        doing: what a process does, for the error.

    Raises:
        RtauError: a process died.
        Exception: whatever `work` or `open_state` raises.
    """
    if processes == 1:
        state = open_state()
        yield from (work(state, item) for item in items)
        return
    # A fork would share the parent's open OpenGL context and its locks.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin_process, initargs=(open_state,)
    ) as pool:
        waiting: deque[concurrent.futures.Future[_Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(_run, work, item))
                if len(waiting) > AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise RtauError(
                f"{out}: a process that {doing} died, perhaps for want of memory; run the same "
                "command again, it goes on from here (--jobs 1 needs the least memory)"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Process:
    """What a worker process keeps from item to item."""

    open_state: Callable[[], Any]
    states: tuple[Any, ...] = ()
    """Empty until the first item."""


def _begin_process(open_state: Callable[[], Any]) -> None:
    """Leaves Ctrl-C to the command's own process, and ends with it, even when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in a child"

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    _Process.open_state = staticmethod(open_state)


def _run(work: Callable[[Any, _Item], _Result], item: _Item) -> _Result:
    # Opened here and not by the initializer, whose exception the pool would swallow.
    if not _Process.states:
        _Process.states = (_Process.open_state(),)
    return work(_Process.states[0], item)
