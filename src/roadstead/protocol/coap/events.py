"""What an endpoint tells its owner."""

from typing import Literal

import msgspec

from roadstead.protocol.coap.message import Message

Handle = int
"""Names a request that was sent, for as long as its outcome is open."""

FailureReason = Literal["timeout", "reset", "busy"]


class Request(msgspec.Struct, frozen=True, gc=False):
    """A new request of the peer; answer it with ``acknowledge`` or ``respond`` if it is a CON."""

    message: Message


class Ping(msgspec.Struct, frozen=True, gc=False):
    """The peer sent an empty confirmable message; it is acknowledged already."""

    message_id: int


class Response(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request, within the acknowledgement or separate (then acknowledged already).

    The request is over.
    """

    handle: Handle
    message: Message


class Acknowledged(msgspec.Struct, frozen=True, gc=False):
    """The peer has a request of ours; with a token it waits for a response, else it is over."""

    handle: Handle


class Failed(msgspec.Struct, frozen=True, gc=False):
    """A request is over without an answer.

    Attributes:
        reason: ``timeout`` (never acknowledged), ``reset`` (refused by the peer), ``busy`` (not
            sent: all tokens, or all message ids, are in use).
    """

    handle: Handle
    reason: FailureReason


class Reset(msgspec.Struct, frozen=True, gc=False):
    """The peer refused a message of ours whose outcome nobody waits for."""

    message_id: int


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """What the peer sent is no CoAP message; nothing was answered."""

    reason: str


CoapEvent = Request | Ping | Response | Acknowledged | Failed | Reset | Malformed
