"""Whatever an authenticated device sends, the rules answer and never raise."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.talk import DEVICE, make_identity, words

from roadstead.gateway import conversation
from roadstead.gateway.counters import Counters
from roadstead.gateway.effects import Count, Effect, Purpose
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap.events import Request
from roadstead.protocol.coap.message import Message

PATHS = st.sampled_from([b"h", b"x", b"d", b"t", b"E", b"e", b"L", b"A", b"c", b"u", b"z", b""])
VALUES = st.one_of(st.binary(max_size=8), st.sampled_from([b"particle", b"spark/status", b"\x02"]))
OPTIONS = st.tuples(
    PATHS, st.lists(st.tuples(st.sampled_from([4, 11, 12, 14, 15, 23, 27]), VALUES), max_size=4)
).map(lambda parts: tuple(sorted([(11, parts[0]), *parts[1]], key=lambda option: option[0])))
MESSAGES = st.builds(
    Message,
    type=st.sampled_from([0, 1]),
    code=st.sampled_from([1, 2, 3, 4]),
    message_id=st.integers(0, 0xFFFF),
    token=st.binary(max_size=2),
    options=OPTIONS,
    payload=st.one_of(st.binary(max_size=40), st.sampled_from([b"{", b'{"f":[],"v":{}}', b"true"])),
)
COUNTERS = Counters()
HELLO = Message(0, 2, 1, b"", ((11, b"h"),), bytes(9) + b"\x0c" + bytes.fromhex(DEVICE))


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES, max_size=12), st.booleans(), st.booleans())
def test_any_sequence_of_messages_is_answered(messages, registered, begins) -> None:
    state = DeviceState(DEVICE, make_identity()) if registered else DeviceState("", None)
    for message in [HELLO] * begins + messages:
        effects = conversation.on_request(state, Request(message), 1_700_000_000)
        assert all(isinstance(effect, Effect) for effect in effects)
        assert all(hasattr(COUNTERS, one.counter) for one in effects if isinstance(one, Count))
        words(effects)
    assert len(state.subscriptions) <= 33


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["function", "variable", "signal", "ping", "vitals", "describe", "event"]),
    st.sampled_from([0x41, 0x44, 0x45, 0x5F, 0x80, 0x84, 0xA0]),
    OPTIONS,
    st.binary(max_size=40),
)
def test_any_answer_is_understood_or_refused(kind, code, options, payload) -> None:
    state = DeviceState(DEVICE, make_identity())
    flag = {"vitals": 4}.get(kind, 0)
    purpose = Purpose(kind, object(), "x", value_type="int32", flag=flag)
    message = Message(0, code, 1, b"t", options, payload)
    words(conversation.on_response(state, purpose, message))
