"""Events to devices: the form, the limits, the queue."""

import cbor2
import pytest
from tests.builders.talk import DEVICE, OLD_HELLO, OWNER, make_hello, make_identity

from roadstead.events.model import Event
from roadstead.gateway.connection import EVENTS_IN_FLIGHT, EVENTS_WAITING, Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.delivery import EventDelivery, drafts_for, forms_for
from roadstead.gateway.effects import Ask
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap.message import CON, Message
from roadstead.protocol.messages.event import decode_event
from roadstead.protocol.messages.subscription import DeviceSubscription

STRUCTURED = cbor2.dumps({"t": 1})


def make_event(name: str = "alarm/door", **changes: object) -> Event:
    facts: dict[str, object] = {
        "id": 1,
        "name": name,
        "payload": b"open",
        "published_at_ms": 0,
        "owner_id": OWNER,
        "device_id": "b" * 24,
    }
    return Event(**(facts | changes))


def wants(*kinds: str) -> list[DeviceSubscription]:
    return [DeviceSubscription("alarm", kind) for kind in kinds]


@pytest.mark.parametrize(
    ("payload", "content_format", "kinds", "expected"),
    [
        (b"x", None, ("text",), [(b"x", None)]),
        (b"x", 0, ("text",), [(b"x", None)]),
        (b'{"t":1}', 50, ("text",), [(b'{"t":1}', None)]),
        (b"\x01", 42, ("text",), []),
        (b"\x01", 42, ("binary",), [(b"\x01", 42)]),
        (b"\xff\xd8", 22, ("text", "binary"), [(b"\xff\xd8", 22)]),
        (STRUCTURED, 65001, ("cbor",), [(STRUCTURED, 60)]),
        (STRUCTURED, 60, ("cbor",), [(STRUCTURED, 60)]),
        (STRUCTURED, 65001, ("text",), [(b'{"t":1}', None)]),
        (STRUCTURED, 65001, ("text", "cbor"), [(b'{"t":1}', None), (STRUCTURED, 60)]),
        (STRUCTURED, 65001, ("binary",), [(STRUCTURED, 65001)]),
        (b'{"t":1}', None, ("cbor",), [(STRUCTURED, 60)]),
        (b"no json", None, ("cbor",), []),
        (None, None, ("text",), [(None, None)]),
    ],
)
def test_a_current_device_gets_each_event_in_the_form_its_handlers_take(
    payload, content_format, kinds, expected
) -> None:
    event = make_event(payload=payload, content_format=content_format)
    assert forms_for(event, wants(*kinds), reads_formats=True) == expected


@pytest.mark.parametrize(
    ("payload", "content_format", "expected"),
    [
        (b"x", None, [(b"x", None)]),
        (STRUCTURED, 65001, [(b'{"t":1}', None)]),
        (b"\x01", 42, [(b"\x01", None)]),
    ],
)
def test_a_device_before_6_2_never_gets_a_format(payload, content_format, expected) -> None:
    event = make_event(payload=payload, content_format=content_format)
    assert forms_for(event, wants("text"), reads_formats=False) == expected


def make_state(hello=None) -> DeviceState:
    state = DeviceState(DEVICE, make_identity())
    state.hello = hello or make_hello()
    state.online = True
    state.subscriptions = wants("text")
    return state


def decode(draft) -> object:
    return decode_event(Message(CON, draft.code, 1, b"", draft.options, draft.payload))


def test_names_are_cut_and_data_beyond_the_device_are_left_out() -> None:
    [draft] = drafts_for(make_event("n" * 70), make_state(), wants("text"))
    assert decode(draft).name == "n" * 64
    long = make_event(payload=b"x" * 700)
    assert drafts_for(long, make_state(OLD_HELLO), wants("text")) == []
    assert len(drafts_for(long, make_state(), wants("text"))) == 1


def test_broken_structured_data_are_left_out() -> None:
    event = make_event(payload=b"\xff", content_format=65001)
    assert drafts_for(event, make_state(), wants("text")) == []


class FakeSession:
    """Stands for a session of the protocol, which delivery never touches."""


def make_delivery() -> tuple[EventDelivery, Connection, list[Ask], Counters]:
    connections, asked, counters = Connections(), [], Counters()
    connection = Connection(FakeSession(), b"\x00" * 8, make_state(), 0.0)
    connections.add(connection)
    delivery = EventDelivery(
        connections, counters, lambda _, ask: asked.append(ask), lambda connection: None
    )
    return delivery, connection, asked, counters


def test_events_go_out_in_order_with_a_bounded_number_in_flight() -> None:
    delivery, connection, asked, counters = make_delivery()
    total = EVENTS_IN_FLIGHT + EVENTS_WAITING + 5
    for number in range(total):
        delivery.on_event(make_event(payload=str(number).encode()))
    assert len(asked) == EVENTS_IN_FLIGHT
    assert counters.delivery_dropped == 5
    for _ in range(total):
        delivery.on_settled(connection)
    assert [ask.draft.payload for ask in asked] == [
        str(number).encode() for number in range(total - 5)
    ]


def test_what_waits_for_a_device_that_went_is_dropped_and_counted() -> None:
    delivery, connection, asked, counters = make_delivery()
    for _ in range(EVENTS_IN_FLIGHT + 3):
        delivery.on_event(make_event())
    delivery.forget(connection)
    assert counters.delivery_dropped == 3
    connection.state.online = False
    delivery.on_event(make_event())
    assert len(asked) == EVENTS_IN_FLIGHT


def test_events_of_nobody_and_of_others_reach_no_device() -> None:
    delivery, _, asked, _ = make_delivery()
    delivery.on_event(make_event(owner_id=None))
    delivery.on_event(make_event(owner_id="c" * 24))
    delivery.on_event(make_event("spark/status"))
    delivery.on_event("no event at all")
    assert asked == []
