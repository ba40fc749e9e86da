import dataclasses
import math
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.errors import SourceOpenError
from rtau_train import records


@dataclasses.dataclass(frozen=True)
class Inner:
    words: str
    share: float


@dataclasses.dataclass(frozen=True)
class Outer:
    count: int
    kind: Literal["a", "b"]
    pairs: tuple[tuple[str, float], ...]
    inner: Inner | None
    many: tuple[Inner, ...] = ()
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)
    is_done: bool = False


INNERS = st.builds(Inner, words=st.text(), share=st.floats(-1, 1))
OUTERS = st.builds(
    Outer,
    count=st.integers(-5, 5),
    kind=st.sampled_from(["a", "b"]),
    pairs=st.lists(st.tuples(st.text(), st.floats(0, 1))).map(tuple),
    inner=st.none() | INNERS,
    many=st.lists(INNERS).map(tuple),
    notes=st.dictionaries(st.text(), st.integers() | st.text() | st.none()),
    is_done=st.booleans(),
)
SMALL = {"count": 1, "kind": "a", "pairs": [], "inner": None}


@settings(max_examples=40)
@given(record=OUTERS)
def test_a_record_comes_back_from_a_file(record, tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "record.json"
    path.write_text(records.as_json(record), encoding="utf-8")

    payload = records.read_json(path, hint="")
    assert records.from_plain(Outer, payload, origin="record.json") == record


def test_nan_is_null_and_comes_back():
    text = records.as_json(Inner("x", float("nan")))

    assert '"share": null' in text
    back = records.from_plain(Inner, {"words": "x", "share": None}, origin="f")
    assert math.isnan(back.share)


def test_infinity_is_refused_when_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.as_json(Inner("x", math.inf))


def test_a_field_with_a_default_may_be_missing():
    assert records.from_plain(Outer, SMALL, origin="f") == Outer(1, "a", (), None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coun": 2}, "f.json: unknown key coun; did you mean count?"),
        ({"zzz": 2}, "f.json: unknown key zzz; known: count, kind"),
        ({"count": "x"}, "f.json: count must be int, got str"),
        ({"count": True}, "f.json: count must be int, got bool"),
        ({"count": 1.5}, "f.json: count must be int, got float"),
        ({"kind": "c"}, "f.json: kind must be one of a, b, got 'c'"),
        ({"pairs": 3}, "f.json: pairs must be a list, got int"),
        ({"pairs": [["x"]]}, r"f.json: pairs\[0\] must have 2 values, got 1"),
        ({"pairs": [["x", "y"]]}, r"f.json: pairs\[0\]\[1\] must be float, got str"),
        ({"inner": 3}, "f.json: inner must be a table, got int"),
        ({"inner": {"words": "x"}}, "f.json: missing key inner.share"),
        ({"many": [{"words": "x", "share": 1, "k": 2}]}, r"f.json: unknown key many\[0\].k"),
        ({"notes": []}, "f.json: notes must be a table, got list"),
        ({"is_done": 1}, "f.json: is_done must be bool, got int"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change, words):
    with pytest.raises(SourceOpenError, match=words):
        records.from_plain(Outer, {**SMALL, **change}, origin="f.json")


def test_a_missing_key_and_a_bare_value_are_named():
    with pytest.raises(SourceOpenError, match=r"f\.json: missing key count"):
        records.from_plain(Outer, {}, origin="f.json")
    with pytest.raises(SourceOpenError, match=r"f\.json: the file must be a table, got list"):
        records.from_plain(Outer, [], origin="f.json")


def test_a_file_that_is_missing_or_no_json_says_who_writes_it(tmp_path):
    hint = "`rtau-train evaluate` writes it"
    with pytest.raises(SourceOpenError, match=r"none.json cannot be read \(No such .*writes it"):
        records.read_json(tmp_path / "none.json", hint=hint)

    for content in (b"{", b"\xff\xfe\x00"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(SourceOpenError, match=r"bad.json is not JSON \(.*writes it"):
            records.read_json(tmp_path / "bad.json", hint=hint)


def test_a_record_holds_no_path_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert records.portable(tmp_path / "runs" / "a") == "runs/a"
    assert records.portable(Path("train/recipes/x.toml")) == "train/recipes/x.toml"
    assert records.portable(tmp_path.parent / "other" / "x.toml") == "x.toml"
    assert records.portable(Path("../x.toml")) == "x.toml"
