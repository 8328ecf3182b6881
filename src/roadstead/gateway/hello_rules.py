"""A device says hello, comes online, says goodbye, falls silent. Pure.

Source: device protocol notes §3.3, §3.4, §3.18, §5.1, §5.2.
"""

from roadstead.gateway import describe_rules
from roadstead.gateway.effects import (
    Acknowledge,
    CloseSession,
    Count,
    Effect,
    PublishEvent,
    ReportHello,
    SeekUpdate,
    SetOffline,
    SetOnline,
    StoreHello,
    Tell,
)
from roadstead.gateway.state import DeviceState, without_id
from roadstead.protocol.coap.events import Request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.hello import HelloFlag, decode_hello, server_hello

STATUS_EVENT = "spark/status"
"""Name of the event by which the server tells that a device came or went."""

WRONG_DEVICE = "the Hello names another device than the one whose key was proven"
NAMELESS = "the Hello names no device, and its key is registered for none"


def on_hello(state: DeviceState, request: Request) -> list[Effect]:
    """A Hello: who are you, is that your key, and what do I still have to ask you?

    The acknowledgement follows the commit and comes before everything else; then the server's own
    Hello, which lets the device forget that its last update was applied.
    """
    try:
        told = decode_hello(request.message)
    except MessageFormatError:
        return [Count("malformed")]
    device_id = told.device_id.hex()
    if device_id and state.device_id and device_id != state.device_id:
        return [CloseSession(WRONG_DEVICE)]
    if not device_id and not state.device_id:
        return [CloseSession(NAMELESS)]
    state.device_id = state.device_id or device_id
    first = state.hello is None
    state.hello = without_id(told)
    state.subscriptions, state.subscription_ids = (), ()
    state.safe_mode, state.description, state.uploads = False, None, None
    state.fresh = True
    return [
        StoreHello(
            request,
            handshake=first,
            then=(
                Acknowledge(request),
                Tell(server_hello()),
                *come_online(state, handshake=first),
                *(() if state.stranger else (ReportHello(),)),
                *describe_rules.after_hello(state),
                *_seek_update(state),
            ),
        )
    ]


def _seek_update(state: DeviceState) -> list[Effect]:
    """Devices before 1.2 do not say whether they consent: their Hello is all that there is."""
    if state.hello is None or state.hello.has(HelloFlag.IMMEDIATE_UPDATES):
        return []
    state.fresh = False
    return [SeekUpdate("handshake")]


def come_online(state: DeviceState, *, handshake: bool) -> list[Effect]:
    """The device is there (again).

    A Hello of a device that seems online means that its offline was never seen; readers of the
    stream still get both. Whether anybody hears of it is decided when it is published: this very
    Hello may have muted the device, or ended its quarantine.
    """
    effects = _status(state, b"offline") if state.online else []
    state.online = True
    if state.stranger:
        return [*effects, SetOnline(handshake)]
    online = PublishEvent(STATUS_EVENT, b"online", source="system")
    return [*effects, SetOnline(handshake), online]


def go_offline(state: DeviceState) -> list[Effect]:
    """The device went, or nothing was heard of it for too long; nothing if it was away already."""
    if not state.online:
        return []
    state.online = False
    return [SetOffline(), *_status(state, b"offline")]


def on_goodbye(state: DeviceState, request: Request) -> list[Effect]:
    """Offline at once; the session is kept, as the device will go on with it."""
    return [Acknowledge(request), *go_offline(state)]


def _status(state: DeviceState, word: bytes) -> list[Effect]:
    return [] if state.muted else [PublishEvent(STATUS_EVENT, word, source="system")]
