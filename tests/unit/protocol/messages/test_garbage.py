"""No decoder raises anything but MessageFormatError, whatever a peer sends."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roadstead.protocol.coap.message import Message
from roadstead.protocol.messages import (
    application,
    describe,
    event,
    function,
    goodbye,
    hello,
    key_change,
    ledger,
    module_protobuf,
    modules,
    signal,
    structured,
    subscription,
    time,
    variable,
    vitals,
)
from roadstead.protocol.messages.device_request import kind_of_device_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.server_request import kind_of_server_request
from roadstead.protocol.messages.variable import VariableType

MESSAGE_DECODERS: list[Callable[[Message], object]] = [
    describe.decode_describe,
    describe.decode_describe_answer,
    describe.decode_describe_request,
    event.decode_event,
    function.decode_function_call,
    function.decode_function_result,
    goodbye.decode_goodbye,
    hello.decode_hello,
    key_change.is_key_change,
    kind_of_device_request,
    kind_of_server_request,
    signal.decode_signal_request,
    subscription.decode_subscription,
    time.decode_time_response,
    variable.decode_variable_request,
    *(
        lambda message, kind=kind: variable.decode_variable_response(message, kind)
        for kind in VariableType
    ),
]

PAYLOAD_DECODERS: list[Callable[[bytes], object]] = [
    application.parse_application,
    ledger.decode_ledger_request,
    ledger.decode_ledger_response,
    lambda payload: modules.parse_modules(payload, 42),
    lambda payload: modules.parse_modules(payload, None),
    module_protobuf.decode_modules,
    structured.decode_structured,
    structured.json_to_structured,
    vitals.decode_vitals,
]

numbers = st.sampled_from((4, 11, 12, 14, 15, 23, 27, 258))
options = st.lists(st.tuples(numbers, st.binary(max_size=6)), max_size=5)
messages = st.builds(
    Message,
    type=st.integers(0, 2),
    code=st.sampled_from((1, 2, 3, 0x44, 0x45, 0x84)),
    message_id=st.just(1),
    token=st.binary(max_size=2),
    options=options.map(lambda pairs: tuple(sorted(pairs))),
    payload=st.binary(max_size=40),
)


@pytest.mark.parametrize("decode", MESSAGE_DECODERS)
@given(message=messages)
@example(message=Message(0, 2, 1))
def test_messages(decode: Callable[[Message], object], message: Message) -> None:
    try:
        decode(message)
    except MessageFormatError:
        return


@pytest.mark.parametrize("decode", PAYLOAD_DECODERS)
@given(payload=st.binary(max_size=80))
@example(payload=b"")
def test_payloads(decode: Callable[[bytes], object], payload: bytes) -> None:
    try:
        decode(payload)
    except MessageFormatError:
        return
