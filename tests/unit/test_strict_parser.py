import dataclasses
import math
from pathlib import Path
from typing import Any, Literal

import pytest

from rtau.errors import ConfigError, ContractError
from rtau.strict_parser import StrictParser


@dataclasses.dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"] = "a"
    share: float = dataclasses.field(default=0.5, metadata={"low": 0, "high": 1})


@dataclasses.dataclass(frozen=True)
class Outer:
    count: int
    is_on: bool = False
    rate: float | None = None
    mean: float = 0.0
    folder: Path = Path()
    names: tuple[str, ...] = ()
    pair: tuple[int, str] = (0, "")
    inner: Inner = dataclasses.field(default_factory=Inner)
    several: tuple[Inner, ...] = ()
    table: dict[str, float] = dataclasses.field(default_factory=dict)
    anything: Any = None


def test_plain_values_become_the_types_of_the_record():
    parsed = StrictParser().parse(
        Outer,
        {
            "count": 3,
            "rate": 2,
            "folder": "a/b",
            "names": ["x", "y"],
            "pair": [1, "z"],
            "inner": {"kind": "b", "share": 1},
            "several": [{}, {"share": 0}],
            "table": {"x": 1},
            "anything": [None],
        },
    )

    assert parsed == Outer(
        count=3,
        rate=2.0,
        folder=Path("a/b"),
        names=("x", "y"),
        pair=(1, "z"),
        inner=Inner("b", 1.0),
        several=(Inner(), Inner(share=0.0)),
        table={"x": 1.0},
        anything=[None],
    )
    assert isinstance(parsed.rate, float)
    assert isinstance(parsed.table["x"], float)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ([], "the file must be a table, got list"),
        ({}, "missing key count"),
        ({"cuont": 1}, "unknown key cuont; did you mean count?"),
        ({"count": 1, "shar": 1}, "unknown key shar; did you mean inner.share?"),
        ({"count": 1, "inner": {"knd": "a"}}, "unknown key inner.knd; did you mean inner.kind?"),
        ({"count": 1, "inner": {"qqq": 1}}, "unknown key inner.qqq; known: kind, share"),
        ({"count": True}, "count must be int, got bool True"),
        ({"count": None}, "count must be int, got null"),
        ({"count": 1, "is_on": 1}, "is_on must be bool, got int 1"),
        ({"count": 1, "rate": "2"}, "rate must be float, got str '2'"),
        ({"count": 1, "mean": None}, "mean must be float, got null"),
        ({"count": 1, "folder": 3}, "folder must be Path, got int 3"),
        ({"count": 1, "inner": 3}, "inner must be a table, got int 3"),
        ({"count": 1, "inner": {"kind": "c"}}, "inner.kind must be one of a, b, got 'c'"),
        ({"count": 1, "inner": {"share": 2}}, "inner.share must lie in [0, 1], got 2.0"),
        ({"count": 1, "inner": {"share": math.nan}}, "inner.share must lie in [0, 1], got nan"),
        ({"count": 1, "several": [{}, {"kind": 1}]}, "several[1].kind must be one of a, b, got 1"),
        ({"count": 1, "names": "xy"}, "names must be a list, got str 'xy'"),
        ({"count": 1, "names": ["x", 2]}, "names[1] must be str, got int 2"),
        ({"count": 1, "pair": [1]}, "pair must have 2 values, got 1"),
        ({"count": 1, "table": {"x": "y"}}, "table.x must be float, got str 'y'"),
        ({"count": 1, "table": []}, "table must be a table, got list"),
    ],
)
def test_errors_name_the_key_what_is_wanted_and_what_is_there(payload, words):
    with pytest.raises(ConfigError) as caught:
        StrictParser().parse(Outer, payload)
    assert str(caught.value) == words


def test_errors_have_the_type_and_the_names_of_the_caller():
    parser = StrictParser(error=ContractError, name_of=lambda path: f"--{path}")
    with pytest.raises(ContractError, match="--count must be int"):
        parser.parse(Outer, {"count": "1"})
    with pytest.raises(ContractError, match=r"missing key build\.count"):
        parser.parse(Outer, {}, path="build")


def test_null_is_nan_where_records_hold_it_so():
    parser = StrictParser(null_is_nan=True)
    parsed = parser.parse(Outer, {"count": 1, "mean": None, "rate": None})
    assert math.isnan(parsed.mean)
    assert parsed.rate is None


def test_a_record_as_a_dict_is_parsed_back():
    record = Outer(3, names=("x",), inner=Inner("b"), several=(Inner(),))
    assert StrictParser().parse(Outer, dataclasses.asdict(record)) == record
