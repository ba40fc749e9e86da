import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.execution.queue import BoundedQueue


def read_into(queue, items):
    for item in items:
        if not queue.put(item):
            return
    queue.end()


@given(count=st.integers(0, 60), size=st.integers(1, 9), batch=st.integers(1, 7))
@settings(deadline=None, max_examples=40)
def test_wait_loses_nothing_and_keeps_the_order(count, size, batch):
    queue = BoundedQueue(size=size, drops_oldest=False)
    reader = threading.Thread(target=read_into, args=(queue, range(count)))
    reader.start()
    taken = []
    while part := queue.take(batch):
        taken.extend(part)
    reader.join(5)

    assert taken == list(range(count))
    assert queue.dropped == 0


@given(count=st.integers(1, 60), size=st.integers(1, 9), batch=st.integers(1, 7))
@settings(deadline=None, max_examples=40)
def test_wait_fills_every_batch_but_the_last(count, size, batch):
    """What a batch holds must not depend on the speed of the reader: results stay repeatable."""
    queue = BoundedQueue(size=size, drops_oldest=False)
    reader = threading.Thread(target=read_into, args=(queue, range(count)))
    reader.start()
    sizes = []
    while part := queue.take(batch):
        sizes.append(len(part))
    reader.join(5)

    assert all(length == batch for length in sizes[:-1])
    assert sum(sizes) == count


@given(count=st.integers(1, 60), size=st.integers(1, 9))
def test_drop_keeps_the_newest_within_its_bound(count, size):
    queue = BoundedQueue(size=size, drops_oldest=True)
    read_into(queue, range(count))

    taken = queue.take(count + 1)

    assert taken == list(range(max(0, count - size), count))
    assert queue.dropped == count - len(taken)


def test_close_frees_a_reader_that_waits():
    queue = BoundedQueue(size=1, drops_oldest=False)
    reader = threading.Thread(target=read_into, args=(queue, range(10)))
    reader.start()
    queue.take(1)

    queue.close()
    reader.join(5)

    assert not reader.is_alive()
    assert queue.put(11) is False
    assert queue.take(1) == []


def test_items_before_an_error_are_still_given():
    queue = BoundedQueue(size=4, drops_oldest=False)
    queue.put(1)
    error = OSError("unplugged")
    queue.end(error)

    assert queue.take(4) == [1]
    assert queue.take(4) == []
    assert queue.error is error
