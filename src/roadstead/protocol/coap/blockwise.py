"""Bodies larger than a message, in blocks. Spec: RFC 7959; device protocol notes §3.5, §3.20."""

from typing import Final, Literal

import msgspec

from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.options import decode_uint, encode_uint

SZX_1024: Final = 6
SZX_512: Final = 5

LARGE_BLOCK_MESSAGE_BYTES: Final = 1040
"""Smallest largest message of a device that makes it use blocks of 1024 bytes, else of 512.
Device protocol notes §3.5.1."""

BODY_BYTES_MAX: Final = 32 * 1024
"""Longest body taken in blocks. A system describe with its 100 assets stays below it; a ledger's
document has at most 16,384 bytes (device protocol notes §3.20)."""

_NUMBER_MAX: Final = 0xFFFFF


class Block(msgspec.Struct, frozen=True, gc=False):
    """The value of a Block1 or Block2 option.

    Attributes:
        number: which block, from 0.
        more: whether more follow.
        szx: log2 of the size in bytes, minus 4; 0 to 6.
    """

    number: int
    more: bool
    szx: int

    @property
    def size_bytes(self) -> int:
        """Length of every block but the last."""
        return 16 << self.szx

    @property
    def offset(self) -> int:
        """Where in the body the block begins."""
        return self.number * self.size_bytes


def encode_block(block: Block) -> bytes:
    """The option's value.

    Raises:
        ValueError: the number has more than 20 bits.
    """
    if not 0 <= block.number <= _NUMBER_MAX:
        raise ValueError("block number of more than 20 bits")
    return encode_uint(block.number << 4 | block.more << 3 | block.szx)


def decode_block(value: bytes) -> Block:
    """The block that an option names; a device writes 3 bytes as 4.

    Raises:
        CoapFormatError: longer than 4 bytes, a number of more than 20 bits, or the reserved size.
    """
    number = decode_uint(value)
    szx = number & 7
    if szx == 7 or number >> 4 > _NUMBER_MAX:
        raise CoapFormatError("bad block option")
    return Block(number >> 4, bool(number & 8), szx)


def block_szx(max_message_bytes: int) -> int:
    """The size of block that a device with this largest message uses."""
    return SZX_1024 if max_message_bytes >= LARGE_BLOCK_MESSAGE_BYTES else SZX_512


def cut_block(body: bytes, number: int, szx: int) -> tuple[Block, bytes] | None:
    """One block of a body with its content; None when the body ends before it."""
    offset = number << (szx + 4)
    if number < 0 or (offset >= len(body) and number > 0):
        return None
    end = offset + (16 << szx)
    return Block(number, end < len(body), szx), body[offset:end]


Verdict = Literal["continue", "complete", "repeated", "incomplete", "too_large"]
"""``continue``: wants the next one; ``complete``: ``body`` is whole; ``repeated``: the block taken
last came again, nothing changed; ``incomplete``: blocks are missing or have wrong lengths, begin
anew (4.08); ``too_large``: the body is longer than allowed (4.13)."""


class BlockReceiver:
    """Puts a body together from its blocks in order; block 0 begins anew.

    Args:
        limit_bytes: longest body taken.
    """

    __slots__ = ("_body", "_last", "_limit_bytes")

    def __init__(self, limit_bytes: int = BODY_BYTES_MAX) -> None:
        self._limit_bytes = limit_bytes
        self._body = bytearray()
        self._last: Block | None = None

    @property
    def body(self) -> bytes:
        """What was received so far."""
        return bytes(self._body)

    def receive(self, block: Block, content: bytes) -> Verdict:
        """Takes one block."""
        if block.number == 0:
            self._body.clear()
        elif block == self._last:
            return "repeated"
        verdict = self._judge(block, content)
        if verdict in ("incomplete", "too_large"):
            self._body.clear()
            self._last = None
        else:
            self._body += content
            self._last = block
        return verdict

    def _judge(self, block: Block, content: bytes) -> Verdict:
        whole = len(content) == block.size_bytes
        fits = whole if block.more else len(content) <= block.size_bytes
        if not fits or block.offset != len(self._body):
            return "incomplete"
        if block.number and (self._last is None or not self._last.more):
            return "incomplete"
        if len(self._body) + len(content) > self._limit_bytes:
            return "too_large"
        return "continue" if block.more else "complete"
