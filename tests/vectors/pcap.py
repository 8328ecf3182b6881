"""The UDP datagrams of a capture file (classic pcap, Ethernet, IPv4)."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ETHERNET_BYTES = 14
UDP_BYTES = 8
UDP_PROTOCOL = 17


class Datagram(NamedTuple):
    at_s: float
    source: tuple[str, int]
    destination: tuple[str, int]
    content: bytes


def read_datagrams(path: Path) -> Iterator[Datagram]:
    """Every UDP datagram, in the order of the file."""
    content = path.read_bytes()
    assert content[:4] == b"\xd4\xc3\xb2\xa1", "little-endian pcap with microseconds"
    assert struct.unpack_from("<I", content, 20)[0] == 1, "Ethernet"
    offset = 24
    while offset < len(content):
        seconds, micros, kept, _ = struct.unpack_from("<IIII", content, offset)
        offset += 16
        packet = content[offset + ETHERNET_BYTES : offset + kept]
        offset += kept
        header = (packet[0] & 15) * 4
        if packet[0] >> 4 != 4 or packet[9] != UDP_PROTOCOL:
            continue
        source_port, destination_port, length = struct.unpack_from(">HHH", packet, header)
        yield Datagram(
            seconds + micros / 1e6,
            (_host(packet[12:16]), source_port),
            (_host(packet[16:20]), destination_port),
            packet[header + UDP_BYTES : header + length],
        )


def _host(address: bytes) -> str:
    return ".".join(str(byte) for byte in address)
