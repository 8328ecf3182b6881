import io
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.cli.device_csv import MAX_LINE_BYTES, read_registrations, refuse_repeats
from roadstead.devices.model import Registration

ID = "0123456789abcdef01234567"
KEY = b64encode(b"key").decode()


def read(content: bytes) -> list[tuple[int, Registration | str]]:
    return [
        (line.number, line.registration or line.reason)
        for line in read_registrations(io.BytesIO(content))
    ]


def test_a_line_with_and_without_a_serial_number():
    content = f"{ID.upper()},{KEY},12\n{ID},{KEY},13,PH-1\n"
    assert read(content.encode()) == [
        (1, Registration(ID, b"key", 12, None)),
        (2, Registration(ID, b"key", 13, "PH-1")),
    ]


def test_mark_header_empty_lines_and_line_ends_of_windows_do_not_matter():
    content = (
        f'\ufeffdevice_id,public_key,platform_id\r\n\r\n"{ID}", {KEY} ,12\r\n  \r\n{ID},{KEY},0'
    )
    assert read(content.encode()) == [
        (3, Registration(ID, b"key", 12, None)),
        (5, Registration(ID, b"key", 0, None)),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{ID},{KEY}", "2 columns"),
        (f"{ID},{KEY},1,2,3", "5 columns"),
        (f"{ID}0,{KEY},12", "device_id"),
        (f",{KEY},12", "device_id"),
        (f"{ID},???,12", "base64"),
        (f"{ID},é,12", "base64"),
        (f"{ID},,12", "empty"),
        (f"{ID},{KEY},", "platform_id"),
        (f"{ID},{KEY},-1", "platform_id"),
        (f"{ID},{KEY},65536", "platform_id"),
        (f"{ID},{KEY},99999999999999999999", "platform_id"),
        (f"{ID},{KEY},٣", "platform_id"),
        (f"{ID},{KEY},12,{'9' * 65}", "serial_number"),
        (f"{ID},{KEY},12,\x1b[2J", "serial_number"),
        (f'"{ID},{KEY},12', "columns"),
        ("x" * MAX_LINE_BYTES, "longer than"),
        ("x" * (3 * MAX_LINE_BYTES), "longer than"),
    ],
)
def test_a_broken_line_is_refused_with_its_number_and_costs_no_other(line, reason):
    good = f"{ID},{KEY},12"
    first, broken, last = read(f"{good}\n{line}\n{good}\n".encode())
    assert first == (1, Registration(ID, b"key", 12, None))
    assert broken[0] == 2
    assert reason in str(broken[1])
    assert last == (3, Registration(ID, b"key", 12, None))


def test_a_line_in_another_encoding_is_refused():
    assert read(b"\xff\xfe\n") == [(1, "the line is not UTF-8")]


@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line), max_size=8))
def test_every_line_that_is_not_blank_is_accounted_for(lines):
    numbers = [number for number, _ in read(b"\n".join([b"device_id", *lines]))]
    assert numbers == [number for number, line in enumerate(lines, 2) if line.strip()]


def test_of_lines_for_the_same_device_only_the_first_is_left():
    lines = f"{ID},{KEY},12\nbroken\n{ID.upper()},{KEY},13\n{ID[:-1]}0,{KEY},12\n"
    kept = list(refuse_repeats(read_registrations(io.BytesIO(lines.encode()))))
    assert [line.number for line in kept] == [1, 2, 3, 4]
    assert [line.registration is not None for line in kept] == [True, False, False, True]
    assert "line 1 already" in kept[2].reason
