"""Which message the server sends, told by method and path as a device tells it.

Spec: device protocol notes §3.1 (path dispatch), §3.2.
"""

from enum import Enum, auto
from typing import Final

from roadstead.protocol.coap.codes import GET, POST, PUT
from roadstead.protocol.coap.message import Message
from roadstead.protocol.coap.options import URI_PATH


class ServerRequest(Enum):
    """The requests of the server."""

    HELLO = auto()
    DESCRIBE = auto()
    EVENT = auto()
    FUNCTION = auto()
    VARIABLE = auto()
    SIGNAL = auto()
    KEY_CHANGE = auto()
    LEDGER = auto()
    SERVER_MOVED = auto()
    UPDATE_START = auto()
    UPDATE_CHUNK = auto()
    UPDATE_FINISH = auto()
    UPDATE_BEGIN = auto()
    """Classic transfer: begin."""
    CHUNK = auto()
    """Classic transfer: a chunk."""
    UPDATE_DONE = auto()
    """Classic transfer: end."""
    UNKNOWN = auto()


_BY_METHOD_AND_LETTER: Final = {
    (POST, b"h"): ServerRequest.HELLO,
    (GET, b"d"): ServerRequest.DESCRIBE,
    (POST, b"E"): ServerRequest.EVENT,
    (POST, b"e"): ServerRequest.EVENT,
    (POST, b"f"): ServerRequest.FUNCTION,
    (GET, b"v"): ServerRequest.VARIABLE,
    (PUT, b"s"): ServerRequest.SIGNAL,
    (PUT, b"k"): ServerRequest.KEY_CHANGE,
    (POST, b"L"): ServerRequest.LEDGER,
    (POST, b"M"): ServerRequest.SERVER_MOVED,
    (POST, b"S"): ServerRequest.UPDATE_START,
    (POST, b"C"): ServerRequest.UPDATE_CHUNK,
    (POST, b"F"): ServerRequest.UPDATE_FINISH,
    (POST, b"u"): ServerRequest.UPDATE_BEGIN,
    (POST, b"c"): ServerRequest.CHUNK,
    (PUT, b"u"): ServerRequest.UPDATE_DONE,
}


def kind_of_server_request(message: Message) -> ServerRequest:
    """What a server's request is; like a device, it looks at the first letter of the path only."""
    path = message.find_option(URI_PATH) or b""
    return _BY_METHOD_AND_LETTER.get((message.code, path[:1]), ServerRequest.UNKNOWN)
