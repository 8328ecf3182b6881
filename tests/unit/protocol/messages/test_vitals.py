import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.vitals import VitalReading, decode_vitals, encode_vitals

HEADER = "00040002000400"


def read(entries: str) -> list[VitalReading]:
    return decode_vitals(bytes.fromhex(HEADER + entries))


@pytest.mark.parametrize(
    ("entry", "name", "value"),
    [
        ("060009000000", "sys:uptime", 9),
        ("0600ffffffff", "sys:uptime", 0xFFFFFFFF),
        ("010046000000", "sys:reset", 70),
        ("0900f0d8ffff", "net:err", -10000),
        ("030080480000", "batt:soc", 72.5),
        ("21004d580000", "net:sigstr", 88.30078125),
        ("25000000b3ff", "net:sigstrv", -77.0),
        ("23000080f4ff", "net:sigqualv", -11.5),
        ("2900f6ffffff", "net:cell:cgi:mnc", -10),
        ("2e0000320000", "net:alt:sigstr", 50.0),
        ("2d000000c0ff", "net:alt:sigstrv", -64.0),
    ],
)
def test_values_are_read_in_their_form(entry: str, name: str, value: float) -> None:
    [reading] = read(entry)
    assert (reading.name, reading.value, reading.error) == (name, value, None)


def test_a_marked_id_carries_an_error() -> None:
    [reading] = read("19809cffffff")
    assert reading == VitalReading(25, "sys:tram", 0xFFFFFF9C, None, -100)


def test_a_marked_id_of_which_the_rest_is_unknown_is_the_applications() -> None:
    [reading] = read("008005000000")
    assert reading == VitalReading(0x8000, None, 5, 5)
    [reading] = read("0090ffffffff")
    assert reading == VitalReading(0x9000, None, 0xFFFFFFFF, -1)


def test_an_unknown_id_keeps_its_number() -> None:
    [reading] = read("c80001000000")
    assert (reading.id, reading.name, reading.value) == (200, None, 1)


def test_no_entries_are_no_readings() -> None:
    assert read("") == []


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "000400020004",
        "01040002000400",
        "00020002000400",
        "00040004000400",
        "00040002000800",
        HEADER + "0600090000",
        "7b7d",
    ],
)
def test_what_is_none_is_refused(payload: str) -> None:
    with pytest.raises(MessageFormatError):
        decode_vitals(bytes.fromhex(payload))


@given(st.lists(st.tuples(st.integers(1, 31), st.integers(-(1 << 31), (1 << 32) - 1))))
def test_entries_survive_encoding(entries: list[tuple[int, int]]) -> None:
    readings = decode_vitals(encode_vitals((number, raw, False) for number, raw in entries))
    assert [(one.id, one.raw) for one in readings] == [
        (number, raw & 0xFFFFFFFF) for number, raw in entries
    ]


def test_errors_survive_encoding() -> None:
    [reading] = decode_vitals(encode_vitals([(3, -210, True)]))
    assert (reading.name, reading.value, reading.error) == ("batt:soc", None, -210)
