"""The messages of the current update transfer (Device OS 3.0 and later).

Chunks are numbered from 1, relative to the offset that the device names when it accepts. A chunk
has no token and no checksum of its own; the session protects it.
Spec: device protocol notes §4.1; Device OS 6.2 wire.
"""

from typing import Final

import msgspec

from roadstead.protocol.coap.codes import CHANGED, CREATED, POST
from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.message import PAYLOAD_MARKER, Draft, Message
from roadstead.protocol.coap.options import URI_PATH, decode_uint, encode_uint
from roadstead.protocol.messages.errors import MessageFormatError

CHUNK_INDEX: Final = 2049
WINDOW_SIZE: Final = 2053
FILE_SIZE: Final = 2057
FILE_SHA256: Final = 2061
CHUNK_SIZE: Final = 2065
DISCARD_DATA: Final = 2069
CANCEL_UPDATE: Final = 2073
MODULE_FUNCTION: Final = 2077

SHA256_BYTES: Final = 32
CHUNK_BYTES_MIN: Final = 512
CHUNK_BYTES_MAX: Final = 1136
"""Largest chunk: the largest message, 1152 bytes, less 14, rounded down to a multiple of 4."""
CHUNK_FRAMING_BYTES: Final = 14
WINDOW_BYTES: Final = 131_072
"""What a device takes beyond the chunks that it has in sequence."""
BITMAP_BYTES_MAX: Final = WINDOW_BYTES // CHUNK_BYTES_MIN // 8
"""One bit for each chunk of the widest window, 256 bits."""

_WORD_BYTES: Final = 4
_PATH_START: Final = ((URI_PATH, b"S"),)
_PATH_CHUNK: Final = (URI_PATH, b"C")
_PATH_FINISH: Final = ((URI_PATH, b"F"),)
_PATH_ACK: Final = (URI_PATH, b"A")


class UpdateStart(msgspec.Struct, frozen=True, gc=False):
    """The server offers a file.

    Attributes:
        file_bytes: its whole length.
        chunk_bytes: length of every chunk but the last; 512 to 1136, a multiple of 4.
        sha256: digest of the whole file; with it the transfer can be resumed, without (empty) not.
        discard: the device drops what it kept of an earlier transfer.
        module_function: what the file is (9 for an asset); None leaves it to the device.
    """

    file_bytes: int
    chunk_bytes: int
    sha256: bytes = b""
    discard: bool = False
    module_function: int | None = None


class UpdateAccepted(msgspec.Struct, frozen=True, gc=False):
    """The device takes a file.

    Attributes:
        window_chunks: how many chunks it takes beyond those that it has in sequence.
        offset_bytes: how much of the file it has already; chunk 1 begins there.
    """

    window_chunks: int
    offset_bytes: int


class UpdateChunk(msgspec.Struct, frozen=True, gc=False):
    """One piece of the file: its number from 1, and its bytes."""

    index: int
    content: bytes


class UpdateAck(msgspec.Struct, frozen=True, gc=False):
    """Which chunks the device has.

    Attributes:
        in_sequence: it has the chunks 1 to this one.
        beyond: the chunks after a gap that it has, ascending.
    """

    in_sequence: int
    beyond: tuple[int, ...] = ()


def chunk_bytes_for(max_message_bytes: int) -> int:
    """The largest chunk for a device that announces this largest message, within 512 to 1136."""
    fitting = (max_message_bytes - CHUNK_FRAMING_BYTES) & ~3
    return max(CHUNK_BYTES_MIN, min(CHUNK_BYTES_MAX, fitting))


def update_start(start: UpdateStart) -> Draft:
    """The offer; confirmable, with a token.

    Raises:
        MessageFormatError: a length is out of its range, or the digest has not 32 bytes.
    """
    _check_start(start)
    options: list[tuple[int, bytes]] = [*_PATH_START, (FILE_SIZE, encode_uint(start.file_bytes))]
    if start.sha256:
        options.append((FILE_SHA256, start.sha256))
    options.append((CHUNK_SIZE, encode_uint(start.chunk_bytes)))
    if start.discard:
        options.append((DISCARD_DATA, b""))
    if start.module_function is not None:
        options.append((MODULE_FUNCTION, encode_uint(start.module_function)))
    return Draft(POST, tuple(options))


