"""A device asks for the time. Spec: device protocol notes §3.6."""

from typing import Final

from roadstead.protocol.coap.codes import CONTENT, GET
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH
from roadstead.protocol.messages.errors import MessageFormatError

TIME_BYTES: Final = 4
_LATEST_S: Final = 0xFFFFFFFF


def time_request() -> Draft:
    """The question; it needs a token."""
    return Draft(GET, ((URI_PATH, b"t"),))


def time_response(unix_s: int) -> Draft:
    """The answer, to be given within the acknowledgement; a device reads it at fixed offsets.

    Args:
        unix_s: seconds since 1970; what does not fit 32 bits is brought to the nearest that does.
    """
    return Draft(CONTENT, (), min(max(unix_s, 0), _LATEST_S).to_bytes(TIME_BYTES, "big"))


def decode_time_response(message: Message) -> int:
    """Unix seconds.

    Raises:
        MessageFormatError: it is another answer, or has not 4 bytes.
    """
    if message.code != CONTENT or len(message.payload) != TIME_BYTES:
        raise MessageFormatError("no time in the answer")
    return int.from_bytes(message.payload, "big")
