"""Reads lists of devices: ``device_id,public_key,platform_id[,serial_number]``, one per line.

A line is judged by itself, so that a broken one costs nothing but itself, whatever its quotes.
"""

import binascii
import csv
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from roadstead.devices.model import Registration
from roadstead.kit.ids import parse_device_id

MAX_LINE_BYTES = 4096
"""Longest line; a key takes 124 to 392 characters of it."""

MAX_PLATFORM_ID = 0xFFFF
"""Largest platform number: the Hello message has two bytes for it."""

MAX_SERIAL_CHARS = 64
"""Longest serial number; the field's have 15."""

COLUMNS = ("device_id", "public_key", "platform_id", "serial_number")


@dataclass(frozen=True, slots=True)
class CsvLine:
    """What one line says: a registration, or the reason why it is none."""

    number: int
    registration: Registration | None
    reason: str = ""


def read_registrations(file: BinaryIO) -> Iterator[CsvLine]:
    """The lines of a list, without a header, byte order mark and empty lines.

    Args:
        file: the list as bytes: UTF-8, lines ended by LF or CRLF. Read as it is consumed.
    """
    for number, raw in enumerate(_read_lines(file), 1):
        if raw is None:
            yield CsvLine(number, None, f"the line is longer than {MAX_LINE_BYTES} bytes")
            continue
        content = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not content.strip() or (number == 1 and _is_header(content)):
            continue
        try:
            yield CsvLine(number, _parse_line(content.decode()))
        except UnicodeDecodeError:
            yield CsvLine(number, None, "the line is not UTF-8")
        except ValueError as error:
            yield CsvLine(number, None, str(error))


def refuse_repeats(lines: Iterable[CsvLine]) -> Iterator[CsvLine]:
    """The same lines, but of those with the same device id only the first is left to register."""
    first: dict[str, int] = {}
    for line in lines:
        if line.registration is None:
            yield line
            continue
        device_id = line.registration.device_id
        seen_at = first.setdefault(device_id, line.number)
        if seen_at == line.number:
            yield line
        else:
            yield CsvLine(line.number, None, f"device {device_id} is on line {seen_at} already")


def parse_registration(cells: list[str]) -> Registration:
    """One registration from its three or four cells.

    Raises:
        ValueError: the text says which cell is wrong and how.
    """
    if not 3 <= len(cells) <= 4:
        raise ValueError(f"{len(cells)} columns; expected {','.join(COLUMNS[:3])}[,{COLUMNS[3]}]")
    device_id = parse_device_id(cells[0])
    if device_id is None:
        raise ValueError(f"device_id {cells[0]!r} is not 24 hexadecimal digits")
    try:
        key = b64decode(cells[1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("public_key is not base64") from None
    if not key:
        raise ValueError("public_key is empty")
    platform_id = parse_platform_id(cells[2])
    serial_number = cells[3] if len(cells) == 4 else ""
    if len(serial_number) > MAX_SERIAL_CHARS or not (serial_number or "-").isprintable():
        raise ValueError(f"serial_number has no more than {MAX_SERIAL_CHARS} printable characters")
    return Registration(device_id, key, platform_id, serial_number or None)


def parse_platform_id(text: str) -> int:
    """A platform number.

    Raises:
        ValueError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= MAX_PLATFORM_ID):
        raise ValueError(f"platform_id {text!r} is not a number from 0 to {MAX_PLATFORM_ID}")
    return int(text[:6])


def _read_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """The lines without their ends; None for one that is too long."""
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield None
        else:
            yield line.rstrip(b"\r\n")


def _parse_line(text: str) -> Registration:
    try:
        cells = next(csv.reader([text]))
    except csv.Error as error:
        raise ValueError(f"the line is no CSV: {error}") from None
    return parse_registration([cell.strip() for cell in cells])


def _is_header(content: bytes) -> bool:
    return content.partition(b",")[0].strip(b' "').lower() == b"device_id"
