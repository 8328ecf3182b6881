import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.message import (
    ACK,
    CON,
    Message,
    decode_message,
    encode_acknowledgement,
    encode_message,
)
from roadstead.protocol.coap.options import decode_uint, encode_uint

options = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=300)), max_size=20).map(
    lambda pairs: tuple(sorted(pairs, key=lambda pair: pair[0]))
)

messages = st.builds(
    Message,
    type=st.integers(0, 3),
    code=st.integers(1, 255),
    message_id=st.integers(0, 0xFFFF),
    token=st.binary(max_size=8),
    options=options,
    payload=st.binary(max_size=200),
)


@given(messages)
def test_a_message_survives_encoding(message: Message) -> None:
    assert decode_message(encode_message(message)) == message


@given(st.binary(max_size=80))
def test_garbage_is_refused_or_read_to_a_message_that_encodes_again(garbage: bytes) -> None:
    try:
        message = decode_message(garbage)
    except CoapFormatError:
        return
    without_empty_payload = garbage.removesuffix(b"\xff") if not message.payload else garbage
    assert encode_message(message) in (garbage, without_empty_payload)


@given(st.binary(max_size=40))
def test_garbage_behind_a_good_header_is_refused_or_read(garbage: bytes) -> None:
    try:
        decode_message(b"\x40\x02\x00\x01" + garbage)
    except CoapFormatError:
        return


@pytest.mark.parametrize(
    ("encoded", "number", "value"),
    [
        ("4001000100", 0, b""),
        ("40010001c0", 12, b""),
        ("40010001d000", 13, b""),
        ("40010001d0ff", 268, b""),
        ("40010001e00000", 269, b""),
        ("40010001e0fef2", 0xFFFF, b""),
        ("400100011c" + "61" * 12, 1, b"a" * 12),
        ("400100011d00" + "61" * 13, 1, b"a" * 13),
        ("400100011dff" + "61" * 268, 1, b"a" * 268),
        ("400100011e0000" + "61" * 269, 1, b"a" * 269),
        ("40010001dd0203" + "61" * 16, 15, b"a" * 16),
    ],
)
def test_option_headers_take_the_forms_of_the_rfc(encoded: str, number: int, value: bytes) -> None:
    message = Message(CON, codes.GET, 1, options=((number, value),))
    assert encode_message(message).hex() == encoded
    assert decode_message(bytes.fromhex(encoded)) == message


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        ("4102007474b14cd1030ed4fc01020304ffaa", [(11, "4c"), (27, "0e"), (292, "01020304")]),
        ("61440075754101d1060effaa", [(4, "01"), (23, "0e")]),
        ("41020076764101714cc116", [(4, "01"), (11, "4c"), (23, "16")]),
        ("4141000c21e206f8010040", [(2053, "0100"), (2057, "")]),
        ("50022012b143e206e9012cffaa", [(11, "43"), (2049, "012c")]),
        ("4102201442b146e006fd40", [(11, "46"), (2069, ""), (2073, "")]),
        ("5002000eb141e106e903ff02000000", [(11, "41"), (2049, "03")]),
        (
            "5102202151b16344" + "53a2a36b" + "020003ffaa",
            [(11, "63"), (15, "53a2a36b"), (15, "0003")],
        ),
        ("50020041b178d0eaff030546", [(11, "78"), (258, "")]),
    ],
)
def test_options_of_ledgers_and_updates_are_read_and_written(
    encoded: str, expected: list[tuple[int, str]]
) -> None:
    message = decode_message(bytes.fromhex(encoded))
    assert [(number, value.hex()) for number, value in message.options] == expected
    assert encode_message(message).hex() == encoded


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "400200",
        "80020001",  # version 2
        "4902000100010203040506070809",  # token of 9 bytes
        "4402000101",  # token cut off
        "41000001aa",  # empty with a token
        "40000001ff00",  # empty with a payload
        "40020001f0",  # reserved delta
        "400200010f",  # reserved length
        "40020001d1",  # extended delta missing
        "400200010e00",  # extended length cut off
        "4002000105616263",  # value cut off
        "40020001e0ffff",  # number above 65535
        "40020001" + "00" * 65,  # more options than any message has
    ],
)
def test_what_is_no_message_is_refused(encoded: str) -> None:
    with pytest.raises(CoapFormatError):
        decode_message(bytes.fromhex(encoded))


def test_a_marker_without_a_payload_is_taken_as_old_devices_send_it() -> None:
    message = decode_message(bytes.fromhex("50020001b1450470696e67ff"))
    assert message.payload == b""
    assert message.options[1] == (11, b"ping")


def test_options_out_of_order_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="order"):
        encode_message(Message(CON, codes.GET, 1, options=((12, b""), (11, b"h"))))


def test_a_token_of_nine_bytes_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="token"):
        encode_message(Message(CON, codes.GET, 1, token=bytes(9)))


def test_an_empty_acknowledgement_is_four_bytes() -> None:
    assert encode_acknowledgement(0x0102) == bytes.fromhex("60000102")
    assert decode_message(encode_acknowledgement(7)) == Message(ACK, codes.EMPTY, 7)


@given(st.integers(0, 0xFFFFFFFF))
def test_numbers_survive_encoding_in_as_few_bytes_as_it_takes(value: int) -> None:
    encoded = encode_uint(value)
    assert decode_uint(encoded) == value
    assert not encoded.startswith(b"\x00")


def test_a_number_of_five_bytes_is_refused() -> None:
    with pytest.raises(CoapFormatError):
        decode_uint(bytes(5))


def test_codes_have_classes_and_a_written_form() -> None:
    assert [code for code in (0, 1, 3, 0x1F, 0x45) if codes.is_request(code)] == [1, 3, 0x1F]
    assert [code for code in (3, 0x44, 0x60, 0x84, 0xA3, 0xE1) if codes.is_response(code)] == [
        0x44, 0x84, 0xA3,
    ]  # fmt: skip
    assert codes.is_success(codes.CONTINUE)
    assert not codes.is_success(codes.NOT_FOUND)
    assert codes.code_text(codes.CONTENT) == "2.05"
    assert codes.code_text(codes.GATEWAY_TIMEOUT) == "5.04"
