"""What the parts of the server put out, in one place and in order."""

from collections import deque
from collections.abc import Iterable

from roadstead.protocol.dtls.constants import ALERT, ALERT_FATAL, APPLICATION_DATA
from roadstead.protocol.dtls.counters import ServerCounters
from roadstead.protocol.dtls.events import HandshakeFailed, SequenceLow, ServerEvent
from roadstead.protocol.dtls.records import encode_clear
from roadstead.protocol.dtls.session import Address, Session


class Output:
    """Events, datagrams and counters of one server.

    Attributes:
        events: waiting to be asked for.
        datagrams: waiting to be sent.
        counters: see ServerCounters.
    """

    __slots__ = ("counters", "datagrams", "events")

    def __init__(self) -> None:
        self.counters = ServerCounters()
        self.events: deque[ServerEvent] = deque()
        self.datagrams: list[tuple[bytes, Address]] = []

    def report_failure(self, address: Address, reason: str) -> None:
        """Tells that a handshake failed; reasons as in HandshakeFailed."""
        self.counters.handshakes_failed += 1
        self.events.append(HandshakeFailed(address, reason))

    def send_clear_alert(self, address: Address, sequence: int, description: int) -> None:
        """Sends a fatal alert in clear under this record number."""
        alert = encode_clear(ALERT, sequence, bytes((ALERT_FATAL, description)))
        self.datagrams.append((alert, address))

    def send_protected(self, session: Session, kind: int, content: bytes) -> bool:
        """Sends a protected record; False when the session has no number left."""
        record = session.seal(kind, content)
        if record is not None:
            self.datagrams.append((record, session.address))
        self._warn(session)
        return record is not None

    def send_all(self, session: Session, contents: Iterable[bytes]) -> None:
        """Sends application data in several records, as long as the session has numbers."""
        append, address, protect = self.datagrams.append, session.address, session.seal
        for content in contents:
            record = protect(APPLICATION_DATA, content)
            if record is None:
                break
            append((record, address))
        self._warn(session)

    def send_finale(self, session: Session) -> None:
        """Sends the server's last flight, as long as the device has not gone on."""
        datagram = session.next_finale()
        if datagram is not None:
            self.datagrams.append((datagram, session.address))
        self._warn(session)

    def _warn(self, session: Session) -> None:
        if session.runs_low():
            self.events.append(SequenceLow(session))
