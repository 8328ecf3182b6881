"""A device publishes an event, or subscribes to events. Pure.

A confirmable event is acknowledged after it was committed. What cannot be taken is answered with
an error inside the acknowledgement, which an application sees if it asked for one.
Source: device protocol notes §3.7, §3.8, §3.15, §3.16, §5.4.
"""

import msgspec

from roadstead.devices.claiming import CODE_CHARS
from roadstead.devices.updates import Occasion
from roadstead.events.limits import MAX_PAYLOAD_BYTES, validate_name
from roadstead.gateway.call_rules import tell_event
from roadstead.gateway.device_events import Meaning, asked_fact, meaning_of
from roadstead.gateway.effects import (
    Acknowledge,
    AnswerDevice,
    ClaimByCode,
    Count,
    Effect,
    PublishEvent,
    Respond,
    SeekUpdate,
    SetSafeMode,
    StoreFacts,
    StoreSubscriptions,
    StoreUpdateFlags,
)
from roadstead.gateway.state import DeviceState, without_id
from roadstead.kit.errors import Invalid
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.events import Request
from roadstead.protocol.coap.message import Draft
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.event import DeviceEvent, decode_event
from roadstead.protocol.messages.hello import HelloFlag
from roadstead.protocol.messages.subscription import FIRST_PREFIX, decode_subscription

SUBSCRIPTIONS_MAX = 32
"""Filters kept of one device; Device OS registers six at most."""

OLD_FIRST_PREFIX = "spark"
"""Begins the list of devices that do not know the names of ``particle`` yet (before 1.2)."""

BURST_IDS = 256
"""A device sends its list as one burst: ids that follow the first one within this distance
belong to it even if the network brought them earlier."""

CLAIMED_EVENT = "spark/device/claim/success"
"""Tells the device that its claim code did what it is for. Source: particle cloud notes §3.4.2."""

BOOLEANS = {b"true": True, b"false": False}
"""The only two values of the update flags."""


def on_event(state: DeviceState, request: Request) -> list[Effect]:
    """An event of the device."""
    message = request.message
    if state.muted:
        return [Respond(request, Draft(codes.FORBIDDEN)), Count("events_quarantined")]
    if len(message.payload) > MAX_PAYLOAD_BYTES:
        too_large = Draft(codes.REQUEST_ENTITY_TOO_LARGE)
        return [Respond(request, too_large), Count("events_refused")]
    try:
        event = decode_event(message)
        validate_name(event.name)
    except (MessageFormatError, Invalid):
        return [Respond(request, Draft(codes.BAD_REQUEST)), Count("events_refused")]
    meaning = meaning_of(event.name)
    if meaning is Meaning.ORDINARY:
        return [_publish(event, request)]
    return _on_system_event(state, request, event, meaning)


def on_subscribe(state: DeviceState, request: Request) -> list[Effect]:
    """One filter of the device's list."""
    try:
        wanted = decode_subscription(request.message)
    except MessageFormatError:
        return [Respond(request, Draft(codes.BAD_REQUEST)), Count("malformed")]
    message_id = request.message.message_id
    if wanted.prefix == FIRST_PREFIX or (
        wanted.prefix == OLD_FIRST_PREFIX
        and state.subscriptions
        and state.subscriptions[0].prefix == OLD_FIRST_PREFIX
    ):
        _begin_list(state, message_id)
    if len(state.subscriptions) >= SUBSCRIPTIONS_MAX:
        return [Respond(request, Draft(codes.BAD_REQUEST)), Count("ignored_requests")]
    if wanted.prefix == FIRST_PREFIX:
        state.subscriptions = (wanted, *state.subscriptions)
        state.subscription_ids = (message_id, *state.subscription_ids)
    elif wanted not in state.subscriptions:
        state.subscriptions += (wanted,)
        state.subscription_ids += (message_id,)
    if state.stranger:
        return [Acknowledge(request)]
    return [StoreSubscriptions(request, then=(Acknowledge(request),))]


