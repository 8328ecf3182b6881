"""The messages of the classic update transfer (all before 3.0, and all over TCP up to 2.x).

Devices read these messages at fixed places: a token of one byte, the path as first option.
Spec: device protocol notes §4.2; Device OS 6.2 wire.
"""

import struct
import zlib
from typing import Any, Final

import msgspec

from roadstead.protocol.coap.codes import BAD_REQUEST, CHANGED, GET, POST, PUT, SERVICE_UNAVAILABLE
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.coap.options import URI_PATH, URI_QUERY
from roadstead.protocol.messages.errors import MessageFormatError

FLAG_FAST: Final = 0x01
STORE_FIRMWARE: Final = 0

CHUNK_BYTES_UDP: Final = 512
"""Chunk for a device that names none, over UDP."""
CHUNK_BYTES_TCP: Final = 256
"""Chunk for a device that names none, over TCP."""
CHUNK_COUNT_MAX: Final = 65_534
"""Chunks of a file are fewer than 65535, their numbers are below it."""
MISSED_MAX: Final = 40
"""Chunks that a device names in one report; some hardware names 20 at most."""

RESULT_OK: Final = 0
RESULT_NOT_RUNNING: Final = -210
"""The device is not in an update."""

_BEGIN: Final = struct.Struct(">BHIBI")
_CRC_BYTES: Final = 4
_PATH_BEGIN: Final = ((URI_PATH, b"u"),)
_PATH_CHUNK: Final = ((URI_PATH, b"c"),)


class UpdateBegin(msgspec.Struct, frozen=True, gc=False):
    """The server offers a file.

    Attributes:
        file_bytes: its length.
        chunk_bytes: length of every chunk.
        fast: chunks are numbered and not answered one by one.
        store: 0 for firmware; devices refuse others.
        address: 0 leaves the place to the device.
    """

    file_bytes: int
    chunk_bytes: int
    fast: bool = True
    store: int = STORE_FIRMWARE
    address: int = 0


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A piece of the file.

    Attributes:
        index: its number from 0; None in a transfer that is not fast.
        content: its bytes.
        intact: whether its CRC-32 fits.
    """

    index: int | None
    content: bytes
    intact: bool


def update_begin(begin: UpdateBegin) -> Draft:
    """The offer; confirmable, with a token.

    Raises:
        MessageFormatError: a number is out of its range.
    """
    flags = FLAG_FAST if begin.fast else 0
    try:
        payload = _BEGIN.pack(
            flags, begin.chunk_bytes, begin.file_bytes, begin.store, begin.address
        )
    except struct.error:
        raise MessageFormatError("a number of the offer is out of its range") from None
    return Draft(POST, _PATH_BEGIN, payload)


def decode_update_begin(message: Message) -> UpdateBegin:
    """What an offer says.

    Raises:
        MessageFormatError: it is shorter than its form, or its token has not one byte.
    """
    if len(message.payload) < _BEGIN.size or len(message.token) != 1:
        raise MessageFormatError("offer of an update is not of its form")
    flags, chunk_bytes, file_bytes, store, address = _BEGIN.unpack_from(message.payload)
    return UpdateBegin(file_bytes, chunk_bytes, bool(flags & FLAG_FAST), store, address)


def update_ready(*, fast: bool) -> Draft:
    """The device's acceptance, sent separately."""
    return Draft(CHANGED, (), bytes((FLAG_FAST if fast else 0,)))


def decode_update_ready(message: Message) -> bool:
    """Whether the device agrees to a fast transfer.

    Raises:
        MessageFormatError: the answer is no acceptance.
    """
    if message.code != CHANGED:
        raise MessageFormatError("not an acceptance")
    return bool(message.payload and message.payload[0] & FLAG_FAST)


def update_refused() -> Draft:
    """The device's refusal, within the acknowledgement."""
    return Draft(SERVICE_UNAVAILABLE)


def chunk(content: bytes, index: int | None) -> Draft:
    """A chunk with its CRC-32; it needs a token, though a numbered one gets no answer.

    Args:
        content: the bytes.
        index: number from 0 in a fast transfer, where it is not confirmable; None else.
    """
    crc = zlib.crc32(content).to_bytes(_CRC_BYTES, "big")
    number = () if index is None else ((URI_QUERY, index.to_bytes(2, "big")),)
    return Draft(POST, (*_PATH_CHUNK, (URI_QUERY, crc), *number), content)


def decode_chunk(message: Message) -> Chunk:
    """A chunk, and whether it is intact.

    Raises:
        MessageFormatError: the checksum or the content is missing, or a length is wrong.
    """
    queries = message.list_options(URI_QUERY)
    if not queries or len(queries[0]) != _CRC_BYTES or not message.payload:
        raise MessageFormatError("chunk without a checksum or content")
    if len(queries) > 1 and len(queries[1]) != 2:
        raise MessageFormatError("number of a chunk has not two bytes")
    index = int.from_bytes(queries[1], "big") if len(queries) > 1 else None
    intact = zlib.crc32(message.payload) == int.from_bytes(queries[0], "big")
    return Chunk(index, message.payload, intact)


def chunk_received(*, intact: bool) -> Draft:
    """The device's answer to a chunk without a number, sent separately."""
    return Draft(CHANGED if intact else BAD_REQUEST)


def chunk_missed(indices: tuple[int, ...]) -> Draft:
    """The device names chunks that it lacks; confirmable, without a token.

    Raises:
        MessageFormatError: none or more than 40.
    """
    if not 0 < len(indices) <= MISSED_MAX:
        raise MessageFormatError("report of 0 or more than 40 missed chunks")
    return Draft(GET, _PATH_CHUNK, b"".join(index.to_bytes(2, "big") for index in indices))


def decode_chunk_missed(message: Message) -> tuple[int, ...]:
    """The chunks that a device lacks, as it names them.

    Raises:
        MessageFormatError: none or more than 40, or half a number.
    """
    payload = message.payload
    if not payload or len(payload) % 2 or len(payload) > 2 * MISSED_MAX:
        raise MessageFormatError("report of missed chunks has a bad length")
    return tuple(number for (number,) in struct.iter_unpack(">H", payload))


def update_done() -> Draft:
    """The end of a transfer; confirmable, with a token.

    Never to a device that refused an offer and is in no update: 6.2 on its POSIX platform crashes.
    """
    return Draft(PUT, _PATH_BEGIN)


def update_result(result: int) -> Draft:
    """The device's answer when it has all chunks, within the acknowledgement."""
    return Draft(CHANGED, (), msgspec.json.encode({"r": result}))


def update_incomplete() -> Draft:
    """The device's answer when chunks are missing, within the acknowledgement."""
    return Draft(BAD_REQUEST)


def decode_update_result(message: Message) -> int | None:
    """What became of a whole file: 0 good, negative the device's error; None: chunks are missing.

    A device that tells no result is taken for one that is content, as those of the first years are.

    Raises:
        MessageFormatError: the answer is neither, or its result is no number.
    """
    if message.code == BAD_REQUEST:
        return None
    if message.code != CHANGED:
        raise MessageFormatError("not an answer to the end of an update")
    if not message.payload:
        return RESULT_OK
    try:
        document = msgspec.json.decode(message.payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MessageFormatError("result of an update is not of its form") from None
    result = document.get("r", RESULT_OK)
    if not isinstance(result, int):
        raise MessageFormatError("result of an update is no number")
    return result
