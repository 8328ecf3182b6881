"""The established sessions: found by connection id, by address, by device.

Sessions without connection id are known by their address, and several may have a claim to one: a
NAT gives it to another device, or a registered device forges another's address in a record of its
own. So the newest claim does not push the older ones out: they stay beside it, and whichever's keys
open a record is the one that sent it.
"""

from collections.abc import Sequence

from roadstead.protocol.dtls.session import Address, Session

CLAIMS_BESIDE = 8
"""Further sessions remembered at one address: what a forged record makes the server try, 2 us each.
Beyond it the claim that came last is dropped, so that nobody can push an established one out."""


class SessionTable:
    """Every live session once, under each name by which a record can call it.

    Attributes:
        by_cid: sessions with a connection id, for the hot path.
    """

    def __init__(self) -> None:
        self.by_cid: dict[bytes, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self._beside: dict[Address, list[Session]] = {}
        self._by_device: dict[bytes, Session] = {}
        self._without_cid: set[Session] = set()

    def __len__(self) -> int:
        return len(self.by_cid) + len(self._without_cid)

    def __contains__(self, session: Session) -> bool:
        if session.cid is None:
            return session in self._without_cid
        return self.by_cid.get(session.cid) is session

    def add(self, session: Session) -> list[Session]:
        """Adds one and gives those that it leaves without a name or a use, removed already.

        An older session of the same device goes; so does one without connection id at the same
        address, if its device is unknown, for nothing can reach it any more.
        """
        gone = [] if session.device_id is None else self.bind(session, session.device_id)
        if session.cid is not None:
            self.by_cid[session.cid] = session
            return gone
        self._without_cid.add(session)
        other = self._by_address.get(session.address)
        self._claim(session, session.address)
        if other is not None and other is not session and other.device_id is None:
            self.remove(other)
            gone.append(other)
        return gone

    def adopt(self, session: Session) -> None:
        """Adds a restored one beside all others; the last one adopted of a device is its own."""
        if session.cid is not None:
            self.by_cid[session.cid] = session
        else:
            self._without_cid.add(session)
            self._claim(session, session.address)
        if session.device_id is not None:
            self._by_device[session.device_id] = session

    def bind(self, session: Session, device_id: bytes) -> list[Session]:
        """Notes whose session it is; gives the older one of this device, removed already."""
        former = session.device_id
        if former is not None and self._by_device.get(former) is session:
            del self._by_device[former]
        session.device_id = device_id
        older = self._by_device.get(device_id)
        self._by_device[device_id] = session
        if older is None or older is session:
            return []
        self.remove(older)
        return [older]

    def remove(self, session: Session) -> None:
        """Forgets it; what is known of others stays."""
        if session.cid is not None:
            if self.by_cid.get(session.cid) is session:
                del self.by_cid[session.cid]
        else:
            self._without_cid.discard(session)
            self._leave(session, session.address)
        device_id = session.device_id
        if device_id is not None and self._by_device.get(device_id) is session:
            del self._by_device[device_id]

    def move(self, session: Session, address: Address) -> Address:
        """Gives it a new address and returns the old one."""
        old = session.address
        if session.cid is None:
            self._leave(session, old)
            self._claim(session, address)
        session.address = address
        return old

    def find_by_address(self, address: Address) -> Session | None:
        """The session without connection id that was last heard at this address."""
        return self._by_address.get(address)

    def find_beside(self, address: Address) -> Sequence[Session]:
        """Others that have a claim to this address."""
        return tuple(self._beside.get(address, ()))

    def prefer(self, session: Session) -> None:
        """It was heard at its address: from now on it is the first to be tried there."""
        if self._by_address.get(session.address) is not session:
            self._leave(session, session.address)
            self._claim(session, session.address)

    def find_by_device(self, device_id: bytes) -> Session | None:
        """The session without connection id of this device."""
        session = self._by_device.get(device_id)
        return session if session is not None and session.cid is None else None

    def _claim(self, session: Session, address: Address) -> None:
        other = self._by_address.get(address)
        self._by_address[address] = session
        if other is None or other is session:
            return
        beside = self._beside.setdefault(address, [])
        if session in beside:
            beside.remove(session)
        if len(beside) < CLAIMS_BESIDE:
            beside.append(other)

    def _leave(self, session: Session, address: Address) -> None:
        beside = self._beside.get(address)
        if self._by_address.get(address) is session:
            if beside:
                self._by_address[address] = beside.pop()
            else:
                del self._by_address[address]
        elif beside is not None and session in beside:
            beside.remove(session)
        if beside is not None and not beside:
            del self._beside[address]
