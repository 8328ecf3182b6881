"""The handshakes in progress: found by address and by connection id, bounded, expiring."""

from itertools import islice

from roadstead.kit.addresses import caller_key
from roadstead.kit.shares import Shares
from roadstead.protocol.dtls.counters import ServerCounters
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.server_handshake import ServerHandshake, Stage
from roadstead.protocol.dtls.session import Address

UNPROVEN = frozenset(
    {Stage.WAITING_FLIGHT, Stage.WAITING_CERTIFICATE, Stage.WAITING_VERDICT, Stage.WAITING_PROOF}
)
"""Stages in which the peer has shown its address and nothing else."""

LOOKED_AT = 16
"""Oldest handshakes of a host among which an unproven one is looked for."""


class HandshakeTable:
    """Handshakes in the order of their beginning, which is also the order in which they expire.

    A finished handshake stays until the device goes on or it expires, so that a late ClientHello
    of it begins nothing new.

    When all places are taken, hosts with few of them come before hosts with many: a newcomer gets
    the place of the oldest unproven handshake of the host that has the most.
    """

    def __init__(self, limits: ServerLimits, counters: ServerCounters) -> None:
        self._limits = limits
        self._counters = counters
        self._by_address: dict[Address, ServerHandshake] = {}
        self._by_cid: dict[bytes, ServerHandshake] = {}
        self._shares: Shares[ServerHandshake] = Shares()

    def has_room(self, host: str) -> bool:
        """Whether one more from this host, or its network in IPv6, is within the limits."""
        return (
            len(self._by_address) < self._limits.half_open
            and self._shares.count(caller_key(host)) < self._limits.half_open_per_host
        )

    def find_dispensable(self, host: str) -> ServerHandshake | None:
        """The handshake whose place this host may have; None if it has its own share already.

        It is of a host that has more of them, even after the exchange, and nobody has proved a key
        in it.
        """
        mine = self._shares.count(caller_key(host))
        if mine >= self._limits.half_open_per_host or self._shares.most <= mine + 1:
            return None
        for handshake in islice(self._shares.heaviest(), LOOKED_AT):
            if handshake.stage in UNPROVEN:
                return handshake
        return None

    def add(self, handshake: ServerHandshake) -> None:
        """Adds one whose address has none."""
        self._by_address[handshake.address] = handshake
        if handshake.cid is not None:
            self._by_cid[handshake.cid] = handshake
        self._shares.add(caller_key(handshake.address[0]), handshake)
        self._counters.half_open = len(self._by_address)

    def remove(self, handshake: ServerHandshake) -> bool:
        """Removes it; False if it was not there any more."""
        if self._by_address.get(handshake.address) is not handshake:
            return False
        del self._by_address[handshake.address]
        if handshake.cid is not None:
            self._by_cid.pop(handshake.cid, None)
        self._shares.remove(caller_key(handshake.address[0]), handshake)
        self._counters.half_open = len(self._by_address)
        return True

    def __contains__(self, handshake: ServerHandshake) -> bool:
        return self._by_address.get(handshake.address) is handshake

    def find_by_address(self, address: Address) -> ServerHandshake | None:
        """The handshake of this address."""
        return self._by_address.get(address)

    def find_by_cid(self, cid: bytes) -> ServerHandshake | None:
        """The handshake that handed out this connection id."""
        return self._by_cid.get(cid)

    def next_expiry(self) -> float | None:
        """When the oldest expires, in monotonic seconds."""
        for handshake in self._by_address.values():
            return handshake.expires_at
        return None

    def pop_expired(self, now: float) -> list[ServerHandshake]:
        """Removes and gives those that expired unfinished; finished ones go without a word."""
        expired = []
        while (oldest := next(iter(self._by_address.values()), None)) is not None:
            if oldest.expires_at > now:
                break
            self.remove(oldest)
            if oldest.stage is not Stage.DONE:
                expired.append(oldest)
        return expired
