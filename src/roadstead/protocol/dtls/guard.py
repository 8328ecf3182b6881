"""Opening protected records, and ignoring sources that send forged ones.

The tag has 64 bits, so a forger must be slowed down before he has tried often. Sources of datagrams
can be forged as well: a session is always heard at its own address, lest somebody silence a device
by sending forgeries in its name.
"""

from collections.abc import Sequence
from typing import TypeVar

from cryptography.exceptions import InvalidTag

from roadstead.protocol.dtls.counters import ServerCounters
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.session import Address, Opened, Session

Entry = TypeVar("Entry")


class RecordGuard:
    """Opens records, and counts forged ones by source in a bounded table."""

    __slots__ = ("_counters", "_forged", "_limits", "_silenced_until")

    def __init__(self, limits: ServerLimits, counters: ServerCounters) -> None:
        self._limits = limits
        self._counters = counters
        self._forged: dict[Address, tuple[int, float]] = {}
        self._silenced_until: dict[Address, float] = {}

    def open(
        self, session: Session, record: bytes, kind: int, address: Address, now: float
    ) -> Opened | None:
        """What a record carries; None if it is a repeat, a forgery, or from a noisy source."""
        if self._silenced_until and address != session.address and self._is_silenced(address, now):
            self._counters.noise_ignored += 1
            return None
        sequence = int.from_bytes(record[5:11], "big")
        if sequence <= session.rx_highest and session.is_repeat(sequence):
            self._counters.replays += 1
            return None
        try:
            opened = session.open(record, kind)
        except InvalidTag:
            self._counters.bad_tags += 1
            self._count_forged(address, now)
            return None
        self._counters.records += 1
        return opened

    def open_of_one(
        self, sessions: Sequence[Session], record: bytes, kind: int, address: Address, now: float
    ) -> tuple[Session, Opened] | None:
        """The one among these sessions, all at home at ``address``, whose record it is.

        A record that opens with none of their keys is one forgery, however many were tried.
        """
        sequence = int.from_bytes(record[5:11], "big")
        tried = 0
        for session in sessions:
            if session.is_repeat(sequence):
                continue
            try:
                opened = session.open(record, kind)
            except InvalidTag:
                tried += 1
                continue
            self._counters.records += 1
            return session, opened
        if tried:
            self._counters.bad_tags += 1
            self._count_forged(address, now)
        else:
            self._counters.replays += 1
        return None

    def _is_silenced(self, address: Address, now: float) -> bool:
        until = self._silenced_until.get(address)
        if until is None or now < until:
            return until is not None
        del self._silenced_until[address]
        return False

    def _count_forged(self, address: Address, now: float) -> None:
        number, since = self._forged.pop(address, (0, now))
        if now - since >= self._limits.noise_window_s:
            number, since = 0, now
        if number + 1 >= self._limits.bad_tags_per_source:
            self._keep(self._silenced_until, address, now + self._limits.noise_window_s)
        else:
            self._keep(self._forged, address, (number + 1, since))

    def _keep(self, table: dict[Address, Entry], address: Address, value: Entry) -> None:
        if len(table) >= self._limits.noisy_sources:
            del table[next(iter(table))]
        table[address] = value
