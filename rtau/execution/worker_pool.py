"""Threads that share a run's work: each does the next piece there is, that nearest the end first.

A stage works on one item after the other, whichever thread does it, so what comes out is what one
thread would have made. Threads are as many as cores, and two at least: with one to a stage, each
was woken for a piece of a millisecond and waited for its turn while a core stood idle (ADR 24).
Knows nothing of frames. The runner's feed of files and what is written behind it are stages.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Before = TypeVar("Before")
After = TypeVar("After")

# A bounded wait lets a signal handler run on platforms whose locks do not wake for one.
LOOK_EVERY_S = 0.2
_NOTHING_LEFT = object()


class Belt(Generic[Item]):
    """A bounded row of items on their way between two stages, or between one and the caller.

    Changed by its crew alone.
    """

    def __init__(self, *, size: int) -> None:
        """Holds at most `size` items; a stage may have one more in hand."""
        self.items: deque[Item] = deque()
        self.size = size
        self.is_ended = False
        """True once nothing is put on it any more."""
        self.error: BaseException | None = None
        """What a stage before or behind it failed with."""

    @property
    def has_room(self) -> bool:
        """True where another item may be put on it."""
        return len(self.items) < self.size

    def end(self, error: BaseException | None) -> None:
        """Says that nothing follows, and why; the first reason stays."""
        self.is_ended = True
        self.error = self.error or error


@dataclasses.dataclass(slots=True, eq=False)
class _Stage:
    work: Callable[[Any], Any]
    before: Belt[Any] | None
    after: Belt[Any] | None
    is_busy: bool = False
    is_over: bool = False

    @property
    def is_ready(self) -> bool:
        if self.is_busy or self.is_over:
            return False
        has_work = self.before is None or bool(self.before.items)
        return has_work and (self.after is None or self.after.has_room)

    def finish(self, made: object) -> None:
        """Puts down what was made of the item in hand."""
        self.is_busy = False
        if made is _NOTHING_LEFT:
            self.is_over = True
            self._end_after(None)
        elif self.after is not None:
            self.after.items.append(made)

    def fail(self, error: BaseException) -> None:
        """Ends the stage and tells who takes from it, or who puts into it where nobody takes."""
        self.is_busy, self.is_over = False, True
        if self.after is None and self.before is not None:
            self.before.items.clear()
            self.before.end(error)
        self._end_after(error)

    def pass_on_end(self) -> None:
        """Ends the belt after it once the one before has ended and nothing of it is left."""
        before = self.before
        if before is not None and before.is_ended and not (before.items or self.is_busy):
            self._end_after(before.error)

    def _end_after(self, error: BaseException | None) -> None:
        if self.after is not None:
            self.after.end(error)


class Crew:
    """A few threads and the one that calls, which do the work of stages.

    Stages are added first, each after those it takes from. Then one thread, always the same, calls
    `start`, `take`, `put`, `finish` and in the end `close`: it works while it waits.
    """

    def __init__(self) -> None:
        """Has no stage and no thread yet."""
        self._stages: list[_Stage] = []
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._is_closed = False

    @property
    def stages(self) -> int:
        """How many stages there are: more threads would have nothing to do."""
        return len(self._stages)

    def add_start(self, items: Iterator[Item], /, *, into: Belt[Item]) -> None:
        """Adds a stage that puts on a belt what an iterator gives."""
        self._stages.append(_Stage(lambda _: next(items, _NOTHING_LEFT), None, into))

    def add(
        self, work: Callable[[Before], After], /, *, of: Belt[Before], into: Belt[After] | None
    ) -> None:
        """Adds a stage that puts on a belt what it makes of the items of another, or nowhere."""
        self._stages.append(_Stage(work, of, into))

    def start(self, *, helpers: int) -> None:
        """Starts so many threads beside the calling one."""
        for _ in range(helpers):
            thread = threading.Thread(target=self._help, name="rtau-crew")
            thread.start()
            self._threads.append(thread)

    def take(self, belt: Belt[Item], count: int) -> list[Item]:
        """Returns the next `count` items, fewer only at the end, none when all were taken.

        What it returns never depends on how fast the stages are; it may be more than a belt holds.
        """
        taken: list[Item] = []
        while len(taken) < count:
            self._work_until(lambda: bool(belt.items) or belt.is_ended)
            with self._changed:
                if not belt.items:
                    break
                taken.append(belt.items.popleft())
                self._changed.notify_all()
        return taken

    def put(self, belt: Belt[Item], item: Item) -> bool:
        """Puts an item on a belt as soon as there is room; False where its stage has failed."""
        self._work_until(lambda: belt.has_room or belt.error is not None)
        with self._changed:
            if belt.error is not None:
                return False
            belt.items.append(item)
            self._changed.notify_all()
        return True

    def finish(self, belt: Belt[Any]) -> None:
        """Returns when all that was put on a belt is done, or its stage has failed."""
        stage = next(stage for stage in self._stages if stage.before is belt)
        self._work_until(lambda: belt.error is not None or not (belt.items or stage.is_busy))

    def make_no_more(self) -> None:
        """Stops all stages that put something on a belt; others do what is left for them."""
        with self._changed:
            for stage in self._stages:
                if stage.after is not None:
                    stage.is_over = True
                    stage.after.items.clear()

    def close(self) -> None:
        """Tells the threads to end; what is not done is left undone."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def join(self, patience_s: float) -> bool:
        """Returns whether all threads have ended within a time."""
        until_s = time.perf_counter() + patience_s
        for thread in self._threads:
            thread.join(max(until_s - time.perf_counter(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _help(self) -> None:
        self._work_until(lambda: self._is_closed, catches=BaseException)

    def _work_until(
        self, is_met: Callable[[], bool], *, catches: type[BaseException] = Exception
    ) -> None:
        """Does piece after piece until something is so.

        What is not caught is no failure of a stage but an interruption of the calling thread: it is
        raised at once, the item in hand is lost, and others may go on with the stage.
        """
        while True:
            stage, item = None, None
            try:
                with self._changed:
                    while not is_met():
                        stage = self._next_stage()
                        if stage is not None:
                            stage.is_busy = True
                            item = None if stage.before is None else stage.before.items.popleft()
                            break
                        self._changed.wait(LOOK_EVERY_S)
                if stage is None:
                    return
                self._do(stage, item, catches=catches)
            except BaseException:
                if stage is not None:
                    stage.is_busy = False
                raise

    def _next_stage(self) -> _Stage | None:
        """Returns the stage nearest the end that has work for somebody, or None."""
        return next((stage for stage in reversed(self._stages) if stage.is_ready), None)

    def _do(self, stage: _Stage, item: object, *, catches: type[BaseException]) -> None:
        made, error = None, None
        try:
            made = stage.work(item)
        except catches as raised:
            error = raised  # raised again by who takes or puts
        with self._changed:
            if error is None:
                stage.finish(made)
            else:
                stage.fail(error)
            for each in self._stages:
                each.pass_on_end()
            self._changed.notify_all()
