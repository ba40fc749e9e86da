"""Damaged copies of a file that is right: strategies of hypothesis for the fuzz tests."""

from __future__ import annotations

import copy
import json
import os
import re

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# `make fuzz` asks for thousands.
EXAMPLES = int(os.environ.get("RTAU_FUZZ_EXAMPLES", "40"))

# What has ended parsers: sizes, nesting, bytes that are no text, and numbers that are none.
TOKENS = (
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1b]0;t\x07", b"\r", b"\n\n", b'"'),
    *(b"9" * 5000, b"1e999", b"-0", b"nan", b"-inf", b"0x10", b"1_0", b"\xd9\xa3", b"null"),
    *(b"[" * 3000, b'{"a":' * 3000, b"]}", b",,,", b"=", b"[[a]]\n", b"a.b.c=1\n", b"'''"),
    *(b"\xff" * 12, b"\x80" * 12, b"\x7f\xff\xff\xff"),
)
WORDS = (
    *(b"9" * 400, b"-1", b"0", b"1e39", b"1e308", b"-1e308", b"1e18", b"9223372036854775808"),
    *(b"", b"inf", b"true", b"[]", b"1979-05-27", b"=1+1", b"AU99", b"x" * 140_000),
)
VALUES = (
    *(None, True, -1, 0, 2**31, 2**63, 10**400, 1e308, -1e-320, float("nan"), float("inf")),
    *("", "\0", "\ud800", "\x1b[31m", "1", "x" * 70_000, "../../etc", "__class__"),
    *([], {}, [[]], [None], {"": None}, [1e39] * 4, ["AU01"] * 3, [0.5] * 1000),
)


def fuzzing(*, share: float = 1.0) -> settings:
    """Settings of a fuzz test that draws a share of the examples, for slow readers."""
    return settings(
        max_examples=int(EXAMPLES * share),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


fuzzed = fuzzing()


@st.composite
def bytes_like(draw, seed: bytes) -> bytes:
    """A copy with one to six faults: flipped bits, what is cut, repeated, put in or left out."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.sampled_from((1, 2, 4, 16, 64, 1024)))
        kind = draw(st.sampled_from(("flip", "flip", "flip", "put", "cut", "twice", "end")))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "put":
            data[at:at] = draw(st.sampled_from(TOKENS))
        elif kind == "cut":
            del data[at : at + length]
        elif kind == "twice":
            data[at:at] = data[at : at + length]
        elif kind == "end":
            del data[at:]
    return bytes(data)


@st.composite
def words_like(draw, seed: bytes) -> bytes:
    """A copy in which one to three words are replaced, moved or removed, or lines are."""
    parts = re.split(rb"([^\w.+-]+)", seed)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(parts) - 1))
        kind = draw(st.sampled_from(("token", "token", "word", "line", "none")))
        if kind == "token":
            parts[at] = draw(st.sampled_from((*TOKENS, *WORDS)))
        elif kind == "word":
            parts[at] = draw(st.sampled_from(parts))
        elif kind == "line":
            lines = b"".join(parts).split(b"\n")
            parts = [b"\n".join(draw(st.permutations(lines)))]
        else:
            parts[at] = b""
    return b"".join(parts)


@st.composite
def json_like(draw, seed: object) -> str:
    """The JSON of a copy in which one to three values or keys are replaced or removed."""
    payload = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(payload))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        elif isinstance(holder, dict):
            value = holder.pop(key)
            if draw(st.booleans()):
                holder[str(draw(st.sampled_from(VALUES)))] = value
        else:
            holder.append(copy.deepcopy(draw(st.sampled_from(VALUES))))
    return json.dumps(payload)


def _places(value):
    """Yields (container, key) of every value in nested lists and dicts."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in items:
        yield value, key
        if isinstance(inside, (dict, list)):
            yield from _places(inside)
