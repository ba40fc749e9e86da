import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.backends._protobuf import fields, length_delimited, texts
from rtau.errors import ContractError


@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.binary(max_size=300)), max_size=6))
def test_what_is_written_is_read_back(wanted):
    message = b"".join(length_delimited(number, payload) for number, payload in wanted)
    found = list(fields(memoryview(message)))
    assert [(number, bytes(payload)) for number, payload, _ in found] == wanted
    assert b"".join(whole for _, _, whole in found) == message


def test_numbers_and_fixed_fields_are_stepped_over():
    message = bytes([0x08, 0x96, 0x01, 0x11, *range(8), 0x1D, *range(4)]) + length_delimited(
        4, b"x"
    )
    assert [number for number, _, _ in fields(memoryview(message))] == [1, 2, 3, 4]


def test_texts_are_those_of_one_number():
    message = length_delimited(1, b"a") + length_delimited(2, b"b") + length_delimited(1, b"c")
    assert texts(memoryview(message), 1) == ["a", "c"]


@pytest.mark.parametrize("message", [b"\x0a\x05ab", b"\x0b", b"\xff" * 12, b"\x09abc"])
def test_bytes_that_are_no_message_are_one_clear_error(message):
    with pytest.raises(ContractError, match="not an ONNX file"):
        list(fields(memoryview(message)))
