"""Lists of devices as people send them: one device in a line. Pure.

A line names a device by its id, its serial number, its IMEI or its ICCID; what follows a comma, a
semicolon or a tab is passed over, so that a sheet's first column will do. Lines that begin with
``#`` are comments. A byte order mark and the line ends of any system are understood.
"""

import io
from collections.abc import Iterator
from typing import IO, Literal, NamedTuple

from roadstead.kit.ids import parse_device_id

MAX_LINE_CHARS = 512
"""Longest line that is read as one: an id has 24 characters, a note beside it a sentence."""

MAX_LINES = 1_000_000
"""Most lines of one list."""

Kind = Literal["id", "number", "comment", "blank", "malformed"]
"""``number``: a serial number, an IMEI or an ICCID."""

_SEPARATORS = (",", ";", "\t")
_MAX_NUMBER_CHARS = 64


class Line(NamedTuple):
    """A line of a list.

    Attributes:
        number: from 1.
        kind: see Kind.
        text: a device id in its one form; a number as it stands; else the line, cut.
    """

    number: int
    kind: Kind
    text: str


def parse_line(number: int, line: str) -> Line:
    """One line."""
    text = line.strip().removeprefix("\ufeff").strip()
    if not text:
        return Line(number, "blank", "")
    if text.startswith("#"):
        return Line(number, "comment", text[:_MAX_NUMBER_CHARS])
    for separator in _SEPARATORS:
        text = text.partition(separator)[0]
    text = text.strip().strip("\"'").strip()
    device_id = parse_device_id(text)
    if device_id is not None:
        return Line(number, "id", device_id)
    if 1 <= len(text) <= _MAX_NUMBER_CHARS and text.isprintable() and "\ufffd" not in text:
        return Line(number, "number", text)
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return Line(number, "malformed", shown[:_MAX_NUMBER_CHARS])


def read_lines(file: IO[bytes]) -> Iterator[Line]:
    """The lines of a file, read as they are asked for; a longer line is one malformed line."""
    head = file.read(2)
    file.seek(0)
    encoding = "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=None)
    try:
        number = 0
        while line := text.readline(MAX_LINE_CHARS):
            number += 1
            if line.endswith("\n") or len(line) < MAX_LINE_CHARS:
                yield parse_line(number, line)
                continue
            yield Line(number, "malformed", line[:_MAX_NUMBER_CHARS])
            while line and not line.endswith("\n"):
                line = text.readline(MAX_LINE_CHARS)
    finally:
        text.detach()  # the file stays its owner's to close
