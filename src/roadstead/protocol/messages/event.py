"""Events, from devices and to devices. Spec: device protocol notes §3.7, §3.9."""

from typing import Final

import msgspec

from roadstead.protocol.coap.codes import POST
from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.message import Draft, Message, Options
from roadstead.protocol.coap.options import (
    CONTENT_FORMAT,
    DEFAULT_MAX_AGE_S,
    MAX_AGE,
    URI_PATH,
    decode_uint,
    encode_uint,
)
from roadstead.protocol.messages.errors import MessageFormatError

FORMAT_TEXT: Final = 0
FORMAT_OCTETS: Final = 42
FORMAT_JSON: Final = 50
FORMAT_CBOR: Final = 60
FORMAT_STRUCTURED: Final = 65001
"""Content formats of payloads. Structured data of devices is CBOR with the number 65001;
subscribers for structured data take it with the number 60 only."""

FORMAT_MAX: Final = 0xFFFF
"""Largest number of a content format. Spec: RFC 7252 §12.3."""

TEXT_FORMATS: Final = frozenset({None, FORMAT_TEXT, 40, 41, FORMAT_JSON})
"""Formats that a handler for text takes."""

DELIVERED_NAME_BYTES: Final = 64
"""Longer names are cut by the device."""

FIXED_MAX_AGE_BYTES: Final = 3
"""Length of Max-Age in every event of a device up to 6.1."""


class DeviceEvent(msgspec.Struct, frozen=True, gc=False):
    """An event on the wire.

    Attributes:
        name: as written, slashes included.
        payload: the data; None for an event without.
        content_format: number of the data's format; None is text.
        ttl_s: time to live in seconds.
        public: whether an old device meant it for everybody (``e``).
    """

    name: str
    payload: bytes | None = None
    content_format: int | None = None
    ttl_s: int = DEFAULT_MAX_AGE_S
    public: bool = False


def decode_event(message: Message) -> DeviceEvent:
    """The event in a message of either side; a name in several segments is joined.

    Raises:
        MessageFormatError: the name is missing, empty or not UTF-8, an option is too long, or the
            format is no number of the registry (0 to 65535, RFC 7252 §12.3).
    """
    path: list[bytes] = []
    content_format, ttl_s = None, DEFAULT_MAX_AGE_S
    try:
        for number, value in message.options:
            if number == URI_PATH:
                path.append(value)
            elif number == CONTENT_FORMAT:
                content_format = decode_uint(value)
            elif number == MAX_AGE:
                ttl_s = decode_uint(value)
        name = b"/".join(path[1:]).decode()
    except (CoapFormatError, UnicodeDecodeError) as error:
        raise MessageFormatError(f"bad event: {error}") from None
    if not name:
        raise MessageFormatError("event without a name")
    if content_format is not None and content_format > FORMAT_MAX:
        raise MessageFormatError("event of an impossible format")
    return DeviceEvent(name, message.payload or None, content_format, ttl_s, path[0] == b"e")


def encode_event(event: DeviceEvent, *, always_max_age: bool = False) -> Draft:
    """An event as a device publishes it, without a token.

    Args:
        event: what is published.
        always_max_age: writes the time to live in 3 bytes always, as devices up to 6.1 do.
    """
    options: Options = ((URI_PATH, b"e" if event.public else b"E"), (URI_PATH, event.name.encode()))
    if event.content_format:
        options += ((CONTENT_FORMAT, encode_uint(event.content_format)),)
    if always_max_age:
        options += ((MAX_AGE, event.ttl_s.to_bytes(FIXED_MAX_AGE_BYTES, "big")),)
    elif event.ttl_s != DEFAULT_MAX_AGE_S:
        options += ((MAX_AGE, encode_device_uint(event.ttl_s)),)
    return Draft(POST, options, event.payload or b"")


def encode_device_uint(value: int) -> bytes:
    """A number of at most 32 bits as a device writes it, in 0, 1, 2 or 4 bytes."""
    shortest = encode_uint(value)
    return value.to_bytes(4, "big") if len(shortest) == 3 else shortest


def event_to_device(name: str, payload: bytes | None, content_format: int | None = None) -> Draft:
    """An event for a device; a name beyond 64 bytes is cut.

    Args:
        name: 1 to 64 bytes.
        payload: the data.
        content_format: None or 0 for text; a device up to 6.1 loses the data of all others.
    """
    cut = name.encode()[:DELIVERED_NAME_BYTES].decode("utf-8", "ignore").encode()
    options: Options = ((URI_PATH, b"E"), (URI_PATH, cut))
    if content_format:
        options += ((CONTENT_FORMAT, encode_uint(content_format)),)
    return Draft(POST, options, payload or b"")