def tell_consent(state: DeviceState, *, forced: bool, pending: bool | None) -> list[Effect]:
    """What the device forgot with its last reset: whether updates are forced, or pending.

    Nothing is said of the latter when it is None: an update that begins speaks for itself.

    Never without data: some releases hand a null pointer to their handler.
    """
    if state.hello is None or not state.hello.has(HelloFlag.IMMEDIATE_UPDATES):
        return []
    told: list[Effect] = [
        tell_event("particle/device/updates/forced", b"true" if forced else b"false")
    ]
    if pending is not None:
        word = b"true" if pending else b"false"
        told.append(tell_event("particle/device/updates/pending", word))
    return told


def _publish(event: DeviceEvent, request: Request | None) -> PublishEvent:
    return PublishEvent(
        event.name, event.payload, event.content_format, event.ttl_s, "device", request
    )


def _on_system_event(
    state: DeviceState, request: Request, event: DeviceEvent, meaning: Meaning
) -> list[Effect]:
    match meaning:
        case Meaning.REFUSED:
            return [Respond(request, Draft(codes.FORBIDDEN)), Count("events_refused")]
        case Meaning.ASKS_FACT:
            return [Acknowledge(request), AnswerDevice(event.name, asked_fact(event.name))]
        case Meaning.SAFE_MODE:
            state.safe_mode = True
            return [_publish(event, request), SetSafeMode(state.description)]
        case Meaning.HARDWARE_FACT:
            return _on_hardware_fact(state, request, event)
        case Meaning.CLAIM_CODE:
            return _on_claim_code(state, request, event)
        case Meaning.UPDATES_ENABLED | Meaning.UPDATES_FORCED:
            return _on_consent(state, request, event, meaning)
        case _:
            return [Acknowledge(request)]


def _on_claim_code(state: DeviceState, request: Request, event: DeviceEvent) -> list[Effect]:
    code = (event.payload or b"").decode("ascii", "replace")
    if len(code) != CODE_CHARS or state.stranger:
        return [Acknowledge(request), Count("claim_codes_refused")]
    # The device forgets its code with this event, and says it at every handshake until then.
    return [ClaimByCode(request, code, success=(tell_event(CLAIMED_EVENT, b"ok"),))]


def _on_consent(
    state: DeviceState, request: Request, event: DeviceEvent, meaning: Meaning
) -> list[Effect]:
    value = BOOLEANS.get(event.payload or b"")
    if value is None:
        return [_publish(event, request)]
    if meaning is Meaning.UPDATES_FORCED:
        known, state.updates_forced = state.updates_forced, value
        seek: tuple[Effect, ...] = (SeekUpdate("agreed"),) if value and not known else ()
        if known == value:
            return [_publish(event, request)]
        return [StoreUpdateFlags(request, forced=value, then=(_publish(event, request), *seek))]
    # Comes with every connect, resumed ones included, and so tells when to say what is volatile.
    known, state.updates_enabled = state.updates_enabled, value
    seek = (SeekUpdate(_occasion(state, agreed=value and known is False)),)
    state.fresh = False
    if known == value:
        return [_publish(event, request), *seek]
    return [StoreUpdateFlags(request, enabled=value, then=(_publish(event, request), *seek))]


def _occasion(state: DeviceState, *, agreed: bool) -> Occasion:
    if state.fresh:
        return "handshake"
    return "agreed" if agreed else "resumed"


def _on_hardware_fact(state: DeviceState, request: Request, event: DeviceEvent) -> list[Effect]:
    text = (event.payload or b"").decode("ascii", "replace")
    if state.hello is None or not text.isdecimal() or len(text) > len(str(0xFFFFFFFF)):
        return [Acknowledge(request)]
    if event.name.endswith("max_binary"):
        told = msgspec.structs.replace(state.hello, max_binary_bytes=int(text))
    else:
        told = msgspec.structs.replace(state.hello, ota_chunk_bytes=int(text))
    if told == state.hello:
        return [Acknowledge(request)]
    state.hello = without_id(told)
    return [StoreFacts(request, then=(Acknowledge(request),))]


def _begin_list(state: DeviceState, message_id: int) -> None:
    """Forgets the older list and keeps filters of the new one that overtook its beginning."""
    kept = [
        (one, its_id)
        for one, its_id in zip(state.subscriptions, state.subscription_ids, strict=False)
        if 0 < (its_id - message_id) % 0x10000 < BURST_IDS
    ]
    state.subscriptions = tuple(one for one, _ in kept)
    state.subscription_ids = tuple(its_id for _, its_id in kept)
