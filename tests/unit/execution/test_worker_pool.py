"""Threads that share stages: order, errors of any stage, bounded queues, and a clean end."""

import threading
import time

import pytest

from rtau.execution.worker_pool import WorkerPool


def negating(items, *, size=2, work=None):
    """Returns a pool that reads items and negates each, and the queue of its outputs."""
    pool = WorkerPool()
    read, made = pool.queue(size=size), pool.queue(size=size)
    pool.add_producer(iter(items), outputs=read)
    pool.add_stage(work or (lambda item: -item), inputs=read, outputs=made)
    return pool, made


def all_of(pool, queue, *, threads, at_a_time=3):
    pool.start(threads=threads)
    taken = []
    while some := queue.take(at_a_time):
        taken += some
    pool.close()
    assert pool.join(5)
    return taken


def failing_at(bad, error):
    def work(item):
        if item == bad:
            raise error
        return item

    return work


@pytest.fixture
def pool_to_write():
    """Yields a factory of pools with one stage that has no outputs, and ends all of them."""
    made = []

    def make(work, *, size=3, threads=1):
        pool = WorkerPool()
        queue = pool.queue(size=size)
        pool.add_stage(work, inputs=queue, outputs=None)
        pool.start(threads=threads)
        made.append(pool)
        return pool, queue

    yield make
    for pool in made:
        pool.close()
        assert pool.join(5)


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_everything_comes_out_in_order_and_was_worked_on_once(count, threads):
    seen = []
    pool, made = negating(
        range(count), size=4, work=lambda item: seen.append(item) or time.sleep(1e-4) or -item
    )

    assert all_of(pool, made, threads=threads) == [-item for item in range(count)]
    assert seen == list(range(count))
    assert made.error is None


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_more_can_be_taken_at_once_than_a_queue_holds(threads):
    pool, made = negating(range(20), size=2)

    assert all_of(pool, made, threads=threads, at_a_time=7) == [-item for item in range(20)]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_no_stage_works_on_two_items_at_once(threads):
    inside, most = [], []

    def work(item):
        inside.append(item)
        most.append(len(inside))
        time.sleep(1e-3)
        inside.remove(item)
        return item

    pool, made = negating(range(30), work=work)

    assert len(all_of(pool, made, threads=threads, at_a_time=2)) == 30
    assert set(most) == {1}


def test_the_stages_work_beside_each_other():
    met = threading.Barrier(2, timeout=5)  # breaks unless both stages wait at once

    def reads():
        yield 0
        met.wait()
        yield 1

    pool, made = negating(reads(), work=lambda item: met.wait() if item == 0 else item)

    assert len(all_of(pool, made, threads=1, at_a_time=2)) == 2


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_what_reading_failed_with_comes_after_what_was_read(threads):
    error = OSError("the cable")

    def reads():
        yield from (1, 2)
        raise error

    pool, made = negating(reads(), size=5)

    assert all_of(pool, made, threads=threads) == [-1, -2]
    assert made.error is error


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_what_a_stage_failed_with_comes_after_what_it_had_made(threads):
    error = RuntimeError("no cascade")
    pool, made = negating(range(9), work=failing_at(5, error))

    assert all_of(pool, made, threads=threads, at_a_time=2) == [0, 1, 2, 3, 4]
    assert made.error is error


def test_an_interruption_of_the_caller_is_raised_once_and_costs_the_item_in_hand():
    pool, made = negating(range(9), work=failing_at(1, KeyboardInterrupt()))
    pool.start(threads=0)

    with pytest.raises(KeyboardInterrupt):
        made.take(2)
    assert made.take(9) == [2, 3, 4, 5, 6, 7, 8]
    assert made.error is None


def test_an_exit_of_a_worker_ends_the_stage(pool_to_write):
    has_begun = threading.Event()

    def work(_):
        has_begun.set()
        raise SystemExit

    pool, queue = pool_to_write(work)
    queue.put(0)
    assert has_begun.wait(5)
    pool.drain(queue)

    assert isinstance(queue.error, SystemExit)
    assert not queue.put(1)


def test_no_more_is_produced_than_queues_hold():
    read, processed, enough = [], [], threading.Event()

    def reads():
        for item in range(50):
            read.append(item)
            yield item

    def work(item):
        processed.append(item)
        if len(processed) == 2:
            enough.set()
        return item

    pool, made = negating(reads(), size=2, work=work)
    pool.start(threads=2)
    assert enough.wait(5)
    time.sleep(0.05)
    assert (len(processed), len(read)) == (2, 4)

    assert made.take(1) == [0]
    time.sleep(0.05)
    assert (len(processed), len(read)) == (3, 5)
    pool.close()
    assert pool.join(5)


def test_the_stage_nearest_the_end_is_executed_first():
    done = []
    pool = WorkerPool()
    read, prepared, written = (pool.queue(size=2) for _ in range(3))
    pool.add_producer(iter(range(9)), outputs=read)
    pool.add_stage(lambda item: done.append("prepare") or item, inputs=read, outputs=prepared)
    pool.add_stage(lambda _: done.append("write"), inputs=written, outputs=None)
    pool.start(threads=0)
    written.put("a")
    written.put("b")

    prepared.take(1)

    assert done == ["write", "write", "prepare"]


@pytest.mark.parametrize("threads", [0, 1])
def test_what_was_put_is_done_in_order_before_finish_returns(pool_to_write, threads):
    done = []
    pool, queue = pool_to_write(lambda item: time.sleep(1e-3) or done.append(item), threads=threads)
    for item in range(20):
        assert queue.put(item)
    pool.drain(queue)

    assert done == list(range(20))


@pytest.mark.parametrize("threads", [0, 1])
def test_nothing_can_be_put_once_its_stage_has_failed(pool_to_write, threads):
    error = OSError("disk full")
    pool, queue = pool_to_write(failing_at(1, error), threads=threads)

    assert not all(queue.put(item) for item in range(20))
    assert queue.error is error
    pool.drain(queue)  # returns


def test_what_is_to_be_written_is_written_when_producers_are_stopped():
    written = []
    pool, made = negating(range(1000))
    queue = pool.queue(size=4)
    pool.add_stage(
        lambda item: time.sleep(2e-3) or written.append(item), inputs=queue, outputs=None
    )
    pool.start(threads=2)
    for item in made.take(2):
        queue.put(item)
    pool.stop_producers()
    pool.drain(queue)
    pool.close()

    assert pool.join(5)
    assert written == [0, -1]


def test_threads_that_do_not_end_in_time_are_reported(pool_to_write):
    has_begun, may_end = threading.Event(), threading.Event()
    pool, queue = pool_to_write(lambda _: has_begun.set() or may_end.wait(5))
    queue.put(0)
    assert has_begun.wait(5)
    pool.close()

    assert not pool.join(0.05)
    may_end.set()


def test_a_pool_that_was_never_started_can_be_closed_and_joined():
    pool, _ = negating([1])
    pool.close()
    assert pool.join(0)
