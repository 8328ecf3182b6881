"""One established session as the server holds it, and its form at rest.

The keys live as 40 bytes; cipher objects are made when needed and may be dropped again. Record
numbers are used below ``tx_limit`` only, and whoever stores sessions raises the limit before it is
reached, so that a number is never used twice even if the process dies (AES-CCM must never see a
nonce again). A restored session begins at its stored limit and stays silent until that is raised.
"""

from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from roadstead.protocol.dtls.constants import CHANGE_CIPHER_SPEC, HANDSHAKE, SEQUENCE_END
from roadstead.protocol.dtls.keys import CLIENT_IV, CLIENT_KEY, SERVER_IV, SERVER_KEY
from roadstead.protocol.dtls.records import (
    encode_clear,
    make_cipher,
    open_identified,
    open_sealed,
    seal,
    unwrap,
)
from roadstead.protocol.dtls.replay import is_repeat, note
from roadstead.protocol.dtls.snapshot import Finale, SessionSnapshot

Address = tuple[str, int]
"""Numeric host and port."""

Opened = tuple[int, bytes, bool]
"""An authentic record: its real content type, what it carried, and whether its number is the
highest so far. A plain tuple: one is made for every record."""


class Session:
    """One device's session; compared by identity, well under 1.2 kB while idle.

    Attributes:
        cid: connection id (8 bytes) that the device writes into its records; None for Device OS
            3.0 and older.
        device_id: 12 bytes, or None while unknown.
        address: where the device was last heard; answers go there.
        spki_digest: SHA-256 of the public key that the device proved to hold.
        tx_sequence: next record number to send with.
        tx_limit: first number that is not reserved.
        rx_highest: highest number received, -1 before the first.
        rx_window: see ``replay``.
        context: whatever the owner of the session likes to hang on it.
    """

    __slots__ = (
        "_finale",
        "_keys",
        "_opener",
        "_sealer",
        "_tx_alarm",
        "address",
        "cid",
        "context",
        "device_id",
        "rx_highest",
        "rx_window",
        "spki_digest",
        "tx_limit",
        "tx_sequence",
    )

    def __init__(
        self,
        *,
        cid: bytes | None,
        device_id: bytes | None,
        address: Address,
        spki_digest: bytes,
        keys: bytes,
        tx_sequence: int,
        tx_limit: int,
        rx_highest: int = -1,
        rx_window: int = 0,
        finale: Finale | None = None,
    ) -> None:
        self.cid = cid
        self.device_id = device_id
        self.address = address
        self.spki_digest = spki_digest
        self.tx_sequence = tx_sequence
        self.tx_limit = tx_limit
        self.rx_highest = rx_highest
        self.rx_window = rx_window
        self.context: Any = None
        self._keys = keys
        self._finale = finale
        self._opener: AESCCM | None = None
        self._sealer: AESCCM | None = None
        self._tx_alarm = (tx_sequence + tx_limit) // 2

    @classmethod
    def restore(cls, snapshot: SessionSnapshot) -> "Session":
        """The session as it goes on after its process has ended; silent until ``extend``."""
        return cls(
            cid=snapshot.cid,
            device_id=snapshot.device_id,
            address=snapshot.address,
            spki_digest=snapshot.spki_digest,
            keys=snapshot.keys,
            tx_sequence=snapshot.tx_limit,
            tx_limit=snapshot.tx_limit,
            rx_highest=snapshot.rx_highest,
            rx_window=snapshot.rx_window,
            finale=snapshot.finale,
        )

    def snapshot(self) -> SessionSnapshot:
        """What must be stored to go on with this session; contains its keys."""
        return SessionSnapshot(
            cid=self.cid,
            device_id=self.device_id,
            address=self.address,
            spki_digest=self.spki_digest,
            keys=self._keys,
            tx_limit=self.tx_limit,
            rx_highest=self.rx_highest,
            rx_window=self.rx_window,
            finale=self._finale,
        )

    def extend(self, limit: int) -> None:
        """Allows numbers below ``limit``, which must be stored already; never lowers the limit."""
        limit = min(limit, SEQUENCE_END)
        if limit > self.tx_limit:
            self.tx_limit = limit
            self._tx_alarm = (self.tx_sequence + limit) // 2

    def runs_low(self) -> bool:
        """True once when half of the reserved numbers are used up, until the next ``extend``."""
        if self.tx_sequence < self._tx_alarm:
            return False
        self._tx_alarm = SEQUENCE_END + 1
        return True

    def cool(self) -> None:
        """Drops the cipher objects, about 400 bytes; they come back when needed."""
        self._opener = self._sealer = None

    def seal(self, kind: int, content: bytes) -> bytes | None:
        """The next record of the server; None when no number is left below the limit."""
        sequence = self.tx_sequence
        if sequence >= self.tx_limit:
            return None
        self.tx_sequence = sequence + 1
        sealer = self._sealer
        if sealer is None:
            sealer = self._sealer = make_cipher(self._keys[SERVER_KEY])
        return seal(sealer, self._keys[SERVER_IV], kind, sequence, content)

    def is_repeat(self, sequence: int) -> bool:
        """True if a record of the device with this number was seen, or is too old to know."""
        return is_repeat(self.rx_highest, self.rx_window, sequence)

    def open(self, record: bytes, kind: int) -> Opened:
        """Opens a record of the device that is no repeat, and remembers its number.

        Args:
            record: one whole record.
            kind: its type; IDENTIFIED for one with a connection id.

        Raises:
            InvalidTag: it is forged, damaged or too short; nothing was changed.
        """
        opener = self._opener
        if opener is None:
            opener = self._opener = make_cipher(self._keys[CLIENT_KEY])
        iv = self._keys[CLIENT_IV]
        if self.cid is not None:
            kind, content = unwrap(open_identified(opener, iv, record))
        else:
            content = open_sealed(opener, iv, record, kind)
        sequence = int.from_bytes(record[5:11], "big")
        newest = sequence > self.rx_highest
        self.rx_highest, self.rx_window = note(self.rx_highest, self.rx_window, sequence)
        return kind, content, newest

    def set_finale(self, finale: Finale | None) -> None:
        """Keeps the server's Finished for repeats, or drops it once the device goes on."""
        self._finale = finale

    @property
    def awaits_device(self) -> bool:
        """True until the device has sent its first application record."""
        return self._finale is not None

    def next_finale(self) -> bytes | None:
        """ChangeCipherSpec and Finished under new record numbers, as one datagram.

        None when the device has gone on already, or when no number is left.
        """
        finale = self._finale
        if finale is None:
            return None
        finished = self.seal(HANDSHAKE, finale.message)
        if finished is None:
            return None
        self._finale = finale._replace(sequence=finale.sequence + 1)
        return encode_clear(CHANGE_CIPHER_SPEC, finale.sequence, b"\x01") + finished