def _check_start(start: UpdateStart) -> None:
    if not 0 < start.file_bytes <= 0xFFFFFFFF:
        raise MessageFormatError("file size is not 1 to 4294967295")
    if not CHUNK_BYTES_MIN <= start.chunk_bytes <= CHUNK_BYTES_MAX or start.chunk_bytes % 4:
        raise MessageFormatError("chunk size is not 512 to 1136, a multiple of 4")
    if len(start.sha256) not in (0, SHA256_BYTES):
        raise MessageFormatError("digest of the file has not 32 bytes")
    if start.module_function is not None and not 0 <= start.module_function <= 0xFF:
        raise MessageFormatError("module function is not 0 to 255")


def decode_update_start(message: Message) -> UpdateStart:
    """What an offer says.

    Raises:
        MessageFormatError: no token, or an option is missing or out of its range.
    """
    if not message.token:
        raise MessageFormatError("offer without a token")
    start = UpdateStart(
        _required_uint(message, FILE_SIZE),
        _required_uint(message, CHUNK_SIZE),
        message.find_option(FILE_SHA256) or b"",
        message.find_option(DISCARD_DATA) is not None,
        _find_uint(message, MODULE_FUNCTION),
    )
    _check_start(start)
    return start


def update_accepted(accepted: UpdateAccepted) -> Draft:
    """The device's answer to an offer, sent separately."""
    options = (
        (WINDOW_SIZE, encode_uint(accepted.window_chunks)),
        (FILE_SIZE, encode_uint(accepted.offset_bytes)),
    )
    return Draft(CREATED, options)


def decode_update_accepted(message: Message) -> UpdateAccepted:
    """What the device takes; an absent offset is 0.

    Raises:
        MessageFormatError: the answer is another, or its window is missing or 0.
    """
    if message.code != CREATED:
        raise MessageFormatError("not an acceptance")
    window = _required_uint(message, WINDOW_SIZE)
    if window == 0:
        raise MessageFormatError("a window of no chunks")
    return UpdateAccepted(window, _find_uint(message, FILE_SIZE) or 0)


def update_chunk(index: int, content: bytes) -> Draft:
    """A chunk; not confirmable, without a token."""
    return Draft(POST, (_PATH_CHUNK, (CHUNK_INDEX, encode_uint(index))), content)


_CHUNK_HEAD: Final = (
    b"",
    b"\xb1C\xe1\x06\xe9%c\xff%b",
    b"\xb1C\xe2\x06\xe9%c%c\xff%b",
    b"\xb1C\xe3\x06\xe9%c%c%c\xff%b",
)
"""Path, number and marker of a chunk, by the bytes of its number."""


def encode_chunk_body(index: int, content: bytes) -> bytes:
    """A chunk behind its header: what ``update_chunk`` says, encoded.

    There are hundreds in each update, so they take the short way.
    """
    if index < 0x100:
        return _CHUNK_HEAD[1] % (index, content)
    if index < 0x10000:
        return _CHUNK_HEAD[2] % (index >> 8, index & 0xFF, content)
    return _CHUNK_HEAD[3] % (index >> 16, index >> 8 & 0xFF, index & 0xFF, content)


def decode_update_chunk(message: Message) -> UpdateChunk:
    """A chunk's number and content.

    Raises:
        MessageFormatError: the number is missing or 0, or there is no content.
    """
    index = _required_uint(message, CHUNK_INDEX)
    if index == 0 or not message.payload:
        raise MessageFormatError("chunk without a number from 1 or without content")
    return UpdateChunk(index, message.payload)


def update_ack(ack: UpdateAck) -> Draft:
    """The device's report; not confirmable, without a token."""
    bitmap = _encode_bitmap(ack.in_sequence, ack.beyond)
    return Draft(POST, (_PATH_ACK, (CHUNK_INDEX, encode_uint(ack.in_sequence))), bitmap)


