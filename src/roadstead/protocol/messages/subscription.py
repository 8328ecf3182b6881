"""A device subscribes to events. Spec: device protocol notes §3.8."""

import re
from typing import Final, Literal

import msgspec

from roadstead.protocol.coap.codes import GET
from roadstead.protocol.coap.message import Draft, Message, Options
from roadstead.protocol.coap.options import URI_PATH, URI_QUERY
from roadstead.protocol.messages.errors import MessageFormatError

FIRST_PREFIX: Final = "particle"
"""A device always sends its whole list, and begins it with this."""

SubscriptionKind = Literal["text", "cbor", "binary"]
"""What the handler takes: text; structured data as CBOR (``c``); any format (``b``)."""

_DEVICE_ID: Final = re.compile(rb"[0-9a-fA-F]{24}")
_KINDS: Final[dict[bytes, SubscriptionKind]] = {b"c": "cbor", b"b": "binary"}
_QUERIES: Final = {kind: query for query, kind in _KINDS.items()}
_MINE: Final = b"u"


class DeviceSubscription(msgspec.Struct, frozen=True, gc=False):
    """One filter.

    Attributes:
        prefix: beginning of the names asked for; empty for all.
        kind: what the handler takes.
        mine: whether it names the owner's devices as its scope (``u``, up to 6.1); newer devices
            mean that without saying so.
        device_id: only events of this device, in lower case (up to 1.x); None for no such wish.
    """

    prefix: str
    kind: SubscriptionKind = "text"
    mine: bool = False
    device_id: str | None = None


def decode_subscription(message: Message) -> DeviceSubscription:
    """The filter in a message; unknown queries are passed over.

    Raises:
        MessageFormatError: the filter is not UTF-8, or the payload is no device id.
    """
    kind: SubscriptionKind = "text"
    mine = False
    for query in message.list_options(URI_QUERY):
        mine = mine or query == _MINE
        kind = _KINDS.get(query, kind)
    payload = message.payload
    if payload and not _DEVICE_ID.fullmatch(payload):
        raise MessageFormatError("subscription to something that is no device id")
    try:
        prefix = b"/".join(message.list_options(URI_PATH)[1:]).decode()
    except UnicodeDecodeError:
        raise MessageFormatError("filter is not UTF-8") from None
    return DeviceSubscription(prefix, kind, mine, payload.decode().lower() or None)


def encode_subscription(subscription: DeviceSubscription) -> Draft:
    """The message of a device, without a token."""
    options: Options = ((URI_PATH, b"e"), (URI_PATH, subscription.prefix.encode()))
    if subscription.mine:
        options += ((URI_QUERY, _MINE),)
    if subscription.kind != "text":
        options += ((URI_QUERY, _QUERIES[subscription.kind]),)
    return Draft(GET, options, (subscription.device_id or "").encode())
