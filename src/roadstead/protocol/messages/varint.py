"""Unsigned numbers in groups of seven bits, lowest first (LEB128)."""

from typing import Final

from roadstead.protocol.messages.errors import MessageFormatError

VARINT_BYTES_MAX: Final = 10
"""A number of 64 bits takes at most this many bytes."""

_U64_MASK: Final = (1 << 64) - 1


def encode_varint(value: int) -> bytes:
    """A number from 0 to 2**64 - 1."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(encoded: bytes, position: int) -> tuple[int, int]:
    """The number at ``position``, and the position behind it; bits above 64 are dropped.

    Raises:
        MessageFormatError: it does not end.
    """
    value = shift = 0
    for index in range(position, min(position + VARINT_BYTES_MAX, len(encoded))):
        byte = encoded[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _U64_MASK, index + 1
        shift += 7
    raise MessageFormatError("number without an end")