def _encode_bitmap(in_sequence: int, beyond: tuple[int, ...]) -> bytes:
    if not beyond:
        return b""
    bits = 0
    for index in beyond:
        bits |= 1 << (index - in_sequence - 1)
    length = (bits.bit_length() + 7) // 8
    return bits.to_bytes(-(-length // _WORD_BYTES) * _WORD_BYTES, "little")


def decode_update_ack(message: Message) -> UpdateAck:
    """Which chunks the device says that it has; an absent number is 0.

    Raises:
        MessageFormatError: the map is not of whole 32-bit words, or longer than any window.
    """
    in_sequence = _find_uint(message, CHUNK_INDEX) or 0
    return UpdateAck(in_sequence, _decode_bitmap(in_sequence, message.payload))


def _decode_bitmap(in_sequence: int, bitmap: bytes) -> tuple[int, ...]:
    if len(bitmap) % _WORD_BYTES or len(bitmap) > BITMAP_BYTES_MAX:
        raise MessageFormatError("map of chunks has a bad length")
    bits, beyond = int.from_bytes(bitmap, "little"), []
    while bits:
        low = bits & -bits
        beyond.append(in_sequence + low.bit_length())
        bits ^= low
    return tuple(beyond)


_ACK_START: Final = b"P\x02"
"""First bytes of a message that is not confirmable, without token, a POST."""
_ACK_PATH: Final = b"\xb1A"
_ACK_NUMBER: Final = b"\x06\xe9"
_ACK_NUMBER_BYTES_MAX: Final = 3


def find_update_ack(datagram: bytes) -> UpdateAck | None:
    """The report in a message, read the short way: one comes for every second chunk.

    None for any other message, and for a report in any other form than Device OS writes; those are
    for ``decode_message`` and ``decode_update_ack``.
    """
    if not datagram.startswith(_ACK_START) or datagram[4:6] != _ACK_PATH:
        return None
    if datagram[7:9] != _ACK_NUMBER or datagram[6] >> 4 != 0xE:
        return None
    end = 9 + (datagram[6] & 0x0F)
    if end > 9 + _ACK_NUMBER_BYTES_MAX or end > len(datagram):
        return None
    in_sequence = int.from_bytes(datagram[9:end], "big")
    if end == len(datagram):
        return UpdateAck(in_sequence)
    if datagram[end] != PAYLOAD_MARKER:
        return None
    try:
        return UpdateAck(in_sequence, _decode_bitmap(in_sequence, datagram[end + 1 :]))
    except MessageFormatError:
        return None


def update_finish(*, cancel: bool = False, discard: bool = False) -> Draft:
    """The end of a transfer; confirmable, with a token.

    Args:
        cancel: the device gives the transfer up instead of applying the file.
        discard: the device also drops what it received (with ``cancel``), or what it keeps for
            resuming (without).
    """
    options: tuple[tuple[int, bytes], ...] = _PATH_FINISH
    if discard:
        options += ((DISCARD_DATA, b""),)
    if cancel:
        options += ((CANCEL_UPDATE, b""),)
    return Draft(POST, options)


def decode_update_finish(message: Message) -> tuple[bool, bool]:
    """Whether the transfer is given up, and whether its content is to be dropped."""
    cancel = message.find_option(CANCEL_UPDATE) is not None
    return cancel, message.find_option(DISCARD_DATA) is not None


class UpdateStatistics(msgspec.Struct, frozen=True, gc=False):
    """What a device counted during a transfer; ``proc_time`` is in milliseconds."""

    recv_chunks: int = 0
    dup_chunks: int = 0
    ooo_chunks: int = 0
    sent_acks: int = 0
    proc_time: int = 0


def update_finished(statistics: UpdateStatistics) -> Draft:
    """The device's answer when it has validated the file, sent separately."""
    return Draft(CHANGED, (), msgspec.json.encode(statistics))


def decode_statistics(message: Message) -> UpdateStatistics:
    """What a finished device counted; an answer without that, or with other words, tells zeros."""
    try:
        return msgspec.json.decode(message.payload, type=UpdateStatistics)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return UpdateStatistics()


class UpdateProblem(msgspec.Struct, frozen=True, gc=False):
    """A device's refusal: its own error code, negative, 0 for none; and its text."""

    code: int = 0
    message: str = ""


def update_problem(coap_code: int, problem: UpdateProblem) -> Draft:
    """The device's refusal."""
    return Draft(coap_code, (), msgspec.json.encode(problem))


def decode_problem(message: Message) -> UpdateProblem:
    """Why a device refuses; a refusal without that tells 0 and nothing."""
    try:
        return msgspec.json.decode(message.payload, type=UpdateProblem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return UpdateProblem()


def _find_uint(message: Message, number: int) -> int | None:
    value = message.find_option(number)
    try:
        return None if value is None else decode_uint(value)
    except CoapFormatError as error:
        raise MessageFormatError(str(error)) from None


def _required_uint(message: Message, number: int) -> int:
    value = _find_uint(message, number)
    if value is None:
        raise MessageFormatError(f"option {number} is missing")
    return value
