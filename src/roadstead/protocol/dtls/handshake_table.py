"""The handshakes in progress: found by address and by connection id, bounded, expiring."""

from collections import Counter

from roadstead.kit.addresses import caller_key
from roadstead.protocol.dtls.counters import ServerCounters
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.server_handshake import ServerHandshake, Stage
from roadstead.protocol.dtls.session import Address


class HandshakeTable:
    """Handshakes in the order of their beginning, which is also the order in which they expire.

    A finished handshake stays until the device goes on or it expires, so that a late ClientHello
    of it begins nothing new.
    """

    def __init__(self, limits: ServerLimits, counters: ServerCounters) -> None:
        self._limits = limits
        self._counters = counters
        self._by_address: dict[Address, ServerHandshake] = {}
        self._by_cid: dict[bytes, ServerHandshake] = {}
        self._of_host: Counter[str] = Counter()

    def has_room(self, host: str) -> bool:
        """Whether one more from this host, or its network in IPv6, is within the limits."""
        return (
            len(self._by_address) < self._limits.half_open
            and self._of_host[caller_key(host)] < self._limits.half_open_per_host
        )

    def add(self, handshake: ServerHandshake) -> None:
        """Adds one whose address has none."""
        self._by_address[handshake.address] = handshake
        if handshake.cid is not None:
            self._by_cid[handshake.cid] = handshake
        self._of_host[caller_key(handshake.address[0])] += 1
        self._counters.half_open = len(self._by_address)

    def remove(self, handshake: ServerHandshake) -> bool:
        """Removes it; False if it was not there any more."""
        if self._by_address.get(handshake.address) is not handshake:
            return False
        del self._by_address[handshake.address]
        if handshake.cid is not None:
            self._by_cid.pop(handshake.cid, None)
        host = caller_key(handshake.address[0])
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]
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
