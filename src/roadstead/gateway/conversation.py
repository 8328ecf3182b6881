"""What does this device get answered? The rules of one device's conversation.

No input or output, no clock and no dice: each input changes the ``DeviceState`` and gives a list
of effects, in the order in which they are to be carried out. The loop (``runner``) feeds it and
does what it says.

Rules that are easy to miss, each from Device OS's own behaviour:

* Nothing but the Hello is answered before the Hello; its acknowledgement leaves before anything
  else, because the device drops all other messages until then.
* Everything that the device will not repeat on a kept session (Hello, describes, subscriptions) is
  acknowledged after it was stored; a confirmable event too.
* 2.05 answers nothing but the time: the device would set its clock by it.
* No reset is ever sent: the device would throw its session away.
* The newest Hello wins, and a Hello of a device that seemed online means that its offline was
  never seen: it is published right before the online.
* A device that was away and is heard again on a kept session is online again, without a handshake.
"""

from roadstead.gateway import call_rules, describe_rules, event_rules, hello_rules
from roadstead.gateway.effects import (
    Acknowledge,
    AnswerUpdate,
    Count,
    Effect,
    FailUpdate,
    FeedUpdate,
    Purpose,
    Respond,
    SeekUpdate,
    Succeed,
)
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.events import FailureReason, Request
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages import ledger
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.time import time_response


def on_request(state: DeviceState, request: Request, unix_s: int) -> list[Effect]:
    """A new request of the device.

    Args:
        state: changed by the rules.
        request: what it sent; repeats never come here.
        unix_s: the time, for devices that ask for it.
    """
    kind = kind_of_device_request(request.message)
    if kind is DeviceRequest.HELLO:
        return hello_rules.on_hello(state, request)
    if state.hello is None:
        return [Count("ignored_requests")]
    if kind is DeviceRequest.GOODBYE:
        return hello_rules.on_goodbye(state, request)
    if state.online:
        return _answer(state, kind, request, unix_s)
    return [*on_return(state), *_answer(state, kind, request, unix_s)]


def on_ping(state: DeviceState) -> list[Effect]:
    """A keep-alive, acknowledged already; also the first word of a device that resumed."""
    if state.online or state.hello is None:
        return []
    return on_return(state)


def on_return(state: DeviceState) -> list[Effect]:
    """The device is heard again on a kept session."""
    heard = () if state.stranger else (SeekUpdate("heard"),)
    return [*hello_rules.come_online(state, handshake=False), *heard]


def on_response(state: DeviceState, purpose: Purpose, message: Message) -> list[Effect]:
    """The answer to something that was asked."""
    match purpose.kind:
        case "describe" | "vitals":
            return describe_rules.on_answer(state, purpose, message)
        case "ping" | "event":
            return []
        case "update":
            return [AnswerUpdate(purpose.exchange, message)]
        case _:
            return call_rules.on_answer(purpose, message)


def on_acknowledged(purpose: Purpose) -> list[Effect]:
    """The device has the request; for a ping that is all."""
    return [Succeed(purpose.call, True)] if purpose.kind == "ping" else []


def on_failed(
    state: DeviceState, purpose: Purpose, reason: FailureReason, *, heard_since: bool
) -> list[Effect]:
    """A request has failed.

    A device that acknowledged none of four transmissions, and of which nothing else was heard
    since the first, is not there: nobody should wait 46 minutes to be told so.

    Args:
        state: changed by the rules.
        purpose: of the request.
        reason: ``timeout``, ``reset`` or ``busy``.
        heard_since: whether anything was heard of the device since the request was sent first.
    """
    effects = [Count("asks_failed"), *call_rules.on_failure(state, purpose, reason)]
    if purpose.kind == "update":
        effects.append(FailUpdate(purpose.exchange, reason))
    if reason == "timeout" and not heard_since:
        effects += hello_rules.go_offline(state)
    return effects


def on_silence(state: DeviceState) -> list[Effect]:
    """Nothing was heard for the timeout of its platform."""
    return hello_rules.go_offline(state)


def _answer(state: DeviceState, kind: DeviceRequest, request: Request, unix_s: int) -> list[Effect]:
    match kind:
        case DeviceRequest.EVENT:
            return event_rules.on_event(state, request)
        case DeviceRequest.SUBSCRIBE:
            return event_rules.on_subscribe(state, request)
        case DeviceRequest.DESCRIBE:
            return describe_rules.on_describe(state, request)
        case DeviceRequest.TIME:
            return [Respond(request, time_response(unix_s))]
        case DeviceRequest.LEDGER:
            return _on_ledger(request)
        case DeviceRequest.CHUNK_MISSED | DeviceRequest.UPDATE_ACK:
            return [Acknowledge(request), FeedUpdate(request.message)]
        case DeviceRequest.UPDATE_DONE:
            return [Acknowledge(request), Count("ignored_requests")]
        case _:
            return [Respond(request, Draft(codes.NOT_FOUND)), Count("ignored_requests")]


def _on_ledger(request: Request) -> list[Effect]:
    """Ledgers are not offered: information about them is an empty list, all else is not found."""
    try:
        asked = ledger.decode_ledger_request(request.message.payload)
    except MessageFormatError:
        return [Respond(request, Draft(codes.BAD_REQUEST)), Count("malformed")]
    if asked.operation is ledger.LedgerOperation.GET_INFO:
        return [Respond(request, Draft(codes.CHANGED, (), ledger.encode_empty_info()))]
    if asked.operation is ledger.LedgerOperation.SUBSCRIBE and not asked.ledgers:
        return [Respond(request, Draft(codes.CHANGED, (), ledger.encode_subscribed(())))]
    refusal = ledger.encode_failure(ledger.LedgerResult.LEDGER_NOT_FOUND)
    return [Respond(request, Draft(codes.NOT_FOUND, (), refusal))]
