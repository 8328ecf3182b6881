"""A device describes itself, of its own accord or asked. Spec: device protocol notes §3.5.

What the payload says is read by ``application``, ``modules`` and ``vitals``.
"""

from enum import IntEnum
from typing import Final

import msgspec

from roadstead.protocol.coap.blockwise import Block, decode_block, encode_block
from roadstead.protocol.coap.codes import CONTENT, GET, POST
from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.message import Draft, Message, Options
from roadstead.protocol.coap.options import (
    BLOCK1,
    BLOCK2,
    CONTENT_FORMAT,
    ETAG,
    URI_PATH,
    URI_QUERY,
    decode_uint,
)
from roadstead.protocol.messages.errors import MessageFormatError

FORMAT_PROTOBUF: Final = 42
"""Content format of a system describe from 5.5 on, whatever its encoding there."""


class DescribeFlag(IntEnum):
    """What is described. A device disconnects when it is asked for a sum of these, or for 0."""

    SYSTEM = 1
    APPLICATION = 2
    METRICS = 4


class Describe(msgspec.Struct, frozen=True, gc=False):
    """A describe, or one block of it, as a device posts it.

    Attributes:
        flag: what is described.
        payload: the describe, or the content of the block.
        content_format: its form where it was told.
        block: which part of a longer describe; None for a whole one.
    """

    flag: DescribeFlag
    payload: bytes
    content_format: int | None = None
    block: Block | None = None


class DescribeRequest(msgspec.Struct, frozen=True, gc=False):
    """The server's question.

    Attributes:
        flag: what is asked for; None for all in one, up to 1.x.
        block: which part is asked for; None at first.
    """

    flag: int | None
    block: Block | None = None


class DescribeAnswer(msgspec.Struct, frozen=True, gc=False):
    """A device's answer, or the first blocks of it.

    Attributes:
        payload: the describe, or the content of the block.
        content_format: its form where it was told.
        block: which part this is; None for a whole one. Ask for the next while ``block.more``.
        etag: marks the blocks that belong together.
    """

    payload: bytes
    content_format: int | None = None
    block: Block | None = None
    etag: bytes | None = None


def decode_describe(message: Message) -> Describe:
    """What a device posts.

    Raises:
        MessageFormatError: no flag, an unknown one, or a bad option.
    """
    query = message.find_option(URI_QUERY)
    try:
        flag = DescribeFlag(int.from_bytes(query or b"", "big"))
    except ValueError:
        raise MessageFormatError("describe of nothing that is known") from None
    return Describe(flag, message.payload, _content_format(message), _block(message, BLOCK1))


def encode_describe(describe: Describe) -> Draft:
    """What a device posts; with a token from 3.3 on, without before."""
    options: list[tuple[int, bytes]] = [(URI_PATH, b"d")]
    if describe.content_format is not None:
        options.append((CONTENT_FORMAT, bytes((describe.content_format,))))
    options.append((URI_QUERY, bytes((describe.flag,))))
    if describe.block is not None:
        options.append((BLOCK1, encode_block(describe.block)))
    return Draft(POST, tuple(options), describe.payload)


def continue_options(describe: Describe) -> Options:
    """Options of the answer to one block: the block again."""
    return () if describe.block is None else ((BLOCK1, encode_block(describe.block)),)


def describe_request(flag: DescribeFlag | None, block: Block | None = None) -> Draft:
    """The question; confirmable, and it needs a token.

    Args:
        flag: None asks for all in one, which only devices up to 2.x answer.
        block: the part wanted, ``more`` False and the size of the first answer's block.
    """
    options: Options = ((URI_PATH, b"d"),)
    if flag is not None:
        options += ((URI_QUERY, bytes((flag,))),)
    if block is not None:
        options += ((BLOCK2, encode_block(block)),)
    return Draft(GET, options)


def decode_describe_request(message: Message) -> DescribeRequest:
    """The server's question.

    Raises:
        MessageFormatError: a bad option.
    """
    query = message.find_option(URI_QUERY)
    flag = None if query is None else int.from_bytes(query, "big") & 7
    return DescribeRequest(flag, _block(message, BLOCK2))


def describe_answer(answer: DescribeAnswer) -> Draft:
    """A device's answer: separate from 2.0 on, within the acknowledgement before."""
    options: list[tuple[int, bytes]] = []
    if answer.etag is not None:
        options.append((ETAG, answer.etag))
    if answer.content_format is not None:
        options.append((CONTENT_FORMAT, bytes((answer.content_format,))))
    if answer.block is not None:
        options.append((BLOCK2, encode_block(answer.block)))
    return Draft(CONTENT, tuple(options), answer.payload)


def decode_describe_answer(message: Message) -> DescribeAnswer:
    """A device's answer.

    Raises:
        MessageFormatError: it is an error, or has a bad option.
    """
    if message.code != CONTENT:
        raise MessageFormatError("no describe in the answer")
    return DescribeAnswer(
        message.payload,
        _content_format(message),
        _block(message, BLOCK2),
        message.find_option(ETAG),
    )


def _content_format(message: Message) -> int | None:
    value = message.find_option(CONTENT_FORMAT)
    if value is None:
        return None
    try:
        return decode_uint(value)
    except CoapFormatError as error:
        raise MessageFormatError(str(error)) from None


def _block(message: Message, number: int) -> Block | None:
    value = message.find_option(number)
    if value is None:
        return None
    try:
        return decode_block(value)
    except CoapFormatError as error:
        raise MessageFormatError(str(error)) from None
