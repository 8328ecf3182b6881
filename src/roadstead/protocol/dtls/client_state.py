"""A client's session: its keys and counters, and their form in a device's memory."""

import struct
from dataclasses import dataclass
from typing import Literal

from roadstead.protocol.dtls.constants import (
    CID_BYTES,
    DEVICE_ID_BYTES,
    MOVED,
    MOVED_IDENTIFIED,
    SEQUENCE_END,
)
from roadstead.protocol.dtls.keys import (
    CLIENT_IV,
    CLIENT_KEY,
    KEY_BLOCK_BYTES,
    SERVER_IV,
    SERVER_KEY,
)
from roadstead.protocol.dtls.reader import ByteReader, DtlsFormatError
from roadstead.protocol.dtls.records import (
    decode_sequence,
    make_cipher,
    open_sealed,
    seal,
    seal_identified,
)
from roadstead.protocol.dtls.replay import is_repeat, note

ResumeMarker = Literal[253, 254] | None

_FORMAT = 1
_NUMBERS = struct.Struct(">QQQ")
_MARKERS: dict[int, ResumeMarker] = {
    0: None,
    MOVED_IDENTIFIED: 253,
    MOVED: 254,
}


@dataclass(frozen=True, slots=True)
class ClientGeneration:
    """What releases of Device OS do differently. Spec: device protocol notes §1.14.

    Attributes:
        cid: whether it asks for a connection id (3.1 and later).
        resume_marker: record type after a resume: 253 from 4.0 on, None for 3.1 to 3.3, 254 up to
            3.0.
    """

    cid: bool = True
    resume_marker: ResumeMarker = 253


class ClientState:
    """Keys and counters of one session.

    Args:
        keys: the key block, 40 bytes.
        cid: connection id to write into records; None without one.
    """

    __slots__ = ("_cid", "_keys", "_opener", "_sealer", "rx_highest", "rx_window", "tx_sequence")

    def __init__(self, keys: bytes, cid: bytes | None) -> None:
        self._keys = keys
        self._cid = cid
        self._sealer = make_cipher(keys[CLIENT_KEY])
        self._opener = make_cipher(keys[SERVER_KEY])
        self.tx_sequence = 0
        self.rx_highest = -1
        self.rx_window = 0

    def seal(self, kind: int, content: bytes) -> bytes:
        """The next record."""
        sequence, iv = self.tx_sequence, self._keys[CLIENT_IV]
        self.tx_sequence += 1
        if self._cid is None:
            return seal(self._sealer, iv, kind, sequence, content)
        return seal_identified(self._sealer, iv, self._cid, kind, sequence, content)

    def open(self, record: bytes, kind: int) -> bytes | None:
        """The content of a record of the server; None if it was seen before.

        Raises:
            InvalidTag: it is forged or damaged.
        """
        sequence = decode_sequence(record)
        if is_repeat(self.rx_highest, self.rx_window, sequence):
            return None
        content = open_sealed(self._opener, self._keys[SERVER_IV], record, kind)
        self.rx_highest, self.rx_window = note(self.rx_highest, self.rx_window, sequence)
        return content

    def encode(self, generation: ClientGeneration, device_id: bytes) -> bytes:
        """Everything of the session as bytes; secret."""
        return b"".join(
            (
                bytes((_FORMAT, generation.cid, generation.resume_marker or 0)),
                device_id,
                bytes((len(self._cid or b""),)) + (self._cid or b""),
                self._keys,
                _NUMBERS.pack(self.tx_sequence, self.rx_highest + 1, self.rx_window),
            )
        )

    @classmethod
    def decode(cls, encoded: bytes) -> tuple["ClientState", ClientGeneration, bytes]:
        """Session, generation and device id that ``encode`` was given.

        Raises:
            DtlsFormatError: malformed.
        """
        reader = ByteReader(encoded)
        if reader.u8() != _FORMAT:
            raise DtlsFormatError("client session of an unknown format")
        wants_cid, marker = reader.u8(), reader.u8()
        if wants_cid > 1 or marker not in _MARKERS:
            raise DtlsFormatError("no such generation")
        device_id, cid = reader.take(DEVICE_ID_BYTES), reader.vector8()
        if len(cid) not in (0, CID_BYTES):
            raise DtlsFormatError("a connection id of a wrong length")
        state = cls(reader.take(KEY_BLOCK_BYTES), cid or None)
        state.tx_sequence, highest, state.rx_window = reader.u64(), reader.u64(), reader.u64()
        state.rx_highest = highest - 1
        reader.end()
        if state.tx_sequence >= SEQUENCE_END or highest > SEQUENCE_END:
            raise DtlsFormatError("record number beyond its end")
        return state, ClientGeneration(bool(wants_cid), _MARKERS[marker]), device_id
