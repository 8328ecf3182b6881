import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap.codes import POST
from roadstead.protocol.coap.message import (
    CON,
    Message,
    decode_message,
    encode_message,
)
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.event import (
    DeviceEvent,
    decode_event,
    encode_event,
    event_to_device,
)
from roadstead.protocol.messages.subscription import (
    DeviceSubscription,
    SubscriptionKind,
    decode_subscription,
    encode_subscription,
)


def message(encoded: str) -> Message:
    return decode_message(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    ("encoded", "event"),
    [
        ("4002001cb1450474656d70ff32312e35", DeviceEvent("temp", b"21.5")),
        (
            "4002001db145056d792f657612fde9220e10ffa1617401",
            DeviceEvent("my/ev", bytes.fromhex("a1617401"), 65001, 3600),
        ),
        ("5002001eb1450470696e67", DeviceEvent("ping")),
        ("5002001eb1450470696e67ff", DeviceEvent("ping")),
        (
            "40022001b1650d00686f6f6b2d726573706f6e736501780130ff68656c6c6f",
            DeviceEvent("hook-response/x/0", b"hello", public=True),
        ),
        (
            "40020f6bb145047664657603636d6402676fff7b2261223a317d",
            DeviceEvent("vdev/cmd/go", b'{"a":1}'),
        ),
        ("40020001b1450161" + "3300003c" + "ff31", DeviceEvent("a", b"1")),
        ("40020001b1450161" + "3400000e10" + "ff31", DeviceEvent("a", b"1", ttl_s=3600)),
    ],
)
def test_events_of_all_generations_are_read(encoded: str, event: DeviceEvent) -> None:
    assert decode_event(message(encoded)) == event


@pytest.mark.parametrize(
    "encoded",
    [
        "40020001b145",  # no name
        "40020001b14500",  # empty name
        "40020001b14501ff",  # not UTF-8
        "40020001b1450161" + "3500000000ff",  # Max-Age of five bytes
    ],
)
def test_events_that_are_none_are_refused(encoded: str) -> None:
    with pytest.raises(MessageFormatError):
        decode_event(message(encoded))


def test_the_format_of_an_event_has_two_bytes_at_most() -> None:
    largest = Message(CON, POST, 7, b"", encode_event(DeviceEvent("n", b"1", 0xFFFF)).options)
    assert decode_event(largest).content_format == 0xFFFF
    beyond = Message(CON, POST, 7, b"", encode_event(DeviceEvent("n", b"1", 0x10000)).options)
    with pytest.raises(MessageFormatError):
        decode_event(beyond)


def test_a_6_2_device_writes_only_what_differs_from_the_usual() -> None:
    assert encode_event(DeviceEvent("t", b"1")).options == ((11, b"E"), (11, b"t"))
    full = encode_event(DeviceEvent("t", b"1", 65001, 70_000))
    assert full.options[2:] == ((12, b"\xfd\xe9"), (14, b"\x00\x01\x11\x70"))


def test_an_older_device_writes_its_time_to_live_in_three_bytes_always() -> None:
    draft = encode_event(DeviceEvent("t", b"1"), always_max_age=True)
    assert encode_message(Message(CON, draft.code, 1, b"", draft.options, draft.payload)).hex() == (
        "40020001b145017433" + "00003c" + "ff31"
    )


events = st.builds(
    DeviceEvent,
    name=st.text(min_size=1, max_size=20),
    payload=st.none() | st.binary(min_size=1, max_size=100),
    content_format=st.none() | st.integers(1, 0xFFFF),
    ttl_s=st.integers(0, 0xFFFFFF),
    public=st.booleans(),
)


@given(events, st.booleans())
def test_an_event_survives_encoding(event: DeviceEvent, always_max_age: bool) -> None:
    draft = encode_event(event, always_max_age=always_max_age)
    sent = encode_message(Message(CON, draft.code, 1, b"", draft.options, draft.payload))
    assert decode_event(decode_message(sent)) == event


def test_an_event_for_an_old_device_has_nothing_between_name_and_data() -> None:
    draft = event_to_device("cmd/go", b"x", 0)
    assert draft == (2, ((11, b"E"), (11, b"cmd/go")), b"x")


def test_an_event_for_a_new_device_has_its_format() -> None:
    assert event_to_device("a", b"\xa0", 60).options[2] == (12, b"\x3c")


def test_a_long_name_is_cut_at_64_bytes_between_characters() -> None:
    assert event_to_device("n" * 70, b"").options[1] == (11, b"n" * 64)
    assert event_to_device("é" * 40 + "x", b"").options[1] == (11, "é".encode() * 32)
    assert event_to_device("x" + "é" * 40, b"").options[1] == (11, ("x" + "é" * 31).encode())


DEVICE_ID = "e00fce6800000000000000a1"


@pytest.mark.parametrize(
    ("encoded", "subscription"),
    [
        ("40010007b165087061727469636c65", DeviceSubscription("particle")),
        ("40010008b165046366672f4163", DeviceSubscription("cfg/", "cbor")),
        ("40010008b165046366672f4162", DeviceSubscription("cfg/", "binary")),
        ("40010008b165046366672f4175", DeviceSubscription("cfg/", mine=True)),
        ("40010008b165", DeviceSubscription("")),
        (
            "40010008b1650161ff" + DEVICE_ID.upper().encode().hex(),
            DeviceSubscription("a", device_id=DEVICE_ID),
        ),
    ],
)
def test_subscriptions_of_all_generations_are_read(
    encoded: str, subscription: DeviceSubscription
) -> None:
    assert decode_subscription(message(encoded)) == subscription


@pytest.mark.parametrize("encoded", ["40010008b16501ff", "40010008b1650161ff6162"])
def test_subscriptions_that_are_none_are_refused(encoded: str) -> None:
    with pytest.raises(MessageFormatError):
        decode_subscription(message(encoded))


@pytest.mark.parametrize("kind", ["text", "cbor", "binary"])
@pytest.mark.parametrize("mine", [False, True])
def test_a_subscription_survives_encoding(kind: SubscriptionKind, mine: bool) -> None:
    subscription = DeviceSubscription("a/b", kind, mine, DEVICE_ID)
    draft = encode_subscription(subscription)
    assert decode_subscription(Message(CON, draft.code, 1, b"", draft.options, draft.payload)) == (
        subscription
    )
