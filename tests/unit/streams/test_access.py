"""Token, origin and host of requests."""

from __future__ import annotations

import pytest

from rtau.errors import UsageError
from rtau.streams.access import Access
from rtau.streams.addresses import Address

TOKEN = "correct-horse"
LOOPBACK = Access(Address("127.0.0.1", 8765), None)
OPEN = Access(Address("0.0.0.0", 8765), TOKEN)


def status(access, headers, query=""):
    refusal = access.refusal(headers, query=query, port=8765)
    return 200 if refusal is None else refusal.status


def test_other_machines_need_a_token():
    with pytest.raises(UsageError, match="needs --token"):
        Access(Address("0.0.0.0", 8765), None)


@pytest.mark.parametrize("token", ["short", "with space in it", "ümlaut-in-it"])
def test_a_weak_or_unsendable_token_is_refused(token):
    with pytest.raises(UsageError, match="--token must have"):
        Access(Address("127.0.0.1", 8765), token)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost:8765", 200),
        ("[::1]:8765", 200),
        ("evil.example:8765", 403),  # DNS rebinding
        ("127.0.0.1.evil.example", 403),
        ("", 403),
        ("[::1", 403),
        ("[zz]:1", 403),
    ],
)
def test_without_a_token_only_the_machines_own_names_are_answered(host, expected):
    assert status(LOOPBACK, {"Host": host}) == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:8765", 200),
        ("http://localhost:9999", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("file://", 403),
    ],
)
def test_pages_of_other_sites_may_not_connect(origin, expected):
    assert status(LOOPBACK, {"Host": "localhost:8765", "Origin": origin}) == expected


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "", 401),
        ({}, "token=correct-horse", 200),
        ({}, "token=wrong-horse", 401),
        ({}, "token=%ff%fe", 401),
        ({"Authorization": "Bearer correct-horse"}, "", 200),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Cookie": "rtau_8765=correct-horse"}, "", 200),
        ({"Cookie": "rtau_1=correct-horse"}, "", 401),
        ({"Cookie": "rtau_8765=;;=\x00"}, "", 401),
    ],
)
def test_the_token_is_asked_for_in_query_header_or_cookie(headers, query, expected):
    assert status(OPEN, {"Host": "box.lab:8765", **headers}, query) == expected
