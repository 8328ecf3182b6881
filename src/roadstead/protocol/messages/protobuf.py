"""Fields of protocol buffers, without a schema compiler.

The few messages that devices speak are read field by field and written in ascending order; unknown
fields are passed over. Spec: protobuf.dev, "Encoding".
"""

from collections.abc import Iterator
from typing import Final

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.varint import decode_varint, encode_varint

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}

FieldValue = int | bytes


def iter_fields(encoded: bytes) -> Iterator[tuple[int, FieldValue]]:
    """Number and value of each field: int for varint and fixed (unsigned), bytes for the rest.

    Raises:
        MessageFormatError: the message is cut off, or a field has no number or an unknown type.
    """
    position = 0
    while position < len(encoded):
        key, position = decode_varint(encoded, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise MessageFormatError("field without a number")
        if kind == _VARINT:
            value, position = decode_varint(encoded, position)
            yield number, value
            continue
        length = _FIXED_BYTES.get(kind)
        if kind == _LENGTH:
            length, position = decode_varint(encoded, position)
        if length is None or position + length > len(encoded):
            raise MessageFormatError("field of an unknown type or cut off")
        content = encoded[position : position + length]
        position += length
        yield number, content if kind == _LENGTH else int.from_bytes(content, "little")


def as_number(value: FieldValue) -> int:
    """The value of a field that must be a number.

    Raises:
        MessageFormatError: it is bytes.
    """
    if isinstance(value, bytes):
        raise MessageFormatError("bytes where a number belongs")
    return value


def as_bytes(value: FieldValue) -> bytes:
    """The value of a field that must be bytes.

    Raises:
        MessageFormatError: it is a number.
    """
    if isinstance(value, int):
        raise MessageFormatError("a number where bytes belong")
    return value


def as_text(value: FieldValue) -> str:
    """The value of a field that must be text; what is not UTF-8 in it is replaced.

    Raises:
        MessageFormatError: it is a number.
    """
    return as_bytes(value).decode("utf-8", "replace")


def varint_field(number: int, value: int, *, always: bool = False) -> bytes:
    """An unsigned number; nothing for 0 unless ``always``."""
    return encode_varint(number << 3) + encode_varint(value) if value or always else b""


def fixed32_field(number: int, value: int) -> bytes:
    """An unsigned number of 4 bytes; nothing for 0."""
    return encode_varint(number << 3 | _FIXED32) + value.to_bytes(4, "little") if value else b""


def fixed64_field(number: int, value: int) -> bytes:
    """An unsigned number of 8 bytes, also for 0."""
    return encode_varint(number << 3 | _FIXED64) + value.to_bytes(8, "little")


def bytes_field(number: int, value: bytes, *, always: bool = True) -> bytes:
    """Bytes, text or a message; unless ``always``, nothing when empty."""
    if not value and not always:
        return b""
    return encode_varint(number << 3 | _LENGTH) + encode_varint(len(value)) + value


def encode_zigzag(value: int) -> int:
    """A signed number of 32 bits as an unsigned one (``sint32``)."""
    return (value << 1) ^ (value >> 31)


def decode_zigzag(value: int) -> int:
    """The signed number in an unsigned one."""
    return (value >> 1) ^ -(value & 1)
