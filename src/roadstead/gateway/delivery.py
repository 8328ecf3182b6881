"""Events on their way to subscribed devices: in which form, and how many at once.

Events are sent confirmable: a device acknowledges each within one pass of its loop even if nobody
subscribes, and a lost one is repeated. At most ``EVENTS_IN_FLIGHT`` are open per device; others
wait in a short queue, beyond which they are dropped and counted.
Source: device protocol notes §3.9.
"""

from collections import deque
from collections.abc import Callable, Sequence

from roadstead.events.model import Event
from roadstead.gateway.connection import EVENTS_IN_FLIGHT, EVENTS_WAITING, Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.effects import Ask, Purpose
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap.message import Draft
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.event import (
    FORMAT_CBOR,
    FORMAT_STRUCTURED,
    TEXT_FORMATS,
    event_to_device,
)
from roadstead.protocol.messages.limits import limits_for
from roadstead.protocol.messages.structured import json_to_structured, structured_to_json
from roadstead.protocol.messages.subscription import DeviceSubscription

MESSAGE_FRAME_BYTES = 16
"""Header, options' headers, path letter, format and payload marker of an event, at most."""

STRUCTURED_FORMATS = frozenset((FORMAT_CBOR, FORMAT_STRUCTURED))

Form = tuple[bytes | None, int | None]
"""Payload and content format as one device gets it."""


def forms_for(
    event: Event, subscriptions: Sequence[DeviceSubscription], *, reads_formats: bool
) -> list[Form]:
    """The forms in which a device gets an event; none if none of its handlers would take it.

    A device gives a message to each handler whose prefix fits and that takes its format: handlers
    for text take text, those for structured data CBOR under the number 60 only, others anything.
    Releases before 6.2 know no formats and get text, or the bytes as they are.

    Args:
        event: what was published.
        subscriptions: the device's filters that match it.
        reads_formats: whether its release reads the format of an event.
    """
    structured = event.content_format in STRUCTURED_FORMATS
    if not reads_formats:
        return [(_as_text(event.payload), None)] if structured else [(event.payload, None)]
    kinds = {one.kind for one in subscriptions}
    if "binary" in kinds:
        return [(event.payload, event.content_format)]
    forms: list[Form] = []
    if "text" in kinds and structured:
        forms.append((_as_text(event.payload), None))
    elif "text" in kinds and event.content_format in TEXT_FORMATS:
        forms.append((event.payload, None))
    if "cbor" in kinds and (cbor := _as_cbor(event)) is not None:
        forms.append((cbor, FORMAT_CBOR))
    return forms


def drafts_for(
    event: Event, state: DeviceState, subscriptions: Sequence[DeviceSubscription]
) -> list[Draft]:
    """The messages by which a device gets an event; what is too long for it is left out."""
    if state.hello is None:
        return []
    limits = limits_for(state.hello)
    room = limits.confirmable - MESSAGE_FRAME_BYTES - len(event.name.encode())
    try:
        forms = forms_for(event, subscriptions, reads_formats=state.reads_formats)
    except MessageFormatError:
        return []
    return [
        event_to_device(event.name, payload, content_format)
        for payload, content_format in forms
        if len(payload or b"") <= min(limits.data, room)
    ]


class EventDelivery:
    """Sends committed events to the devices that subscribe to them.

    Args:
        ask: sends a confirmable request.
        flush: lets what was asked leave.
        is_quiet: whether devices of a product that nobody owns get no events.
    """

    def __init__(
        self,
        connections: Connections,
        counters: Counters,
        ask: Callable[[Connection, Ask], None],
        flush: Callable[[Connection], None],
        is_quiet: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._is_quiet = is_quiet
        self._connections = connections
        self._counters = counters
        self._ask = ask
        self._flush = flush

    def on_event(self, message: object) -> None:
        """A committed event, as it comes over the bus; the publisher gets its own, too."""
        if not isinstance(message, Event):
            return
        found = self._connections.subscriptions.find(
            message.owner_id, message.name, message.device_id, message.product_id
        )
        for connection, subscriptions in found:
            if connection.state.online and not self._hears_nothing(connection):
                self._deliver(connection, message, subscriptions)

    def _hears_nothing(self, connection: Connection) -> bool:
        """Nobody owns the device, and its product wants such devices to get no events."""
        identity = connection.state.identity
        if identity is None or identity.owner_id is not None or identity.product_id is None:
            return False
        return self._is_quiet(identity.product_id)

    def on_settled(self, connection: Connection) -> None:
        """An event was acknowledged or has failed: the next one may go."""
        connection.in_flight = max(0, connection.in_flight - 1)
        if connection.waiting and connection.in_flight < EVENTS_IN_FLIGHT:
            self._send(connection, connection.waiting.popleft())

    def forget(self, connection: Connection) -> None:
        """The device went: what waits for it is not kept."""
        self.discard_waiting(connection)
        connection.in_flight = 0

    def discard_waiting(self, connection: Connection) -> None:
        """Drops what waits; its device may have another owner now, who must not get it."""
        if connection.waiting:
            self._counters.delivery_dropped += len(connection.waiting)
        connection.waiting = None

    def _deliver(
        self, connection: Connection, event: Event, subscriptions: Sequence[DeviceSubscription]
    ) -> None:
        for draft in drafts_for(event, connection.state, subscriptions):
            ask = Ask(Purpose("event", name=event.name, queued=True), draft, token=False)
            if connection.in_flight < EVENTS_IN_FLIGHT:
                self._send(connection, ask)
                self._flush(connection)
            else:
                self._wait(connection, ask)

    def _wait(self, connection: Connection, ask: Ask) -> None:
        if connection.waiting is None:
            connection.waiting = deque()
        if len(connection.waiting) >= EVENTS_WAITING:
            self._counters.delivery_dropped += 1
        else:
            connection.waiting.append(ask)

    def _send(self, connection: Connection, ask: Ask) -> None:
        connection.in_flight += 1
        self._counters.events_delivered += 1
        self._ask(connection, ask)


def _as_text(payload: bytes | None) -> bytes:
    return structured_to_json(payload or b"")


def _as_cbor(event: Event) -> bytes | None:
    """CBOR for a handler of structured data: as published, or made of text that is JSON."""
    if event.content_format in STRUCTURED_FORMATS:
        return event.payload
    if event.content_format not in TEXT_FORMATS or not event.payload:
        return None
    try:
        return json_to_structured(event.payload)
    except MessageFormatError:
        return None
