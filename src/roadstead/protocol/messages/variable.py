"""The server reads a variable of a device. Spec: device protocol notes §3.11, §3.5.5."""

import struct
from enum import IntEnum
from typing import Final

from roadstead.protocol.coap.codes import CONTENT, GET
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.limits import NAME_BYTES

Value = bool | int | float | str

_INT: Final = struct.Struct(">i")
_DOUBLE: Final = struct.Struct("<d")


class VariableType(IntEnum):
    """Types of variables by their number in an application describe."""

    BOOL = 1
    INT = 2
    STRING = 4
    DOUBLE = 9

    @property
    def api_name(self) -> str:
        """The name of the type in the public API."""
        return _API_NAMES[self]


_API_NAMES: Final = {
    VariableType.BOOL: "bool",
    VariableType.INT: "int32",
    VariableType.STRING: "string",
    VariableType.DOUBLE: "double",
}
_BY_API_NAME: Final = {name: kind for kind, name in _API_NAMES.items()}


def variable_type(api_name: str) -> VariableType:
    """The type of that name in the public API.

    Raises:
        MessageFormatError: there is none.
    """
    try:
        return _BY_API_NAME[api_name]
    except KeyError:
        raise MessageFormatError("unknown type of variable") from None


def variable_request(name: str) -> Draft:
    """The question; it needs a token.

    Raises:
        MessageFormatError: the name has not 1 to 64 bytes.
    """
    path = name.encode()
    if not 0 < len(path) <= NAME_BYTES:
        raise MessageFormatError("name of a variable is empty or too long")
    return Draft(GET, ((URI_PATH, b"v"), (URI_PATH, path)))


def decode_variable_request(message: Message) -> str:
    """The name; what is not UTF-8 in it is replaced.

    Raises:
        MessageFormatError: it is missing.
    """
    path = message.list_options(URI_PATH)
    if len(path) < 2:
        raise MessageFormatError("question without a name")
    return path[1].decode("utf-8", "replace")


def variable_response(value: Value) -> Draft:
    """The device's answer: separate, or within the acknowledgement as 0.6 does."""
    return Draft(CONTENT, (), encode_value(value))


def encode_value(value: Value) -> bytes:
    """A value in the form of its Python type: int big endian, float little endian, text as UTF-8.

    Raises:
        MessageFormatError: an int of more than 32 bits.
    """
    if isinstance(value, bool):
        return bytes((value,))
    if isinstance(value, int):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise MessageFormatError("int of more than 32 bits")
        return _INT.pack(value)
    return _DOUBLE.pack(value) if isinstance(value, float) else value.encode()


def decode_value(payload: bytes, kind: VariableType) -> Value:
    """The value in a device's answer, which does not tell its type.

    Raises:
        MessageFormatError: the payload has not the length of the type; a string has any.
    """
    if kind is VariableType.STRING:
        return payload.decode("utf-8", "replace")
    if kind is VariableType.BOOL and len(payload) == 1:
        return payload != b"\x00"
    if kind is VariableType.INT and len(payload) == _INT.size:
        number: int = _INT.unpack(payload)[0]
        return number
    if kind is VariableType.DOUBLE and len(payload) == _DOUBLE.size:
        real: float = _DOUBLE.unpack(payload)[0]
        return real
    raise MessageFormatError(f"{len(payload)} bytes are no {kind.api_name}")


def decode_variable_response(message: Message, kind: VariableType) -> Value:
    """The value in a device's answer.

    Raises:
        MessageFormatError: the answer is an error, or has not the length of the type.
    """
    if message.code != CONTENT:
        raise MessageFormatError("no value in the answer")
    return decode_value(message.payload, kind)
