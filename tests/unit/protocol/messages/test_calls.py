"""Functions, variables, signal, time, key change: what the server asks and devices answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap.message import ACK, CON, Draft, Message, decode_message, encode_message
from roadstead.protocol.messages import function, key_change, signal, time, variable
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.variable import VariableType


def message(encoded: str) -> Message:
    return decode_message(bytes.fromhex(encoded))


def written(draft: Draft, message_id: int, token: int, kind: int = CON) -> str:
    return encode_message(
        Message(kind, draft.code, message_id, bytes((token,)), draft.options, draft.payload)
    ).hex()


def test_function_calls_are_written_as_devices_parse_them() -> None:
    assert written(function.function_call("led", "on"), 0x2002, 0x28) == (
        "4102200228b166036c6564426f6e"
    )
    assert written(function.function_call("led", ""), 0x2003, 0x29) == "4102200329b166036c656440"
    long = written(function.function_call("echo", "y" * 300), 0x0F69, 0x2A)
    assert long.startswith("41020f692ab166046563686f4e001f79")
    named = written(function.function_call("n" * 13, "z"), 1, 1)
    assert named.startswith("4102000101b1660d00")


@pytest.mark.parametrize(
    ("name", "argument"), [("", "x"), ("n" * 65, "x"), ("é" * 33, "x"), ("led", "x" * 1025)]
)
def test_calls_that_no_device_takes_cannot_be_written(name: str, argument: str) -> None:
    with pytest.raises(MessageFormatError):
        function.function_call(name, argument)


def test_function_calls_are_read() -> None:
    assert function.decode_function_call(message("4102200228b166036c6564426f6e")) == ("led", "on")
    assert function.decode_function_call(message("4102200329b166036c656440")) == ("led", "")
    with pytest.raises(MessageFormatError):
        function.decode_function_call(message("4102200329b166"))


def test_function_results_are_read() -> None:
    assert function.decode_function_result(message("4144001328ff00000001")) == 1
    assert function.decode_function_result(message("414400142affffffffff")) == -1
    for wrong in ("4144001328", "4180001328", "4144001328ff0001", "4145001328ff00000001"):
        with pytest.raises(MessageFormatError):
            function.decode_function_result(message(wrong))


@given(st.integers(-0x80000000, 0x7FFFFFFF))
def test_function_results_survive_encoding(value: int) -> None:
    draft = function.function_result(value)
    assert function.decode_function_result(Message(CON, draft.code, 1, b"", (), draft.payload)) == (
        value
    )


def test_results_beyond_32_bits_are_wrapped_as_in_c() -> None:
    assert function.function_result(0x80000000) == function.function_result(-0x80000000)


def test_variable_requests_are_written_as_devices_parse_them() -> None:
    short = written(variable.variable_request("counter"), 0x2004, 0x2A)
    assert short == "410120042ab17607636f756e746572"
    long = written(variable.variable_request("n" * 14), 1, 1)
    assert long.startswith("4101000101b1760d01")
    assert variable.decode_variable_request(message(short)) == "counter"
    with pytest.raises(MessageFormatError):
        variable.variable_request("n" * 65)
    with pytest.raises(MessageFormatError):
        variable.decode_variable_request(message("4101000101b176"))


@pytest.mark.parametrize(
    ("encoded", "kind", "value"),
    [
        ("4145000c2aff00000004", VariableType.INT, 4),
        ("4145000c2afffffffffe", VariableType.INT, -2),
        ("4145000d22ff6666666666663440", VariableType.DOUBLE, 20.4),
        ("4145000e23ff01", VariableType.BOOL, True),
        ("4145000e23ff00", VariableType.BOOL, False),
        ("4145000f24ff69646c65", VariableType.STRING, "idle"),
        ("4145000f24", VariableType.STRING, ""),
        ("4145000f24ffff41", VariableType.STRING, "\ufffdA"),
        ("6145000c2aff00000004", VariableType.INT, 4),
    ],
)
def test_values_are_read_by_their_type_separate_or_piggybacked(
    encoded: str, kind: VariableType, value: variable.Value
) -> None:
    told = variable.decode_variable_response(message(encoded), kind)
    assert told == value
    assert type(told) is type(value)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"", VariableType.INT),
        (b"\0\0\0", VariableType.INT),
        (b"", VariableType.BOOL),
        (b"\0\0", VariableType.BOOL),
        (b"\0\0\0\0", VariableType.DOUBLE),
    ],
)
def test_values_of_another_length_than_their_type_are_refused(
    payload: bytes, kind: VariableType
) -> None:
    with pytest.raises(MessageFormatError):
        variable.decode_value(payload, kind)


def test_an_error_is_no_value() -> None:
    with pytest.raises(MessageFormatError):
        variable.decode_variable_response(message("4184001227"), VariableType.STRING)


values = st.one_of(
    st.tuples(st.just(VariableType.BOOL), st.booleans()),
    st.tuples(st.just(VariableType.INT), st.integers(-0x80000000, 0x7FFFFFFF)),
    st.tuples(st.just(VariableType.DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(VariableType.STRING), st.text()),
)


@given(values)
def test_values_survive_encoding(typed: tuple[VariableType, variable.Value]) -> None:
    kind, value = typed
    draft = variable.variable_response(value)
    answer = Message(CON, draft.code, 1, b"", (), draft.payload)
    assert variable.decode_variable_response(answer, kind) == value
    assert variable.variable_type(kind.api_name) is kind


def test_ints_beyond_32_bits_cannot_be_written() -> None:
    with pytest.raises(MessageFormatError):
        variable.encode_value(1 << 31)
    with pytest.raises(MessageFormatError):
        variable.variable_type("float")


def test_signals_are_written_and_read() -> None:
    assert written(signal.signal_request(True), 0x2007, 0x30) == "4103200730b1734101"
    assert written(signal.signal_request(False), 0x2007, 0x30) == "4103200730b1734100"
    assert written(signal.signal_response(), 0x2007, 0x30, ACK) == "6144200730"
    assert signal.decode_signal_request(message("4103200730b1734101")) is True
    assert signal.decode_signal_request(message("4103200730b1734100")) is False
    for wrong in ("4103200730b173", "4103200730b17340"):
        with pytest.raises(MessageFormatError):
            signal.decode_signal_request(message(wrong))


def test_the_time_is_ten_bytes_at_fixed_places() -> None:
    assert written(time.time_request(), 3, 0x62) == "4101000362b174"
    assert written(time.time_response(1700000000), 3, 0x62, ACK) == "6145000362ff6553f100"
    assert time.decode_time_response(message("6145000362ff6553f100")) == 1700000000
    assert time.time_response(-5).payload == bytes(4)
    assert time.time_response(1 << 40).payload == b"\xff" * 4
    for wrong in ("6145000362", "6144000362ff6553f100"):
        with pytest.raises(MessageFormatError):
            time.decode_time_response(message(wrong))


def test_a_key_change_is_written_and_known() -> None:
    draft = key_change.key_change_request()
    encoded = encode_message(Message(CON, draft.code, 0xF008, b"", draft.options))
    assert encoded.hex() == "4003f008b16b4101"
    assert key_change.is_key_change(message("4003f008b16b4101"))
    assert key_change.is_key_change(message("4103200831b16b4101"))
    assert not key_change.is_key_change(message("4103200730b1734101"))
    assert not key_change.is_key_change(message("40000001"))
