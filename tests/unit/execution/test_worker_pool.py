"""Threads that share stages: order, errors of any stage, bounded belts, and a clean end."""

import threading
import time

import pytest

from rtau.execution.worker_pool import Belt, Crew


def negating(items, *, size=2, look=None):
    """Returns a crew that reads items and negates each, and the belt of what it made."""
    crew, read, made = Crew(), Belt(size=size), Belt(size=size)
    crew.add_start(iter(items), into=read)
    crew.add(look or (lambda item: -item), of=read, into=made)
    return crew, made


def all_of(crew, belt, *, helpers, at_a_time=3):
    crew.start(helpers=helpers)
    taken = []
    while some := crew.take(belt, at_a_time):
        taken += some
    crew.close()
    assert crew.join(5)
    return taken


def failing_at(bad, error):
    def work(item):
        if item == bad:
            raise error
        return item

    return work


@pytest.fixture
def crew_to_write():
    """Yields what makes a crew with one stage that nobody takes from, and ends all of them."""
    made = []

    def make(work, *, size=3, helpers=1):
        crew, belt = Crew(), Belt(size=size)
        crew.add(work, of=belt, into=None)
        crew.start(helpers=helpers)
        made.append(crew)
        return crew, belt

    yield make
    for crew in made:
        crew.close()
        assert crew.join(5)


@pytest.mark.parametrize("helpers", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_everything_comes_out_in_order_and_was_worked_on_once(count, helpers):
    seen = []
    crew, made = negating(
        range(count), size=4, look=lambda item: seen.append(item) or time.sleep(1e-4) or -item
    )

    assert all_of(crew, made, helpers=helpers) == [-item for item in range(count)]
    assert seen == list(range(count))
    assert made.error is None


@pytest.mark.parametrize("helpers", [0, 1, 2])
def test_more_can_be_taken_at_once_than_a_belt_holds(helpers):
    crew, made = negating(range(20), size=2)

    assert all_of(crew, made, helpers=helpers, at_a_time=7) == [-item for item in range(20)]


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_no_stage_works_on_two_items_at_once(helpers):
    inside, most = [], []

    def look(item):
        inside.append(item)
        most.append(len(inside))
        time.sleep(1e-3)
        inside.remove(item)
        return item

    crew, made = negating(range(30), look=look)

    assert len(all_of(crew, made, helpers=helpers, at_a_time=2)) == 30
    assert set(most) == {1}


def test_the_stages_work_beside_each_other():
    met = threading.Barrier(2, timeout=5)  # breaks unless both stages wait at once

    def reads():
        yield 0
        met.wait()
        yield 1

    crew, made = negating(reads(), look=lambda item: met.wait() if item == 0 else item)

    assert len(all_of(crew, made, helpers=1, at_a_time=2)) == 2


@pytest.mark.parametrize("helpers", [0, 1, 2])
def test_what_reading_failed_with_comes_after_what_was_read(helpers):
    error = OSError("the cable")

    def reads():
        yield from (1, 2)
        raise error

    crew, made = negating(reads(), size=5)

    assert all_of(crew, made, helpers=helpers) == [-1, -2]
    assert made.error is error


@pytest.mark.parametrize("helpers", [0, 1, 2])
def test_what_a_stage_failed_with_comes_after_what_it_had_made(helpers):
    error = RuntimeError("no cascade")
    crew, made = negating(range(9), look=failing_at(5, error))

    assert all_of(crew, made, helpers=helpers, at_a_time=2) == [0, 1, 2, 3, 4]
    assert made.error is error


def test_an_interruption_of_the_caller_is_raised_once_and_costs_the_item_in_hand():
    crew, made = negating(range(9), look=failing_at(1, KeyboardInterrupt()))
    crew.start(helpers=0)

    with pytest.raises(KeyboardInterrupt):
        crew.take(made, 2)
    assert crew.take(made, 9) == [2, 3, 4, 5, 6, 7, 8]
    assert made.error is None


def test_what_a_helper_dies_of_ends_the_stage(crew_to_write):
    has_begun = threading.Event()

    def work(_):
        has_begun.set()
        raise SystemExit

    crew, belt = crew_to_write(work)
    crew.put(belt, 0)
    assert has_begun.wait(5)
    crew.finish(belt)

    assert isinstance(belt.error, SystemExit)
    assert not crew.put(belt, 1)


def test_no_more_is_made_than_belts_hold():
    read, looked, enough = [], [], threading.Event()

    def reads():
        for item in range(50):
            read.append(item)
            yield item

    def look(item):
        looked.append(item)
        if len(looked) == 2:
            enough.set()
        return item

    crew, made = negating(reads(), size=2, look=look)
    crew.start(helpers=2)
    assert enough.wait(5)
    time.sleep(0.05)
    assert (len(looked), len(read)) == (2, 4)

    assert crew.take(made, 1) == [0]
    time.sleep(0.05)
    assert (len(looked), len(read)) == (3, 5)
    crew.close()
    assert crew.join(5)


def test_the_piece_nearest_the_end_is_done_first():
    done = []
    crew, read, looked, written = Crew(), Belt(size=2), Belt(size=2), Belt(size=2)
    crew.add_start(iter(range(9)), into=read)
    crew.add(lambda item: done.append("look") or item, of=read, into=looked)
    crew.add(lambda _: done.append("write"), of=written, into=None)
    crew.start(helpers=0)
    crew.put(written, "a")
    crew.put(written, "b")

    crew.take(looked, 1)

    assert done == ["write", "write", "look"]


@pytest.mark.parametrize("helpers", [0, 1])
def test_what_was_put_is_done_in_order_before_finish_returns(crew_to_write, helpers):
    done = []
    crew, belt = crew_to_write(lambda item: time.sleep(1e-3) or done.append(item), helpers=helpers)
    for item in range(20):
        assert crew.put(belt, item)
    crew.finish(belt)

    assert done == list(range(20))


@pytest.mark.parametrize("helpers", [0, 1])
def test_nothing_can_be_put_once_its_stage_has_failed(crew_to_write, helpers):
    error = OSError("disk full")
    crew, belt = crew_to_write(failing_at(1, error), helpers=helpers)

    assert not all(crew.put(belt, item) for item in range(20))
    assert belt.error is error
    crew.finish(belt)  # returns


def test_what_is_to_be_written_is_written_when_no_more_is_made():
    written = []
    crew, made = negating(range(1000))
    belt = Belt(size=4)
    crew.add(lambda item: time.sleep(2e-3) or written.append(item), of=belt, into=None)
    crew.start(helpers=2)
    for item in crew.take(made, 2):
        crew.put(belt, item)
    crew.make_no_more()
    crew.finish(belt)
    crew.close()

    assert crew.join(5)
    assert written == [0, -1]


def test_threads_that_do_not_end_in_time_are_told_of(crew_to_write):
    has_begun, may_end = threading.Event(), threading.Event()
    crew, belt = crew_to_write(lambda _: has_begun.set() or may_end.wait(5))
    crew.put(belt, 0)
    assert has_begun.wait(5)
    crew.close()

    assert not crew.join(0.05)
    may_end.set()


def test_a_crew_that_was_never_started_can_be_closed_and_joined():
    crew, _ = negating([1])
    crew.close()
    assert crew.join(0)
