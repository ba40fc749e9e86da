"""Addresses on the command line."""

from __future__ import annotations

import pytest

from rtau.errors import UsageError
from rtau.streams.addresses import Address, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:9000", "127.0.0.1", 9000, True),
        ("localhost:1", "localhost", 1, True),
        ("[::1]:65535", "::1", 65535, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),
        ("box.lab:9000", "box.lab", 9000, False),
    ],
)
def test_an_address_is_read_and_written(text, host, port, is_loopback):
    address = parse_address(text, flag="--osc")
    assert address == Address(host, port)
    assert address.is_loopback == is_loopback
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "9000", "host", "host:", "host:0", "host:65536", "a b:1", "::1:80", "/dev/video0"]
)
def test_what_is_no_address_is_refused_with_the_flag(text):
    with pytest.raises(UsageError, match="--osc must be HOST:PORT"):
        parse_address(text, flag="--osc")


def test_port_0_means_a_free_one_where_that_is_allowed():
    assert parse_address("127.0.0.1:0", flag="--serve", allows_any_port=True).port == 0
