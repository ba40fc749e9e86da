import functools
import operator
import os
import random
import signal

import pytest

from rtau.errors import RtauError
from rtau_train.datasets.worker_pool import AHEAD, map_in_processes

# Work and states are functions of the standard library: any process can load them.
TEN = functools.partial(int, 10)


def mapped(work, items, *, processes, open_state=TEN):
    return map_in_processes(
        work, items, open_state=open_state, processes=processes, out="out", doing="counts"
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(processes):
    found = mapped(operator.add, range(25), processes=processes)

    assert list(found) == list(range(10, 35))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_opens_its_state_once(processes):
    found = list(mapped(operator.add, [0] * 20, processes=processes, open_state=random.random))

    assert 1 <= len(set(found)) <= processes


@pytest.mark.parametrize("processes", [1, 2])
def test_what_work_raises_arrives(processes):
    found = mapped(operator.floordiv, [5, 0, 1], processes=processes)

    assert next(found) == 2
    with pytest.raises(ZeroDivisionError):
        list(found)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_opening_a_state_raises_arrives(processes):
    with pytest.raises(ValueError, match="invalid literal"):
        list(mapped(operator.add, [1], processes=processes, open_state=functools.partial(int, "x")))


def test_items_are_read_no_further_ahead_than_there_is_room():
    read = []

    def items():
        for number in range(100):
            read.append(number)
            yield number

    found = mapped(operator.add, items(), processes=2)
    next(found)

    assert len(read) == 2 * AHEAD + 1
    found.close()


def test_a_process_that_dies_is_one_line():
    with pytest.raises(RtauError, match=r"^out: a process that counts died, .*\(--jobs 1 needs"):
        list(mapped(os.kill, [signal.SIGKILL], processes=2, open_state=os.getpid))
