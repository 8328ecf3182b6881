"""A device leaves on purpose. Spec: device protocol notes §3.18."""

from enum import IntEnum
from typing import Final

import msgspec

from roadstead.protocol.coap.codes import POST
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import NO_RESPONSE, URI_PATH
from roadstead.protocol.messages.varint import decode_varint, encode_varint

_FIELDS: Final = (
    (0x01, "cloud_reason"),
    (0x02, "reset_reason"),
    (0x04, "sleep_s"),
    (0x08, "network_reason"),
)


class CloudDisconnectReason(IntEnum):
    """Why a device disconnects from the cloud."""

    ERROR = 1
    USER = 2
    NETWORK_DISCONNECT = 3
    LISTENING = 4
    SYSTEM_RESET = 5
    SLEEP = 6
    UNKNOWN = 7
    SERVER_MOVED = 8


class NetworkDisconnectReason(IntEnum):
    """Why a device disconnects from its network."""

    ERROR = 1
    USER = 2
    NETWORK_OFF = 3
    LISTENING = 4
    SLEEP = 5
    RESET = 6
    UNKNOWN = 7


class Goodbye(msgspec.Struct, frozen=True, gc=False):
    """What a leaving device says; None for what it does not say.

    Attributes:
        cloud_reason: see CloudDisconnectReason; other numbers may come.
        reset_reason: 10 unknown, 20 pin, 40 power down, 60 watchdog, 70 update, 140 user, and more.
        sleep_s: for how many seconds it will sleep; 0 until something wakes it.
        network_reason: see NetworkDisconnectReason; other numbers may come.
    """

    cloud_reason: int | None = None
    reset_reason: int | None = None
    sleep_s: int | None = None
    network_reason: int | None = None


def decode_goodbye(message: Message) -> Goodbye:
    """What a Goodbye says; one without a payload says nothing.

    Raises:
        MessageFormatError: a value is missing or does not end.
    """
    payload = message.payload
    if not payload:
        return Goodbye()
    flags, position = decode_varint(payload, 0)
    told: dict[str, int] = {}
    for flag, name in _FIELDS:
        if flags & flag:
            told[name], position = decode_varint(payload, position)
    return Goodbye(**told)


def encode_goodbye(goodbye: Goodbye, *, no_response: bool = False) -> Draft:
    """A Goodbye; ``no_response`` is the form of TCP, which wants no answer."""
    flags, values = 0, b""
    for flag, name in _FIELDS:
        value: int | None = getattr(goodbye, name)
        if value is not None:
            flags |= flag
            values += encode_varint(value)
    path = ((URI_PATH, b"x"),)
    options = (*path, (NO_RESPONSE, b"")) if no_response else path
    return Draft(POST, options, encode_varint(flags) + values)
