"""Every CoAP message of the recorded sessions: read, written again and understood."""

import pytest
from tests.vectors.coap_recordings import (
    LINE,
    NAMES,
    OPTIONS,
    TYPES,
    code_of,
    option_value,
    recorded,
    tcp_messages,
    told_lines,
)

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import NON, Message, decode_message, encode_message
from roadstead.protocol.messages import (
    application,
    describe,
    event,
    function,
    hello,
    key_change,
    modules,
    signal,
    subscription,
    time,
    variable,
)
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_message_is_written_again_to_the_same_bytes(name: str) -> None:
    messages = list(recorded(name))
    assert messages
    for _, encoded in messages:
        assert encode_message(decode_message(encoded)) == encoded


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_message_reads_as_its_transcript_tells(name: str) -> None:
    messages, lines = list(recorded(name)), told_lines(name)
    assert len(lines) >= len(messages)
    for (side, encoded), line in zip(messages, lines, strict=False):
        message = decode_message(encoded)
        told = LINE.fullmatch(line)
        assert told, line
        arrow, kind, code, message_id, token, options, length, payload, _ = told.groups()
        assert side == arrow[0]
        assert TYPES[message.type] == kind
        assert message.code == code_of(code)
        assert message.message_id == int(message_id)
        assert message.token == (b"" if token == "-" else bytes.fromhex(token))
        pairs = [pair.split("=", 1) for pair in (options or "").split()]
        assert [number for number, _ in message.options] == [OPTIONS[pair[0]] for pair in pairs]
        for (_, actual), (_, value) in zip(message.options, pairs, strict=True):
            assert actual == option_value(value, actual)
        assert len(message.payload) == int(length or 0)
        assert message.payload.hex().startswith(payload or "")


def understand_device_request(message: Message) -> object:
    match kind_of_device_request(message):
        case DeviceRequest.HELLO:
            return hello.decode_hello(message)
        case DeviceRequest.DESCRIBE:
            posted = describe.decode_describe(message)
            if posted.flag is describe.DescribeFlag.APPLICATION:
                return application.parse_application(posted.payload)
            return modules.parse_modules(posted.payload, posted.content_format)
        case DeviceRequest.EVENT:
            return event.decode_event(message)
        case DeviceRequest.SUBSCRIBE:
            return subscription.decode_subscription(message)
        case DeviceRequest.UNKNOWN:
            raise AssertionError(message)
        case kind:
            return kind


def understand_server_request(message: Message) -> object:
    match kind_of_server_request(message):
        case ServerRequest.FUNCTION:
            return function.decode_function_call(message)
        case ServerRequest.VARIABLE:
            return variable.decode_variable_request(message)
        case ServerRequest.DESCRIBE:
            return describe.decode_describe_request(message)
        case ServerRequest.EVENT:
            return event.decode_event(message)
        case ServerRequest.SIGNAL:
            return signal.decode_signal_request(message)
        case ServerRequest.KEY_CHANGE:
            return key_change.is_key_change(message)
        case ServerRequest.UNKNOWN:
            raise AssertionError(message)
        case kind:
            return kind


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_request_is_understood(name: str) -> None:
    for side, encoded in recorded(name):
        message = decode_message(encoded)
        if codes.is_request(message.code):
            if side == "D":
                assert understand_device_request(message)
            else:
                assert understand_server_request(message) is not None


def rebuild(message: Message) -> object:
    """The draft of a recorded request, made anew from what it says."""
    match kind_of_device_request(message):
        case DeviceRequest.HELLO:
            return hello.encode_hello(hello.decode_hello(message))
        case DeviceRequest.DESCRIBE:
            return describe.encode_describe(describe.decode_describe(message))
        case DeviceRequest.EVENT:
            return event.encode_event(event.decode_event(message))
        case DeviceRequest.SUBSCRIBE:
            return subscription.encode_subscription(subscription.decode_subscription(message))
        case DeviceRequest.TIME:
            return time.time_request()
    return None


@pytest.mark.parametrize("name", NAMES)
def test_a_virtual_device_would_send_the_recorded_requests(name: str) -> None:
    rebuilt = 0
    for side, encoded in recorded(name):
        message = decode_message(encoded)
        draft = rebuild(message) if side == "D" and codes.is_request(message.code) else None
        if draft is not None:
            assert draft == (message.code, message.options, message.payload)
            rebuilt += 1
    assert rebuilt > 5


def test_the_tcp_generation_is_understood() -> None:
    seen = list(tcp_messages())
    first = hello.decode_hello(seen[0][1])
    assert first.device_id == b""
    assert (first.system_version, first.max_message_bytes) == (6200, 1152)
    assert seen[1][1].type == NON
    assert seen[1][1].options == hello.server_hello().options
    requests = [one for arrow, one in seen if arrow == "D->S" and codes.is_request(one.code)]
    assert [understand_device_request(one) for one in requests]
    results = [one for arrow, one in seen if one.type == NON and codes.is_response(one.code)]
    assert function.decode_function_result(results[0]) == 1
    assert variable.decode_variable_response(results[1], variable.VariableType.DOUBLE) == 20.4
    assert all(decode_message(encode_message(one)) == one for _, one in seen)
