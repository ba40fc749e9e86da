"""A pool of threads that share the stages of a run: each executes the ready stage nearest the end.

A stage processes one item after the other, whichever thread executes it, so its output is that of a
single thread. There is one thread per core, two at least: with one thread per stage, each woke for
a piece of a millisecond and waited for its turn while a core was idle (ADR 24). Knows nothing of
frames; reading and preprocessing a file, and asynchronous sinks, are stages.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from rtau.execution.queue import POLL_INTERVAL_S, BoundedQueue

Item = TypeVar("Item")
Input = TypeVar("Input")
Output = TypeVar("Output")

_EXHAUSTED = object()


@dataclasses.dataclass(slots=True, eq=False)
class _Stage:
    """One step of the work and its two queues; changed under the lock of the pool only."""

    work: Callable[[Any], Any]
    inputs: BoundedQueue[Any] | None
    outputs: BoundedQueue[Any] | None
    is_busy: bool = False
    is_over: bool = False

    @property
    def is_ready(self) -> bool:
        if self.is_busy or self.is_over:
            return False
        has_work = self.inputs is None or bool(self.inputs.items)
        return has_work and (self.outputs is None or self.outputs.has_room)

    def finish(self, output: object) -> None:
        """Passes on the output of the item that was processed."""
        self.is_busy = False
        if output is _EXHAUSTED:
            self.is_over = True
            self._end_outputs(None)
        elif self.outputs is not None:
            self.outputs.items.append(output)

    def fail(self, error: BaseException) -> None:
        """Ends the stage; the error goes to its consumer, or to its producer if it has none."""
        self.is_busy, self.is_over = False, True
        if self.outputs is None and self.inputs is not None:
            self.inputs.items.clear()
            self.inputs.end(error)
        self._end_outputs(error)

    def propagate_end(self) -> None:
        """Ends the outputs once the inputs have ended and are all processed."""
        inputs = self.inputs
        if inputs is not None and inputs.is_ended and not (inputs.items or self.is_busy):
            self._end_outputs(inputs.error)

    def _end_outputs(self, error: BaseException | None) -> None:
        if self.outputs is not None:
            self.outputs.end(error)


class WorkerPool:
    """Worker threads and the calling thread, which execute the stages together.

    Stages are added first, each after those it takes from. Then one thread, always the same, calls
    `start`, puts into and takes from the queues, and calls `drain` and finally `close`. While it
    waits for a queue of the pool, it executes stages too.
    """

    def __init__(self) -> None:
        """Has no stage and no thread yet."""
        self._stages: list[_Stage] = []
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._is_closed = False

    @property
    def stages(self) -> int:
        """Number of stages: more threads would be idle."""
        return len(self._stages)

    def queue(self, *, size: int) -> BoundedQueue[Any]:
        """Returns a new queue for stages of this pool; who waits for it executes stages."""
        return BoundedQueue(size=size, changed=self._changed, wait_until=self._work_until)

    def add_producer(self, items: Iterator[Item], /, *, outputs: BoundedQueue[Item]) -> None:
        """Adds a stage that puts the items of an iterator into a queue."""
        self._stages.append(_Stage(lambda _: next(items, _EXHAUSTED), None, outputs))

    def add_stage(
        self,
        work: Callable[[Input], Output],
        /,
        *,
        inputs: BoundedQueue[Input],
        outputs: BoundedQueue[Output] | None,
    ) -> None:
        """Adds a stage that applies a function to each input; `outputs` None discards results."""
        self._stages.append(_Stage(work, inputs, outputs))

    def start(self, *, threads: int) -> None:
        """Starts so many threads beside the calling one."""
        for _ in range(threads):
            thread = threading.Thread(target=self._work_until_closed, name="rtau-worker")
            thread.start()
            self._threads.append(thread)

    def drain(self, queue: BoundedQueue[Any]) -> None:
        """Returns when every item put into a queue is processed, or its stage has failed."""
        stage = next(stage for stage in self._stages if stage.inputs is queue)
        self._work_until(lambda: queue.error is not None or not (queue.items or stage.is_busy))

    def stop_producers(self) -> None:
        """Stops the stages that have outputs and discards these; the others finish their inputs."""
        with self._changed:
            for stage in self._stages:
                if stage.outputs is not None:
                    stage.is_over = True
                    stage.outputs.items.clear()

    def close(self) -> None:
        """Tells the threads to end after the item each is processing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Returns whether all threads have ended within a time."""
        deadline_s = time.perf_counter() + timeout_s
        for thread in self._threads:
            thread.join(max(deadline_s - time.perf_counter(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work_until_closed(self) -> None:
        self._work_until(lambda: self._is_closed, catches=BaseException)

    def _work_until(
        self, is_met: Callable[[], bool], *, catches: type[BaseException] = Exception
    ) -> None:
        """Executes ready stages until a predicate is true.

        An exception outside `catches` is an interruption of the calling thread, not a failure of
        the stage: it is raised at once, the item is lost, and other threads may go on with the
        stage.
        """
        while True:
            stage, item = None, None
            try:
                with self._changed:
                    while not is_met():
                        stage = self._next_stage()
                        if stage is not None:
                            stage.is_busy = True
                            item = None if stage.inputs is None else stage.inputs.items.popleft()
                            break
                        self._changed.wait(POLL_INTERVAL_S)
                if stage is None:
                    return
                self._execute(stage, item, catches=catches)
            except BaseException:
                if stage is not None:
                    stage.is_busy = False
                raise

    def _next_stage(self) -> _Stage | None:
        """Returns the ready stage nearest the end, or None."""
        return next((stage for stage in reversed(self._stages) if stage.is_ready), None)

    def _execute(self, stage: _Stage, item: object, *, catches: type[BaseException]) -> None:
        output, error = None, None
        try:
            output = stage.work(item)
        except catches as raised:
            error = raised  # kept on a queue, whose producer or consumer raises it again
        with self._changed:
            if error is None:
                stage.finish(output)
            else:
                stage.fail(error)
            for each in self._stages:
                each.propagate_end()
            self._changed.notify_all()
