"""Which message a device sends, told by method and path. Spec: device protocol notes §3.2."""

from enum import Enum, auto
from typing import Final

from roadstead.protocol.coap.codes import GET, POST, PUT
from roadstead.protocol.coap.message import Message
from roadstead.protocol.coap.options import URI_PATH


class DeviceRequest(Enum):
    """The requests of devices."""

    HELLO = auto()
    GOODBYE = auto()
    DESCRIBE = auto()
    TIME = auto()
    EVENT = auto()
    SUBSCRIBE = auto()
    LEDGER = auto()
    UPDATE_ACK = auto()
    """Which chunks of an update have come (current transfer)."""
    CHUNK_MISSED = auto()
    """Which chunks of an update are missing (classic transfer)."""
    UPDATE_DONE = auto()
    """The device ends an update itself (Core, 1.x)."""
    UNKNOWN = auto()


_BY_METHOD_AND_PATH: Final = {
    (POST, b"h"): DeviceRequest.HELLO,
    (POST, b"x"): DeviceRequest.GOODBYE,
    (POST, b"d"): DeviceRequest.DESCRIBE,
    (GET, b"t"): DeviceRequest.TIME,
    (POST, b"E"): DeviceRequest.EVENT,
    (POST, b"e"): DeviceRequest.EVENT,
    (GET, b"e"): DeviceRequest.SUBSCRIBE,
    (GET, b"E"): DeviceRequest.SUBSCRIBE,
    (POST, b"L"): DeviceRequest.LEDGER,
    (POST, b"A"): DeviceRequest.UPDATE_ACK,
    (GET, b"c"): DeviceRequest.CHUNK_MISSED,
    (PUT, b"u"): DeviceRequest.UPDATE_DONE,
}


def kind_of_device_request(message: Message) -> DeviceRequest:
    """What a device's request is."""
    path = message.find_option(URI_PATH) or b""
    return _BY_METHOD_AND_PATH.get((message.code, path), DeviceRequest.UNKNOWN)
