import pytest

from roadstead.protocol.coap.message import Message, decode_message
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.goodbye import (
    CloudDisconnectReason,
    Goodbye,
    decode_goodbye,
    encode_goodbye,
)
from roadstead.protocol.messages.hello import (
    Hello,
    HelloFlag,
    decode_hello,
    encode_hello,
    server_hello,
)
from roadstead.protocol.messages.limits import limits_for

DEVICE_ID = bytes.fromhex("e00fce6800000000000000a1")


def message(encoded: str) -> Message:
    return decode_message(bytes.fromhex(encoded))


def test_the_hello_of_a_6_2_device_is_read() -> None:
    told = decode_hello(
        message("40020001b168ff0003ffff00360003000ce00fce6800000000000000a11838048000a000000200")
    )
    assert told == Hello(3, 0xFFFF, 0x36, 3, DEVICE_ID, 6200, 1152, 10485760, 512)
    assert told.has(HelloFlag.POSTS_DESCRIBES)
    assert not told.has(HelloFlag.CURRENT_TRANSFER)


def test_the_hello_of_the_tcp_generation_has_no_device_id() -> None:
    told = decode_hello(message("50021334b168ff0006ffff003600060000080003200001e0000200"))
    assert told == Hello(6, 0xFFFF, 0x36, 6, b"", 0x0800, 800, 122880, 512)


def test_hellos_before_3_0_end_with_the_device_id_or_on_tcp_with_the_platform() -> None:
    old_udp = message("40020001b168ff000d00030006000d000c" + DEVICE_ID.hex())
    assert decode_hello(old_udp) == Hello(13, 3, 6, 13, DEVICE_ID)
    old_tcp = message("50020001b168ff0006ffff00000006")
    assert decode_hello(old_tcp) == Hello(6, 0xFFFF, 0, 6)


@pytest.mark.parametrize(
    ("hello", "announces"),
    [
        (Hello(13, 3, 0xF6, 13, DEVICE_ID, 6200, 1152, 1 << 20, 512), True),
        (Hello(13, 3, 0x06, 13, DEVICE_ID), False),
        (Hello(6, 0xFFFF, 0x36, 6, b"", 3000, 960, 122880, 512), True),
        (Hello(6, 0xFFFF, 0, 6), False),
    ],
)
def test_hellos_of_all_generations_survive_encoding(hello: Hello, announces: bool) -> None:
    draft = encode_hello(hello, announces_limits=announces)
    sent = Message(0, draft.code, 1, b"", draft.options, draft.payload)
    assert decode_hello(sent) == hello


@pytest.mark.parametrize(
    "payload", [b"", bytes(7), bytes(9) + b"\x0c" + bytes(11), bytes(9) + b"\x03" + bytes(30)]
)
def test_hellos_that_are_none_are_refused(payload: bytes) -> None:
    with pytest.raises(MessageFormatError):
        decode_hello(Message(0, 2, 1, payload=payload))


def test_the_servers_hello_is_a_path_alone() -> None:
    assert server_hello() == (2, ((11, b"h"),), b"")


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        (Hello(0, 0, 0, 13, max_message_bytes=1152), (1152, 1148, 1024, 64)),
        (Hello(0, 0, 0, 10, max_message_bytes=960), (960, 956, 864, 64)),
        (Hello(0, 0, 0, 10), (800, 796, 622, 64)),
        (Hello(0, 0, 0, 0), (640, 636, 64, 12)),
        (Hello(0, 0, 0, 13, max_message_bytes=500), (500, 496, 322, 64)),
    ],
)
def test_limits_follow_the_hello(hello: Hello, expected: tuple[int, int, int, int]) -> None:
    limits = limits_for(hello)
    assert (limits.message, limits.confirmable, limits.data, limits.name) == expected


def test_frames_of_tcp_leave_less_room() -> None:
    limits = limits_for(Hello(0, 0, 0, 3, max_message_bytes=1152), tcp=True)
    assert (limits.message, limits.confirmable) == (1119, 1119)


@pytest.mark.parametrize(
    ("encoded", "goodbye"),
    [
        ("40020040b178ff030546", Goodbye(cloud_reason=5, reset_reason=70)),
        ("40020041b178ff0506d804", Goodbye(CloudDisconnectReason.SLEEP, sleep_s=600)),
        ("50020040b178d0eaff030546", Goodbye(cloud_reason=5, reset_reason=70)),
        ("40020040b178ff0f05" + "8c01" + "00" + "06", Goodbye(5, 140, 0, 6)),
        ("40020040b178", Goodbye()),
    ],
)
def test_goodbyes_say_why_and_for_how_long(encoded: str, goodbye: Goodbye) -> None:
    assert decode_goodbye(message(encoded)) == goodbye


def test_a_goodbye_is_written_as_devices_write_it() -> None:
    draft = encode_goodbye(Goodbye(cloud_reason=6, sleep_s=600))
    assert (draft.options, draft.payload.hex()) == (((11, b"x"),), "0506d804")
    tcp = encode_goodbye(Goodbye(5, 70), no_response=True)
    assert (tcp.options, tcp.payload.hex()) == (((11, b"x"), (258, b"")), "030546")


@pytest.mark.parametrize("payload", ["01", "0180", "ff" * 11, "0f01"])
def test_goodbyes_without_their_values_are_refused(payload: str) -> None:
    with pytest.raises(MessageFormatError):
        decode_goodbye(Message(0, 2, 1, payload=bytes.fromhex(payload)))
