"""The server asks a device to signal with its light. Spec: device protocol notes §3.12."""

from roadstead.protocol.coap.codes import CHANGED, PUT
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH, URI_QUERY
from roadstead.protocol.messages.errors import MessageFormatError


def signal_request(on: bool) -> Draft:
    """The request; it needs a token, whose length the device relies on."""
    return Draft(PUT, ((URI_PATH, b"s"), (URI_QUERY, bytes((on,)))))


def signal_response() -> Draft:
    """The device's answer, within the acknowledgement."""
    return Draft(CHANGED)


def decode_signal_request(message: Message) -> bool:
    """Whether to begin or to end.

    Raises:
        MessageFormatError: the query is missing or has not one byte.
    """
    query = message.find_option(URI_QUERY)
    if query is None or len(query) != 1:
        raise MessageFormatError("signal without its one byte")
    return query != b"\x00"
