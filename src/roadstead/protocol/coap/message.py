"""One CoAP message: bytes to Message and back. Spec: RFC 7252 §3."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from roadstead.protocol.coap.codes import EMPTY
from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.options import NUMBER_MAX

CON: Final = 0
NON: Final = 1
ACK: Final = 2
RST: Final = 3

HEADER_BYTES: Final = 4
TOKEN_BYTES_MAX: Final = 8
OPTIONS_MAX: Final = 64
"""More than any message has: an event's name of 64 characters makes at most 33 path segments."""

PAYLOAD_MARKER: Final = 0xFF

Options = tuple[tuple[int, bytes], ...]
"""Options as (number, value), in ascending order of numbers; a number may repeat."""


class Draft(NamedTuple):
    """What a message says, before an endpoint gives it type, message id and token."""

    code: int
    options: Options = ()
    payload: bytes = b""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message.

    Attributes:
        type: CON, NON, ACK or RST.
        code: see ``codes``.
        message_id: 0 to 65535.
        token: 0 to 8 bytes.
        options: see Options.
        payload: empty when there is none.
    """

    type: int
    code: int
    message_id: int
    token: bytes = b""
    options: Options = ()
    payload: bytes = b""

    def find_option(self, number: int) -> bytes | None:
        """The first value of an option, None if it is absent."""
        for candidate, value in self.options:
            if candidate == number:
                return value
        return None

    def list_options(self, number: int) -> list[bytes]:
        """All values of an option, in their order."""
        return [value for candidate, value in self.options if candidate == number]


def decode_message(datagram: bytes) -> Message:
    """The message in a datagram, a record or a frame.

    A payload marker with nothing behind it is taken as no payload: Device OS up to 6.1 sends it
    with events without data (device protocol notes §3.1), though the RFC forbids it.

    Raises:
        CoapFormatError: it is none.
    """
    size = len(datagram)
    if size < HEADER_BYTES:
        raise CoapFormatError("shorter than a header")
    first, code = datagram[0], datagram[1]
    if first >> 6 != 1:
        raise CoapFormatError("not version 1")
    end = HEADER_BYTES + (first & 0x0F)
    if end > HEADER_BYTES + TOKEN_BYTES_MAX or end > size:
        raise CoapFormatError("bad token length")
    if code == EMPTY and size > HEADER_BYTES:
        raise CoapFormatError("empty message with something behind its header")
    options, payload = _decode_options(datagram, end) if end < size else ((), b"")
    return Message(
        first >> 4 & 0x03,
        code,
        datagram[2] << 8 | datagram[3],
        datagram[HEADER_BYTES:end],
        options,
        payload,
    )


def _decode_options(datagram: bytes, position: int) -> tuple[Options, bytes]:
    options: list[tuple[int, bytes]] = []
    number, size = 0, len(datagram)
    while position < size:
        header = datagram[position]
        position += 1
        if header == PAYLOAD_MARKER:
            return tuple(options), datagram[position:]
        delta, length = header >> 4, header & 0x0F
        if delta > 12:
            delta, position = _decode_extended(datagram, position, delta)
        if length > 12:
            length, position = _decode_extended(datagram, position, length)
        number += delta
        end = position + length
        if end > size or number > NUMBER_MAX or len(options) == OPTIONS_MAX:
            raise CoapFormatError("bad option length, number or count")
        options.append((number, datagram[position:end]))
        position = end
    return tuple(options), b""


def _decode_extended(datagram: bytes, position: int, nibble: int) -> tuple[int, int]:
    if nibble == 13 and position < len(datagram):
        return datagram[position] + 13, position + 1
    if nibble == 14 and position + 1 < len(datagram):
        return (datagram[position] << 8 | datagram[position + 1]) + 269, position + 2
    raise CoapFormatError("bad extended option header")


def encode_message(message: Message) -> bytes:
    """The bytes of a message.

    Raises:
        ValueError: options out of order, a token longer than 8 bytes, a number out of its range.
    """
    if len(message.token) > TOKEN_BYTES_MAX:
        raise ValueError("token longer than 8 bytes")
    encoded = bytearray((0x40 | message.type << 4 | len(message.token), message.code))
    encoded += message.message_id.to_bytes(2, "big")
    encoded += message.token
    _encode_options(encoded, message.options)
    if message.payload:
        encoded.append(PAYLOAD_MARKER)
        encoded += message.payload
    return bytes(encoded)


def _encode_options(encoded: bytearray, options: Sequence[tuple[int, bytes]]) -> None:
    previous = 0
    for number, value in options:
        delta, length = number - previous, len(value)
        if delta < 0 or number > NUMBER_MAX:
            raise ValueError("options out of order")
        previous = number
        if delta < 13 and length < 13:
            encoded.append(delta << 4 | length)
        else:
            delta_nibble, delta_rest = _encode_extended(delta)
            length_nibble, length_rest = _encode_extended(length)
            encoded.append(delta_nibble << 4 | length_nibble)
            encoded += delta_rest
            encoded += length_rest
        encoded += value


def _encode_extended(value: int) -> tuple[int, bytes]:
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes((value - 13,))
    return 14, (value - 269).to_bytes(2, "big")


def encode_acknowledgement(message_id: int) -> bytes:
    """The bytes of an empty acknowledgement."""
    return bytes((0x60, EMPTY, message_id >> 8, message_id & 0xFF))
