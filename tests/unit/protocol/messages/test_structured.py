import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.structured import (
    decode_structured,
    encode_structured,
    json_to_structured,
    structured_to_json,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_a_json_value_survives_encoding(value: object) -> None:
    assert decode_structured(encode_structured(value)) == value


@given(json_values)
def test_the_json_text_says_the_same_as_the_cbor(value: object) -> None:
    text = structured_to_json(encode_structured(value))
    assert msgspec.json.decode(text) == value
    assert decode_structured(json_to_structured(text)) == value


def test_bytes_are_a_buffer_in_json() -> None:
    assert decode_structured(bytes.fromhex("a1616443010203")) == {
        "d": {"_type": "buffer", "_data": "AQID"}
    }
    assert encode_structured({"_type": "buffer", "_data": "AQID"}) == bytes.fromhex("43010203")


@pytest.mark.parametrize("data", ["***", 3, None, "AQI"])
def test_a_buffer_that_is_not_base64_is_refused(data: object) -> None:
    with pytest.raises(MessageFormatError):
        encode_structured({"_type": "buffer", "_data": data})


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ("a1617401", {"t": 1}),
        ("f97e00", None),  # NaN
        ("f97c00", None),  # infinity
        ("f7", None),  # undefined
        ("f93c00", 1.0),
        ("fa3fc00000", 1.5),
        ("9f01ff", [1]),
        ("1bffffffffffffffff", (1 << 64) - 1),
        ("3b7fffffffffffffff", -(1 << 63)),
    ],
)
def test_what_devices_write_is_read(encoded: str, value: object) -> None:
    assert decode_structured(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "ff",
        "a101a0",  # a key that is a number
        "a14101a0",  # a key that is bytes
        "a0a0",  # something behind it
        "6161ff",  # something behind it
        "e0",  # a simple value without a meaning
        "c074323031332d30332d32315432303a30343a30305a",  # a date
        "c249010000000000000000",  # a big number
        "c51b7fffffffffffffff01",  # a number of 9 quintillion bits
        "d81c81d81d00",  # a list that contains itself
        "d901008261616161",  # tables of strings
        "d9d9f7a0",
        "d8fa01",  # an unknown tag
        "3bffffffffffffffff",  # below 64 bits
        "9b7fffffffffffffff",  # a list of 9 quintillion items
        "bb7fffffffffffffff",
        "5b7fffffffffffffff",
        "62ffff",  # not UTF-8
        "81" * 40 + "01",  # too deep
    ],
)
def test_what_json_has_not_or_is_dangerous_is_refused(encoded: str) -> None:
    with pytest.raises(MessageFormatError):
        decode_structured(bytes.fromhex(encoded))


def test_size_and_depth_are_bounded_both_ways() -> None:
    with pytest.raises(MessageFormatError):
        decode_structured(b"\x59\x40\x00" + bytes(0x4000))
    with pytest.raises(MessageFormatError):
        encode_structured("x" * 16_384)
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(MessageFormatError):
        encode_structured(deep)
    with pytest.raises(MessageFormatError):
        encode_structured(1 << 64)
    with pytest.raises(MessageFormatError):
        json_to_structured(b"[" * 100_000)
    longest = encode_structured("x" * 16_381)
    assert len(longest) == 16_384
    assert decode_structured(longest) == "x" * 16_381


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"NaN"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(MessageFormatError):
        json_to_structured(text)


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_read_to_plain_json(garbage: bytes) -> None:
    try:
        value = decode_structured(garbage)
    except MessageFormatError:
        return
    text = msgspec.json.encode(value)
    assert b"NaN" not in text
    assert not (isinstance(value, float) and not math.isfinite(value))
