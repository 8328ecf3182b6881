"""The server asks a device for a new handshake. Spec: device protocol notes §3.17."""

from roadstead.protocol.coap.codes import PUT
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH, URI_QUERY


def key_change_request() -> Draft:
    """The request.

    Send it confirmable, once, without a token, and wait for nothing (``tracked=False``): the device
    acknowledges it with the wrong message id, and comes back with a handshake from another port.
    """
    return Draft(PUT, ((URI_PATH, b"k"), (URI_QUERY, b"\x01")))


def is_key_change(message: Message) -> bool:
    """True for the request."""
    first, query = message.find_option(URI_PATH), message.find_option(URI_QUERY)
    return message.code == PUT and first is not None and first[:1] == b"k" and query == b"\x01"
