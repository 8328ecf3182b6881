"""The recorded DTLS sessions of a real device, with their keys."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roadstead.protocol.dtls import keys
from roadstead.protocol.dtls.constants import CLIENT_HELLO, SERVER_HELLO
from roadstead.protocol.dtls.handshake_messages import decode_fragments
from roadstead.protocol.dtls.hellos import (
    decode_cid_extension,
    decode_client_hello,
    decode_server_hello,
)

DATA = Path(__file__).parent / "data"
KEYED = ("basic", "forgetlong", "hs1", "keychange", "ota1", "ota3", "persist", "resume")


@dataclass(frozen=True)
class RecordedRecord:
    """One record as it was on the wire and, if protected, what was in it."""

    from_device: bool
    kind: int
    epoch: int
    sequence: int
    wire: bytes
    plaintext: bytes
    inner_kind: int
    aad: bytes


@dataclass
class RecordedHandshake:
    """One handshake, with the messages of its transcript and every record of its session."""

    cid: bytes
    master: bytes
    client_random: bytes
    server_random: bytes
    transcript: list[bytes]
    protected: list[RecordedRecord]

    @property
    def keys(self) -> bytes:
        return keys.derive_key_block(self.master, self.client_random, self.server_random)


def read_records(name: str) -> Iterator[RecordedRecord]:
    with (DATA / f"{name}.records.jsonl").open() as lines:
        for line in lines:
            row = json.loads(line)
            yield RecordedRecord(
                from_device=row["dir"] == "C->S",
                kind=row["type"],
                epoch=row["epoch"],
                sequence=row["seq"],
                wire=bytes.fromhex(row["record"]),
                plaintext=bytes.fromhex(row.get("plaintext", "")),
                inner_kind=row.get("inner_type", row["type"]),
                aad=bytes.fromhex(row.get("aad", "")),
            )


def read_masters(name: str) -> dict[bytes, bytes]:
    """Master secrets by client random."""
    lines = (DATA / f"{name}.keylog").read_text().split("\n")
    rows = [line.split() for line in lines if line.startswith("CLIENT_RANDOM")]
    return {bytes.fromhex(random): bytes.fromhex(master) for _, random, master in rows}


def read_handshakes(name: str) -> list[RecordedHandshake]:
    """The handshakes of a recording, complete ones only, in order."""
    masters = read_masters(name)
    found: list[RecordedHandshake] = []
    transcript: list[bytes] = []
    client_random = b""
    for record in read_records(name):
        if record.epoch == 1:
            _owner(found, record).protected.append(record)
            continue
        if record.kind != 22:
            continue
        message = record.wire[13:]
        fragment = decode_fragments(message)[0]
        if fragment.kind == CLIENT_HELLO:
            client_random = decode_client_hello(fragment.content).random
            transcript = []
        if fragment.kind == SERVER_HELLO:
            hello = decode_server_hello(fragment.content)
            cid = decode_cid_extension(hello.extensions)
            assert cid is not None
            master = masters[client_random]
            found.append(
                RecordedHandshake(cid, master, client_random, hello.random, transcript, [])
            )
        transcript.append(message)
    return found


def _owner(found: list[RecordedHandshake], record: RecordedRecord) -> RecordedHandshake:
    """By connection id; a record of the server belongs to the newest handshake that is done."""
    if record.from_device:
        return next(each for each in found if each.cid == record.wire[11:19])
    return next(each for each in reversed(found) if each.protected)
