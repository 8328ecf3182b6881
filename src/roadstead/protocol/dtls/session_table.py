"""The established sessions: found by connection id, by address, by device."""

from roadstead.protocol.dtls.session import Address, Session


class SessionTable:
    """Every live session once, under each name by which a record can call it.

    Attributes:
        by_cid: sessions with a connection id, for the hot path.
    """

    def __init__(self) -> None:
        self.by_cid: dict[bytes, Session] = {}
        self._by_address: dict[Address, Session] = {}
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
        self._by_address[session.address] = session
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
            self._by_address[session.address] = session
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
            if self._by_address.get(session.address) is session:
                del self._by_address[session.address]
        device_id = session.device_id
        if device_id is not None and self._by_device.get(device_id) is session:
            del self._by_device[device_id]

    def move(self, session: Session, address: Address) -> Address:
        """Gives it a new address and returns the old one."""
        old = session.address
        if session.cid is None:
            if self._by_address.get(old) is session:
                del self._by_address[old]
            self._by_address[address] = session
        session.address = address
        return old

    def find_by_address(self, address: Address) -> Session | None:
        """The session without connection id at this address."""
        return self._by_address.get(address)

    def find_by_device(self, device_id: bytes) -> Session | None:
        """The session without connection id of this device."""
        session = self._by_device.get(device_id)
        return session if session is not None and session.cid is None else None
