import threading

import numpy as np
import pytest

from rtau.backends._onnx_shared import MIN_ROWS, SharedSession


class Doubling:
    """Doubles `x`, and says which rows each run had and on which thread; may fail at a value."""

    def __init__(self, *, fails_at=None):
        self.runs = []
        self._fails_at = fails_at

    def run(self, outputs, feeds):
        rows = feeds["x"]
        self.runs.append((rows.ravel().tolist(), threading.get_ident()))
        if self._fails_at in rows:
            raise RuntimeError(f"no {self._fails_at}")
        return [rows * 2 if name == "twice" else rows for name in outputs]


def rows_of(count):
    return np.arange(count, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    ("rows", "calls", "parts"),
    [
        (0, 2, 1),
        (1, 2, 1),
        (2 * MIN_ROWS - 1, 2, 1),
        (2 * MIN_ROWS, 2, 2),
        (3 * MIN_ROWS + 1, 2, 2),
        (3 * MIN_ROWS + 1, 4, 3),
        (9 * MIN_ROWS, 4, 4),
        (9 * MIN_ROWS, 1, 1),
    ],
)
def test_all_rows_come_back_in_order_from_as_many_parts_as_pay(rows, calls, parts):
    session = Doubling()
    shared = SharedSession(session, calls=calls)
    once, twice = shared.run(["once", "twice"], {"x": rows_of(rows)})

    np.testing.assert_array_equal(once, rows_of(rows))
    np.testing.assert_array_equal(twice, 2 * rows_of(rows))
    assert len(session.runs) == parts
    assert sorted(row for seen, _ in session.runs for row in seen) == list(range(rows))
    assert min(len(seen) for seen, _ in session.runs) >= min(rows, MIN_ROWS)
    assert threading.get_ident() in {thread for _, thread in session.runs}


@pytest.mark.parametrize("fails_at", [0, 2 * MIN_ROWS - 1], ids=["here", "on the other thread"])
def test_what_fails_in_any_part_is_raised(fails_at):
    shared = SharedSession(Doubling(fails_at=fails_at), calls=2)
    with pytest.raises(RuntimeError, match=f"no {fails_at}"):
        shared.run(["once"], {"x": rows_of(2 * MIN_ROWS)})


def test_no_thread_is_left_afterwards():
    before = threading.active_count()
    session = Doubling()
    SharedSession(session, calls=3).run(["once"], {"x": rows_of(4 * MIN_ROWS)})
    assert len({thread for _, thread in session.runs}) > 1
    assert threading.active_count() == before
