"""An asyncio event loop on a thread of its own, for streams that talk to many clients."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

# A loop that does not end in this time is left behind, as a daemon.
STOP_TIMEOUT_S = 5.0


class EventLoopThread:
    """Runs an event loop until `close`."""

    def __init__(self, *, name: str) -> None:
        """Starts the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wait_for(
        self, coroutine: Coroutine[Any, Any, Result], /, *, timeout_s: float = STOP_TIMEOUT_S
    ) -> Result:
        """Returns the result of a coroutine that runs on the loop; raises what it raises.

        Raises:
            TimeoutError: it took too long, and is cancelled.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout_s)
        except concurrent.futures.TimeoutError as error:  # the builtin one from Python 3.11 on
            future.cancel()
            raise TimeoutError(f"nothing came of it within {timeout_s:g} s") from error

    def call(self, function: Callable[..., object], /, *arguments: object) -> None:
        """Has the loop call a function soon; returns at once."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """Ends the loop and its thread; may be called twice."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        if not self._thread.is_alive():
            self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(_cancel_others())


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
