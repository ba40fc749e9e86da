"""How cores are divided among workers, and how the death of a worker is described."""

import os
import signal
import threading

import pytest

from rtau.cpu import usable_cores
from rtau.runs.batch._process_pool import ProcessPool, _blocked_signals, describe_death


@pytest.mark.parametrize(
    ("jobs", "files", "cores", "count", "threads"),
    [
        (1, 9, 2, 1, 2),
        (2, 9, 2, 2, 1),
        (4, 9, 2, 4, 1),
        (0, 9, 8, 8, 1),
        (3, 9, 8, 3, 2),
        (8, 2, 8, 2, 4),
        (0, 1, 8, 1, 8),
    ],
)
def test_cores_are_divided_among_the_workers(jobs, files, cores, count, threads):
    workers = ProcessPool(jobs, most=files, cores=cores)

    assert (workers.count, workers.threads) == (count, threads)
    assert workers.count * workers.threads <= max(cores, workers.count)


def test_the_cores_are_those_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert usable_cores() == 1
        assert ProcessPool(0, most=9).description == "1 process of 1 thread"
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_killed_worker_and_one_that_failed_are_described_differently():
    assert "killed by SIGKILL, as the system does when memory runs out" in describe_death(-9)
    assert describe_death(-11).startswith("the worker process was killed by SIGSEGV; run this file")
    assert describe_death(3).startswith("the worker process ended with exit code 3")
    assert describe_death(None).startswith("the worker process ended with exit code None")


def test_a_ctrl_c_while_a_worker_starts_is_delivered_afterwards():
    reached = []

    def start_a_worker():
        with _blocked_signals():
            # To this thread: a signal to the process might go to one that does not block it.
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            reached.append(True)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            start_a_worker()
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached
