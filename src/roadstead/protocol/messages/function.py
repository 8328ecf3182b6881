"""The server calls a function of a device. Spec: device protocol notes §3.10."""

import struct
from typing import Final

from roadstead.protocol.coap.codes import CHANGED, POST
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH, URI_QUERY
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.limits import NAME_BYTES

ARGUMENT_BYTES_MAX: Final = 1024
"""Longest argument that any device takes; see ``limits`` for one device's own."""

_RESULT: Final = struct.Struct(">i")


def function_call(name: str, argument: str) -> Draft:
    """The call; it needs a token. A device that does not know the function never answers.

    The argument is always there, even empty: without the option a device reads beyond the message.

    Raises:
        MessageFormatError: the name has not 1 to 64 bytes, or the argument more than 1,024.
    """
    path, query = name.encode(), argument.encode()
    if not 0 < len(path) <= NAME_BYTES or len(query) > ARGUMENT_BYTES_MAX:
        raise MessageFormatError("name or argument of a function is too long, or the name empty")
    return Draft(POST, ((URI_PATH, b"f"), (URI_PATH, path), (URI_QUERY, query)))


def decode_function_call(message: Message) -> tuple[str, str]:
    """Name and argument; what is not UTF-8 in them is replaced.

    Raises:
        MessageFormatError: the name is missing.
    """
    path = message.list_options(URI_PATH)
    if len(path) < 2:
        raise MessageFormatError("call without a name")
    argument = message.find_option(URI_QUERY) or b""
    return path[1].decode("utf-8", "replace"), argument.decode("utf-8", "replace")


def function_result(value: int) -> Draft:
    """The device's answer, to be sent separately; the value is brought to 32 bits, signed."""
    wrapped = (value + 0x80000000) % 0x100000000 - 0x80000000
    return Draft(CHANGED, (), _RESULT.pack(wrapped))


def decode_function_result(message: Message) -> int:
    """The returned 32-bit signed value.

    Raises:
        MessageFormatError: the answer is an error, or has not 4 bytes.
    """
    if message.code != CHANGED or len(message.payload) != _RESULT.size:
        raise MessageFormatError("no return value in the answer")
    value: int = _RESULT.unpack(message.payload)[0]
    return value
