"""No message, however wrong, makes either side raise."""

from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.protocol.coap.message import Message, encode_message
from roadstead.protocol.messages.update import UpdateStart
from roadstead.protocol.transfer.classic_device import ClassicDeviceTransfer
from roadstead.protocol.transfer.classic_server import ClassicServerTransfer
from roadstead.protocol.transfer.current_device import CurrentDeviceTransfer
from roadstead.protocol.transfer.current_server import CurrentServerTransfer

FILE = bytes(5000)
PATHS = st.sampled_from([b"S", b"C", b"F", b"A", b"u", b"c"])
NUMBERS = st.sampled_from([15, 2049, 2053, 2057, 2061, 2065, 2069, 2073])
VALUES = st.binary(max_size=5) | st.sampled_from([b"\2\0", b"\x13\x88", b"\1", b"\2"])
PAYLOADS = st.binary(max_size=40) | st.sampled_from(
    [bytes(512), b"\1\2\0\0\0\x13\x88\0\0\0\0\0", b'{"r":-210}', b"\0\1\0\2", b"\1\0\0\0"]
)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    options = [(11, draw(PATHS)), *draw(st.lists(st.tuples(NUMBERS, VALUES), max_size=4))]
    code = draw(st.sampled_from([1, 2, 3, 0x41, 0x44, 0x80, 0xA3]))
    token = draw(st.sampled_from([b"", b"t"]))
    ordered = tuple(sorted(options, key=lambda option: option[0]))
    return Message(draw(st.integers(0, 1)), code, 1, token, ordered, draw(PAYLOADS))


@settings(max_examples=80, deadline=None)
@given(st.lists(messages(), max_size=12))
def test_devices_never_raise(received: list[Message]) -> None:
    current = CurrentDeviceTransfer(max_file_bytes=10_000, validate=lambda file: 0)
    classic = ClassicDeviceTransfer(max_file_bytes=10_000, validate=lambda file: 0)
    for number, message in enumerate(received):
        for device in (current, classic):
            device.receive(message, float(number))
            device.to_send()
            device.handle_timeout(float(number * 50))
    current.confirmed()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(messages(), st.booleans(), st.integers(0, 3)), max_size=15))
def test_servers_never_raise_and_say_at_most_once_that_it_is_over(
    received: list[tuple[Message, bool, int]],
) -> None:
    for transfer in (
        CurrentServerTransfer(FILE, UpdateStart(len(FILE), 512)),
        ClassicServerTransfer(FILE),
    ):
        transfer.start(0.0)
        for number, (message, answers, exchange) in enumerate(received):
            now = float(number)
            transfer.to_send(now)
            transfer.next_bodies(now, 64)
            transfer.take_report(encode_message(message), now)
            if answers:
                transfer.answered(exchange, message, now)
            else:
                transfer.receive(message, now)
            transfer.handle_timeout(now)
        told = []
        while (event := transfer.next_event()) is not None:
            told.append(type(event).__name__)
        ends = [name for name in told if name in ("Transferred", "Aborted")]
        assert len(ends) == transfer.over
        assert not ends or told[-1] in ends
