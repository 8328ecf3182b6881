"""The words that a conversation answers with: what shall be done, said without doing it.

A conversation gives a list of these for each input; the loop carries them out in order. An effect
that stores something lists in ``then`` what may follow only after its commit, above all the
acknowledgement: nothing that a device was told is kept may get lost.
"""

from typing import Literal

import msgspec

from roadstead.devices.updates import Occasion
from roadstead.kit.errors import DomainError
from roadstead.protocol.coap.blockwise import BlockReceiver
from roadstead.protocol.coap.events import FailureReason, Request
from roadstead.protocol.coap.message import Draft, Message

Value = bool | int | float | str | None
"""What a call gives: a variable's value, a function's return value, None where nothing comes."""


class Purpose(msgspec.Struct, eq=False):
    """Why a request was sent to the device, so that its answer finds its way.

    Attributes:
        kind: what was asked.
        call: who waits for it, opaque here; None when nobody does.
        name: name of the function, variable or event.
        value_type: type of the variable, as ``int32``.
        flag: which describe was asked for; 0 is both.
        body: blocks of a describe received so far.
        queued: an event that counts against the device's limit of events in flight.
        exchange: number of the message within its transfer, for an update.
        asked_at: monotonic seconds when it was sent.
    """

    kind: Literal["function", "variable", "signal", "ping", "vitals", "describe", "event", "update"]
    call: object = None
    name: str = ""
    value_type: str = ""
    flag: int = 0
    body: BlockReceiver | None = None
    queued: bool = False
    exchange: int = 0
    asked_at: float = 0.0


class Effect(msgspec.Struct, frozen=True):
    """One thing to do."""


class Acknowledge(Effect, frozen=True):
    """Send the empty acknowledgement of a confirmable request."""

    request: Request


class Respond(Effect, frozen=True):
    """Answer a request inside its acknowledgement."""

    request: Request
    draft: Draft


class Ask(Effect, frozen=True):
    """Send a confirmable request; its answer comes back with ``purpose``.

    Attributes:
        token: whether a response is expected beside the acknowledgement.
    """

    purpose: Purpose
    draft: Draft
    token: bool = True


class Tell(Effect, frozen=True):
    """Send a message that is not confirmed and has no answer."""

    draft: Draft


class AnswerDevice(Effect, frozen=True):
    """Send the device, and it alone, an event with a fact that it asked for by an event.

    Attributes:
        event: name of the event, the same both ways.
        fact: what it asked for: its name, its address, random bytes.
    """

    event: str
    fact: Literal["name", "ip", "random"]


class PublishEvent(Effect, frozen=True):
    """Take an event into the journal; acknowledge ``receipt`` once it is committed.

    Attributes:
        source: ``system`` for what the server says about the device.
        receipt: the request that brought it; None when nobody waits.
    """

    name: str
    payload: bytes | None = None
    content_format: int | None = None
    ttl_s: int = 60
    source: Literal["device", "system"] = "device"
    receipt: Request | None = None


class StoreHello(Effect, frozen=True):
    """Keep what the Hello said, with the session and with the device."""

    receipt: Request
    handshake: bool = True
    then: tuple[Effect, ...] = ()


class StoreFacts(Effect, frozen=True):
    """Keep facts of the Hello that an old device tells later, by events."""

    receipt: Request
    then: tuple[Effect, ...] = ()


class StoreApplication(Effect, frozen=True):
    """Keep the functions and variables that the device registers."""

    receipt: Request | None
    functions: tuple[str, ...]
    variables: dict[str, str]
    then: tuple[Effect, ...] = ()


class StoreSystem(Effect, frozen=True):
    """Keep the modules that the device runs (JSON form)."""

    receipt: Request | None
    description: dict[str, object]
    then: tuple[Effect, ...] = ()


class StoreSubscriptions(Effect, frozen=True):
    """Keep the list of subscriptions as it is now, with the session."""

    receipt: Request
    then: tuple[Effect, ...] = ()


class StoreUpdateFlags(Effect, frozen=True):
    """Keep whether the device consents to updates, and whether it is forced to."""

    receipt: Request | None
    enabled: bool | None = None
    forced: bool | None = None
    then: tuple[Effect, ...] = ()


class ClaimByCode(Effect, frozen=True):
    """Make the device its code's person's; tell it only when that is so, after the commit."""

    receipt: Request
    code: str
    success: tuple[Effect, ...] = ()


class StoreVitals(Effect, frozen=True):
    """Keep the vitals, publish them, then let ``call`` return."""

    readings: object
    receipt: Request | None = None
    call: object = None


class SetOnline(Effect, frozen=True):
    """The device is connected now.

    Attributes:
        handshake: it came by a full handshake and not by a kept session.
    """

    handshake: bool


class SetOffline(Effect, frozen=True):
    """The device is not connected any more; its session is kept."""


class SetSafeMode(Effect, frozen=True):
    """The device runs without its application.

    Attributes:
        description: the modules that it reported on this connection, None to look them up.
    """

    description: dict[str, object] | None


class FeedUpdate(Effect, frozen=True):
    """Give the device's running transfer a report of the device."""

    message: Message


class AnswerUpdate(Effect, frozen=True):
    """Give the running transfer the device's answer to a message of it."""

    exchange: int
    message: Message


class FailUpdate(Effect, frozen=True):
    """Tell the running transfer that a message of it got no answer."""

    exchange: int
    reason: FailureReason


class ReportHello(Effect, frozen=True):
    """Tell whoever follows the device's updates what it runs now."""


class SeekUpdate(Effect, frozen=True):
    """Ask whoever decides about updates, now that the device can take one.

    Where nobody decides for a device that has just come, it is told what it forgot with its last
    reset: nothing forced, nothing pending.
    """

    occasion: Occasion


class Succeed(Effect, frozen=True):
    """Give a call its result."""

    call: object
    value: Value = None


class Fail(Effect, frozen=True):
    """Give a call its error."""

    call: object
    error: DomainError


class CloseSession(Effect, frozen=True):
    """End the session at once; the device must handshake anew.

    Attributes:
        reason: a short phrase for the log.
    """

    reason: str


class Count(Effect, frozen=True):
    """Add one to the counter of this name."""

    counter: str
