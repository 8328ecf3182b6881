"""Option numbers, and unsigned integers as option values.

Spec: RFC 7252 §3.2, §5.10; RFC 7959 §2.1; RFC 7967; RFC 9175; device protocol notes appendix A.
"""

from typing import Final

from roadstead.protocol.coap.errors import CoapFormatError

ETAG: Final = 4
URI_PATH: Final = 11
CONTENT_FORMAT: Final = 12
MAX_AGE: Final = 14
URI_QUERY: Final = 15
BLOCK2: Final = 23
BLOCK1: Final = 27
NO_RESPONSE: Final = 258
REQUEST_TAG: Final = 292

NUMBER_MAX: Final = 0xFFFF
"""Largest option number. Spec: RFC 7252 §12.2."""

UINT_BYTES_MAX: Final = 4
"""Longest number that any option of this protocol holds; a device writes 0, 1, 2 or 4 bytes."""

DEFAULT_MAX_AGE_S: Final = 60
"""What a message without Max-Age means. Spec: RFC 7252 §5.10.5."""


def encode_uint(value: int) -> bytes:
    """A number of at most 32 bits in as few bytes as it takes, none for 0. Spec: RFC 7252 §3.2."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode_uint(value: bytes) -> int:
    """The number in an option of 0 to 4 bytes; leading zeros are taken.

    Raises:
        CoapFormatError: the value is longer.
    """
    if len(value) > UINT_BYTES_MAX:
        raise CoapFormatError("number of more than 4 bytes")
    return int.from_bytes(value, "big")
