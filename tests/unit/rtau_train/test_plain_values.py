import dataclasses
from typing import Literal

import pytest

from rtau.errors import ConfigError
from rtau_train.plain_values import record_from


@dataclasses.dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]
    shares: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Outer:
    count: int
    inner: Inner | None = None
    pair: tuple[int, int] = (1, 2)
    is_on: bool = False


def test_tables_become_records_with_their_defaults():
    made = record_from(Outer, {"count": 3, "inner": {"kind": "b", "shares": [1, 0.5]}})

    assert made == Outer(3, Inner("b", (1.0, 0.5)))
    assert record_from(Outer, {"count": 1, "inner": None}).inner is None
    assert record_from(Outer, dataclasses.asdict(made)) == made


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ([], "the file must be a table, got list"),
        ({}, "missing key count"),
        ({"cuont": 1}, "unknown key cuont; did you mean count?"),
        ({"count": True}, "count must be int, got bool"),
        ({"count": 1, "is_on": 1}, "is_on must be bool, got int"),
        ({"count": 1, "inner": {"kind": "c"}}, "inner.kind must be one of a, b, got 'c'"),
        ({"count": 1, "inner": 3}, "inner. must be a table, got int"),
        ({"count": 1, "pair": [1]}, "pair must have 2 values, got 1"),
        ({"count": 1, "pair": "12"}, "pair must be a list, got str"),
    ],
)
def test_a_wrong_value_is_named(payload, said):
    with pytest.raises(ConfigError) as caught:
        record_from(Outer, payload)
    assert str(caught.value) == said
