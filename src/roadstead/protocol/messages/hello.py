"""The first message of a connection, and the server's answer to it.

Spec: device protocol notes §2.4, §3.3, §3.4.
"""

import struct
from enum import IntFlag
from typing import Final

import msgspec

from roadstead.protocol.coap.codes import POST
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH
from roadstead.protocol.messages.errors import MessageFormatError

DEVICE_ID_BYTES: Final = 12
NO_VERSION: Final = 0xFFFF
"""Product id or version of an application that has none."""

_BASE: Final = struct.Struct(">HHHH")
_ID_LENGTH_OFFSET: Final = 9


class HelloFlag(IntFlag):
    """What a device says that it can do."""

    UPDATE_SUCCESSFUL = 0x01
    DIAGNOSTICS = 0x02
    IMMEDIATE_UPDATES = 0x04
    GOODBYE = 0x10
    POSTS_DESCRIBES = 0x20
    COMPRESSED_UPDATES = 0x40
    CURRENT_TRANSFER = 0x80


class Hello(msgspec.Struct, frozen=True, gc=False):
    """What a device says of itself.

    Attributes:
        product_id: 0xFFFF or, from 4.x on, the platform id when the application has none.
        product_version: version of the application, 0xFFFF for none.
        flags: see HelloFlag.
        platform_id: kind of hardware.
        device_id: 12 bytes; empty on TCP, where the handshake tells it.
        system_version: version of the system module (6.2.0 is 6200); 0 before 3.0, as all below.
        max_message_bytes: largest CoAP message that it takes.
        max_binary_bytes: largest firmware that it takes.
        ota_chunk_bytes: chunk of the classic transfer.
    """

    product_id: int
    product_version: int
    flags: int
    platform_id: int
    device_id: bytes = b""
    system_version: int = 0
    max_message_bytes: int = 0
    max_binary_bytes: int = 0
    ota_chunk_bytes: int = 0

    def has(self, flag: HelloFlag) -> bool:
        """Whether it says that it can do this."""
        return bool(self.flags & flag)


def decode_hello(message: Message) -> Hello:
    """What a device's Hello says; of the fields of 3.0 and later, those that are there.

    Raises:
        MessageFormatError: shorter than 8 bytes, or a device id of another length than 0 or 12.
    """
    payload = message.payload
    if len(payload) < _BASE.size:
        raise MessageFormatError("hello shorter than 8 bytes")
    product_id, product_version, flags, platform_id = _BASE.unpack_from(payload)
    length = payload[_ID_LENGTH_OFFSET] if len(payload) > _ID_LENGTH_OFFSET else 0
    begin = _ID_LENGTH_OFFSET + 1
    end = begin + length
    if length not in (0, DEVICE_ID_BYTES) or (length and end > len(payload)):
        raise MessageFormatError("hello with a bad device id")
    rest = _decode_rest(payload[end:])
    return Hello(product_id, product_version, flags, platform_id, payload[begin:end], *rest)


def _decode_rest(rest: bytes) -> tuple[int, int, int, int]:
    fields, position = [0, 0, 0, 0], 0
    for index, size in enumerate((2, 2, 4, 2)):
        if position + size > len(rest):
            break
        fields[index] = int.from_bytes(rest[position : position + size], "big")
        position += size
    return fields[0], fields[1], fields[2], fields[3]


def encode_hello(hello: Hello, *, announces_limits: bool = True) -> Draft:
    """A device's Hello.

    Args:
        hello: what it says.
        announces_limits: with the fields that came with 3.0; without them and without a device id
            it has the short form of TCP up to 2.x.
    """
    payload = _BASE.pack(hello.product_id, hello.product_version, hello.flags, hello.platform_id)
    if announces_limits or hello.device_id:
        payload += bytes((0, len(hello.device_id))) + hello.device_id
    if announces_limits:
        payload += struct.pack(
            ">HHIH",
            hello.system_version,
            hello.max_message_bytes,
            hello.max_binary_bytes,
            hello.ota_chunk_bytes,
        )
    return Draft(POST, ((URI_PATH, b"h"),), payload)


def server_hello() -> Draft:
    """The server's Hello: send it without confirmation and token, right after the acknowledgement.

    A device on TCP waits for it; on UDP it forgets by it that its last update was applied.
    """
    return Draft(POST, ((URI_PATH, b"h"),))
