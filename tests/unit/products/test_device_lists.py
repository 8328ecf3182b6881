import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.products.device_lists import MAX_LINE_CHARS, Line, parse_line, read_lines

ID = "e00fce680000000000000001"


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        (ID, "id", ID),
        (f"  {ID.upper()}\t", "id", ID),
        (f'"{ID}",Fridge', "id", ID),
        (f"{ID};x", "id", ID),
        ("P046AF450000ABC", "number", "P046AF450000ABC"),
        ("353162070000001", "number", "353162070000001"),
        ("# e00f", "comment", "# e00f"),
        ("", "blank", ""),
        ("   ", "blank", ""),
        ("x" * 65, "malformed", "x" * 64),
        ("a\x00b", "malformed", "a?b"),
        (",x", "malformed", ""),
    ],
)
def test_a_line_is_told_by_its_first_column(text, kind, meant):
    assert parse_line(7, text) == Line(7, kind, meant)


def test_a_longer_line_is_one_malformed_line():
    content = f"{ID}\n{'x' * (3 * MAX_LINE_CHARS)}\n{ID}".encode()
    assert [line.kind for line in read_lines(io.BytesIO(content))] == ["id", "malformed", "id"]


def test_a_line_of_just_the_limit_is_one_line():
    for length in (MAX_LINE_CHARS - 2, MAX_LINE_CHARS - 1, MAX_LINE_CHARS, MAX_LINE_CHARS + 1):
        content = ("x" * length + "\n" + ID).encode()
        lines = list(read_lines(io.BytesIO(content)))
        assert [line.kind for line in lines] == ["malformed", "id"], length


@given(st.binary(max_size=2000))
def test_whatever_a_file_holds_its_lines_are_numbered_and_short(content):
    lines = list(read_lines(io.BytesIO(content)))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert all(len(line.text) <= 64 for line in lines)


def test_the_file_stays_open():
    file = io.BytesIO(ID.encode())
    list(read_lines(file))
    assert not file.closed
