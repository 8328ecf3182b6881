"""The CoAP messages of the recorded sessions, and their transcripts."""

import re
from collections.abc import Iterator
from pathlib import Path

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import Message, decode_message

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.name.removesuffix(".coap.hex") for path in DATA.glob("*.coap.hex"))
TYPES = ("CON", "NON", "ACK", "RST")
METHODS = {"GET": 1, "POST": 2, "PUT": 3}
OPTIONS = {
    "ETag": 4,
    "Uri-Path": 11,
    "Content-Format": 12,
    "Max-Age": 14,
    "Uri-Query": 15,
    "Chunk-Index": 2049,
    "Window-Size": 2053,
    "File-Size": 2057,
    "File-SHA256": 2061,
    "Chunk-Size": 2065,
}
LINE = re.compile(
    r" *[\d.]+ (D->S|S->D) (CON|NON|ACK|RST) (\S+) mid=(\d+) tok=(\S+)(?: (.*?))??"
    r"(?: payload\[(\d+)\]=([0-9a-f]+)(\.\.\.)?.*)?"
)


def recorded(name: str) -> Iterator[tuple[str, bytes]]:
    for line in (DATA / f"{name}.coap.hex").read_text().splitlines():
        side, encoded = line.split()
        yield side, bytes.fromhex(encoded)


def told_lines(name: str) -> list[str]:
    lines = (DATA / f"{name}.messages.txt").read_text().splitlines()
    return [line for line in lines if re.match(r" *[\d.]+ (D->S|S->D) (CON|NON|ACK|RST)", line)]


def code_of(text: str) -> int:
    if text in METHODS:
        return METHODS[text]
    major, minor = text.split(".")
    return int(major) << 5 | int(minor)


def option_value(told: str, actual: bytes | None = None) -> bytes:
    """The bytes that a told value stands for: text where it is readable, else hexadecimal."""
    if told == "-":
        return b""
    if actual is not None and actual == told.encode():
        return actual
    return bytes.fromhex(told)


def responses_by_path(name: str) -> dict[tuple[bytes, ...], list[Message]]:
    """Responses of the device by the path of what they answer."""
    asked: dict[bytes, tuple[bytes, ...]] = {}
    found: dict[tuple[bytes, ...], list[Message]] = {}
    for side, encoded in recorded(name):
        message = decode_message(encoded)
        if side == "S" and message.token and codes.is_request(message.code):
            asked[message.token] = tuple(message.list_options(11))
        elif side == "D" and codes.is_response(message.code):
            found.setdefault(asked[message.token], []).append(message)
    return found


def tcp_messages() -> Iterator[tuple[str, Message]]:
    for line in told_lines("tcp"):
        told = LINE.fullmatch(line)
        assert told, line
        arrow, kind, code, message_id, token, options, _, payload, cut = told.groups()
        if cut:
            continue
        pairs = [pair.split("=", 1) for pair in (options or "").split()]
        yield (
            arrow,
            Message(
                TYPES.index(kind),
                code_of(code),
                int(message_id),
                b"" if token == "-" else bytes.fromhex(token),
                tuple((OPTIONS[name], _from_transcript(name, value)) for name, value in pairs),
                bytes.fromhex(payload or ""),
            ),
        )


def _from_transcript(name: str, value: str) -> bytes:
    if name == "Uri-Path" or value == "on":
        return value.encode()
    return option_value(value)
