"""A session at rest: what is stored so that another process can go on with it.

The encoded form begins with a version byte. It contains the session keys: whoever stores it seals
it, and nobody logs it.
"""

import struct
from typing import NamedTuple

import msgspec

from roadstead.protocol.dtls.constants import (
    CID_BYTES,
    DEVICE_ID_BYTES,
    FINISHED,
    SEQUENCE_END,
    VERIFY_DATA_BYTES,
)
from roadstead.protocol.dtls.handshake_messages import encode_message
from roadstead.protocol.dtls.keys import KEY_BLOCK_BYTES
from roadstead.protocol.dtls.reader import ByteReader, DtlsFormatError
from roadstead.protocol.dtls.replay import ALL_SEEN

_FORMAT = 1
_HAS_CID = 1
_HAS_DEVICE_ID = 2
_HAS_FINALE = 4
_NUMBERS = struct.Struct(">QQQ")
_SHA256_BYTES = 32
_FIXED = struct.Struct(f">H{_SHA256_BYTES}s{KEY_BLOCK_BYTES}sQQQ")
"""What follows the host: port, digest, keys, and the numbers."""


class Finale(NamedTuple):
    """The server's last flight, kept until the device has sent its first application record.

    Without it a crash between storing a session and sending the flight costs the device 45 s.

    Attributes:
        verify_data: 12 bytes of the server's Finished.
        message_seq: its message number.
        sequence: next record number for records in clear.
    """

    verify_data: bytes
    message_seq: int
    sequence: int

    @property
    def message(self) -> bytes:
        """The Finished message."""
        return encode_message(FINISHED, self.message_seq, self.verify_data)


class SessionSnapshot(msgspec.Struct, frozen=True, gc=False):
    """What a session is at one moment; see Session for the attributes.

    Attributes:
        keys: the key block, 40 bytes, secret.
        tx_limit: first record number that was not reserved; a restored session begins there.
        finale: the server's last flight, None once the device has gone on.
    """

    cid: bytes | None
    device_id: bytes | None
    address: tuple[str, int]
    spki_digest: bytes
    keys: bytes
    tx_limit: int
    rx_highest: int
    rx_window: int
    finale: Finale | None

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"<SessionSnapshot of {self.address}>"

    def advanced(
        self,
        *,
        tx_limit: int | None = None,
        rx_highest: int | None = None,
        address: tuple[str, int] | None = None,
        device_id: bytes | None = None,
    ) -> "SessionSnapshot":
        """The snapshot with facts that were stored later, apart from it; None changes nothing.

        A lower ``tx_limit`` or ``rx_highest`` than the snapshot's own changes nothing. With a
        higher ``rx_highest`` every number below it counts as seen.
        """
        newer = rx_highest is not None and rx_highest > self.rx_highest
        # Built at once: a restart does this for every device of a fleet.
        return SessionSnapshot(
            cid=self.cid,
            device_id=device_id or self.device_id,
            address=address or self.address,
            spki_digest=self.spki_digest,
            keys=self.keys,
            tx_limit=max(self.tx_limit, tx_limit or 0),
            rx_highest=rx_highest if newer and rx_highest is not None else self.rx_highest,
            rx_window=ALL_SEEN if newer else self.rx_window,
            finale=self.finale,
        )

    def encode(self) -> bytes:
        """The snapshot as bytes; secret."""
        host = self.address[0].encode()
        flags = (
            _HAS_CID * (self.cid is not None)
            | _HAS_DEVICE_ID * (self.device_id is not None)
            | _HAS_FINALE * (self.finale is not None)
        )
        parts = [
            bytes((_FORMAT, flags)),
            self.cid or b"",
            self.device_id or b"",
            bytes((len(host),)) + host + self.address[1].to_bytes(2, "big"),
            self.spki_digest,
            self.keys,
            _NUMBERS.pack(self.tx_limit, self.rx_highest + 1, self.rx_window),
        ]
        if self.finale is not None:
            parts.append(self.finale.verify_data)
            parts.append(self.finale.message_seq.to_bytes(2, "big"))
            parts.append(self.finale.sequence.to_bytes(6, "big"))
        return b"".join(parts)

    @classmethod
    def decode(cls, encoded: bytes) -> "SessionSnapshot":
        """The snapshot that ``encode`` made.

        Raises:
            DtlsFormatError: it is of another format, cut off, or has impossible values.
        """
        # A restart does this for every device of a fleet: one step for all that is fixed.
        try:
            if encoded[0] != _FORMAT:
                raise DtlsFormatError("snapshot of an unknown format")
            flags, at = encoded[1], 2
            cid = encoded[at : at + CID_BYTES] if flags & _HAS_CID else None
            at += len(cid or b"")
            device_id = encoded[at : at + DEVICE_ID_BYTES] if flags & _HAS_DEVICE_ID else None
            at += len(device_id or b"")
            end = at + 1 + encoded[at]
            host = _decode_host(encoded[at + 1 : end])
            port, digest, keys, tx_limit, received, window = _FIXED.unpack_from(encoded, end)
        except (IndexError, struct.error) as error:
            raise DtlsFormatError("snapshot cut off") from error
        reader = ByteReader(encoded[end + _FIXED.size :])
        finale = _decode_finale(reader) if flags & _HAS_FINALE else None
        reader.end()
        return cls(
            cid=cid,
            device_id=device_id,
            address=(host, port),
            spki_digest=digest,
            keys=keys,
            tx_limit=_below(SEQUENCE_END + 1, tx_limit),
            rx_highest=_below(SEQUENCE_END + 1, received) - 1,
            rx_window=window,
            finale=finale,
        )


def _decode_host(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise DtlsFormatError("host is no text") from error


def _decode_finale(reader: ByteReader) -> Finale:
    return Finale(reader.take(VERIFY_DATA_BYTES), reader.u16(), reader.u48())


def _below(end: int, number: int) -> int:
    if number >= end:
        raise DtlsFormatError(f"{number} is not below {end}")
    return number
