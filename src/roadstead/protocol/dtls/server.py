"""The server's end of DTLS for all devices at once: datagrams in, events out, datagrams out.

Per datagram (device protocol notes §1.7): a record with a connection id belongs to the session or
handshake that the id names, whatever address it came from; a record without one to the session at
its address, or, marked as moved, to the device named behind it; a record in clear to the handshake
at its address. What does not authenticate, or was seen before, is dropped without a word.
"""

from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.protocol.dtls.admission import Admission
from roadstead.protocol.dtls.client_hello import Hello, parse_hello
from roadstead.protocol.dtls.constants import (
    ALERT,
    ALERT_FATAL,
    ALERT_WARNING,
    APPLICATION_DATA,
    CLOSE_NOTIFY,
    HANDSHAKE,
    IDENTIFIED,
    MAX_DATAGRAM_BYTES,
    MAX_RECORDS_PER_DATAGRAM,
    MOVED,
    MOVED_IDENTIFIED,
)
from roadstead.protocol.dtls.counters import ServerCounters
from roadstead.protocol.dtls.crypto_jobs import CryptoJob, CryptoResult
from roadstead.protocol.dtls.events import (
    ApplicationData,
    ServerEvent,
    SessionClosed,
    SessionMoved,
)
from roadstead.protocol.dtls.guard import RecordGuard
from roadstead.protocol.dtls.handshake_messages import Fragment, decode_fragments
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.output import Output
from roadstead.protocol.dtls.reader import DtlsFormatError
from roadstead.protocol.dtls.records import (
    CLEAR,
    HEADER_BYTES,
    PROTECTED,
    TRAILER_BYTES,
    decode_sequence,
    find_end,
)
from roadstead.protocol.dtls.server_handshake import EarlyRecord, ServerHandshake
from roadstead.protocol.dtls.session import Address, Opened, Session
from roadstead.protocol.dtls.session_table import SessionTable
from roadstead.protocol.dtls.snapshot import SessionSnapshot

_TRAILER_LENGTH_AT = TRAILER_BYTES - 1
_WITH_CID = (IDENTIFIED, MOVED_IDENTIFIED)


class DtlsServer:
    """All handshakes and sessions of one process. ``now`` is always monotonic seconds.

    Args:
        private_key: the server's own P-256 key, which devices know.
        cookie_secret: at least 16 random bytes, shared by the processes of one port.
        shard: first byte of the connection ids handed out, 0 to 255.
        random: gives random bytes that cannot be guessed.
        limits: see ServerLimits.

    Attributes:
        counters: see ServerCounters.
    """

    def __init__(
        self,
        *,
        private_key: ec.EllipticCurvePrivateKey,
        cookie_secret: bytes,
        shard: int,
        random: Callable[[int], bytes],
        limits: ServerLimits | None = None,
    ) -> None:
        limits = limits or ServerLimits()
        self._output = Output()
        self.counters: ServerCounters = self._output.counters
        self._sessions = SessionTable()
        self._guard = RecordGuard(limits, self.counters)
        self._admission = Admission(
            private_key=private_key,
            cookie_secret=cookie_secret,
            shard=shard,
            random=random,
            limits=limits,
            is_taken=self._sessions.by_cid.__contains__,
            output=self._output,
            guard=self._guard,
        )

    @property
    def session_count(self) -> int:
        """Number of live sessions."""
        return len(self._sessions)

    def next_event(self) -> ServerEvent | None:
        """The next event, None when there is none."""
        events = self._output.events
        return events.popleft() if events else None

    def to_send(self) -> list[tuple[bytes, Address]]:
        """Datagrams to send now, each given once."""
        datagrams, self._output.datagrams = self._output.datagrams, []
        return datagrams

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        return self._admission.next_expiry()

    def handle_timeout(self, now: float) -> None:
        """Gives up handshakes that took too long."""
        self._admission.expire(now)

    def receive(self, datagram: bytes, address: Address, now: float) -> None:
        """Takes in one datagram of anybody. Never raises, whatever the datagram."""
        self.counters.datagrams += 1
        size = len(datagram)
        if size <= HEADER_BYTES or size > MAX_DATAGRAM_BYTES:
            self.counters.malformed += size > 1  # one byte or none keeps a NAT binding alive
            return
        if datagram[0] == MOVED:
            self._receive_moved(datagram, address, now)
            return
        offset = 0
        for _ in range(MAX_RECORDS_PER_DATAGRAM):
            end = find_end(datagram, offset)
            if not end:
                self.counters.malformed += 1
                return
            self._receive_record(datagram[offset:end], address, now)
            if end == size:
                return
            offset = end

    def send(self, session: Session, content: bytes) -> bool:
        """Sends a message (at most 1,152 bytes) to the session's address.

        False when no record number is left below the limit: nothing was sent, and SequenceLow was
        or is told.
        """
        return self._output.send_protected(session, APPLICATION_DATA, content)

    def send_all(self, session: Session, contents: Iterable[bytes]) -> None:
        """Sends several messages as ``send`` does, up to the first that finds no number left."""
        self._output.send_all(session, contents)

    def accept_key(self, handshake: ServerHandshake, now: float, device_id: bytes | None) -> None:
        """The key of a KeyOffered is welcome.

        Args:
            handshake: of the event; nothing happens if it is over.
            now: monotonic seconds.
            device_id: 12 bytes of the device that the key is registered for, None if unknown.
        """
        self._admission.accept_key(handshake, device_id)

    def refuse_key(self, handshake: ServerHandshake, now: float) -> None:
        """The key of a KeyOffered is not welcome; the device is told so by an alert."""
        self._admission.refuse_key(handshake)

    def finish(self, job: CryptoJob, result: CryptoResult | None, now: float) -> None:
        """Takes the result of ``job.run()``; None if it could not be run."""
        self._admission.finish(job, result, now)

    def confirm(self, session: Session, now: float) -> None:
        """The session of a SessionReady is stored: it becomes live, the device is told.

        An older session of the same device ends now, not before.
        """
        if not self._admission.confirm(session):
            return
        self.counters.handshakes_done += 1
        for older in self._sessions.add(session):
            self._output.events.append(SessionClosed(older, "replaced"))
        self._output.send_finale(session)

    def abandon(self, session: Session) -> None:
        """The session of a SessionReady cannot be stored: the device must try again."""
        self._admission.abandon(session)

    def close(self, session: Session) -> None:
        """Tells the device that its session is over, and forgets it."""
        self._output.send_protected(session, ALERT, bytes((ALERT_WARNING, CLOSE_NOTIFY)))
        self._sessions.remove(session)

    def forget(self, session: Session) -> None:
        """Forgets a session without a word to the device."""
        self._sessions.remove(session)

    def restore(self, snapshot: SessionSnapshot, now: float) -> Session:
        """Takes up a stored session, beside any other of the same device.

        It begins at the snapshot's ``tx_limit`` and sends nothing until ``extend_sequence`` raises
        that. Of a device's sessions without connection id restore the newest last.
        """
        session = Session.restore(snapshot)
        self._sessions.adopt(session)
        return session

    def extend_sequence(self, session: Session, limit: int) -> None:
        """Allows record numbers below ``limit``, which must be stored already."""
        session.extend(limit)

    def bind_device(self, session: Session, device_id: bytes) -> None:
        """Notes whose session it is (12 bytes), so that it can move; ends the older one.

        For sessions whose key was accepted without a device id; the caller has made sure that the
        key is that device's.
        """
        for older in self._sessions.bind(session, device_id):
            self._output.events.append(SessionClosed(older, "replaced"))

    def _receive_record(self, record: bytes, address: Address, now: float) -> None:
        kind, state = record[0], record[1:5]
        if state == PROTECTED:
            if kind in _WITH_CID:
                self._receive_identified(record, address, now)
            elif kind != MOVED:
                self._receive_unidentified(record, address, now)
        elif state != CLEAR:
            self.counters.malformed += 1
        elif kind == HANDSHAKE:
            self._receive_clear(record, address, now)
        elif kind == ALERT:
            self._admission.receive_alert(record[HEADER_BYTES:], address)

    def _receive_identified(self, record: bytes, address: Address, now: float) -> None:
        cid = record[11:19]
        session = self._sessions.by_cid.get(cid)
        if session is not None:
            self._receive_protected(session, record, IDENTIFIED, address, now)
            return
        early = EarlyRecord(record, IDENTIFIED, address)
        if not self._admission.receive_protected(early, cid, now):
            self.counters.unknown_cids += 1

    def _receive_unidentified(self, record: bytes, address: Address, now: float) -> None:
        kind = record[0]
        early = EarlyRecord(record, kind, address)
        if kind == HANDSHAKE and self._admission.receive_protected(early, None, now):
            return
        session = self._sessions.find_by_address(address)
        if session is None:
            self.counters.unknown_addresses += 1
            return
        beside = self._sessions.find_beside(address)
        if not beside:
            self._receive_protected(session, record, kind, address, now)
            return
        found = self._guard.open_of_one((session, *beside), record, kind, address, now)
        if found is not None:
            self._sessions.prefer(found[0])
            self._take(*found)

    def _receive_moved(self, datagram: bytes, address: Address, now: float) -> None:
        """A record of Device OS 3.0 or older after a resume: the device id follows it."""
        record, trailer = datagram[:-TRAILER_BYTES], datagram[-TRAILER_BYTES:]
        if (
            trailer[_TRAILER_LENGTH_AT] != _TRAILER_LENGTH_AT
            or len(record) <= HEADER_BYTES
            or record[1:5] != PROTECTED
            or find_end(record, 0) != len(record)
        ):
            self.counters.malformed += 1
            return
        session = self._sessions.find_by_device(trailer[:_TRAILER_LENGTH_AT])
        if session is not None:
            self._receive_protected(session, record, APPLICATION_DATA, address, now)
        else:
            self.counters.unknown_addresses += 1

    def _receive_protected(
        self, session: Session, record: bytes, kind: int, address: Address, now: float
    ) -> None:
        opened = self._guard.open(session, record, kind, address, now)
        if opened is None:
            return
        if opened[2] and address != session.address:
            old = self._sessions.move(session, address)
            self.counters.sessions_moved += 1
            self._output.events.append(SessionMoved(session, old))
        self._take(session, opened)

    def _take(self, session: Session, opened: Opened) -> None:
        content_kind, content, _ = opened
        if content_kind == APPLICATION_DATA:
            if session.awaits_device:
                self._admission.settle(session)
            self._output.events.append(ApplicationData(session, content))
        elif content_kind == ALERT:
            self._receive_alert(session, content)
        elif content_kind == HANDSHAKE and session.awaits_device:
            self.counters.flights_resent += 1
            self._output.send_finale(session)

    def _receive_alert(self, session: Session, content: bytes) -> None:
        if len(content) != 2:
            return
        level, description = content
        if description == CLOSE_NOTIFY or level == ALERT_FATAL:
            self._sessions.remove(session)
            reason = "close_notify" if description == CLOSE_NOTIFY else f"alert_{description}"
            self._output.events.append(SessionClosed(session, reason))

    def _receive_clear(self, record: bytes, address: Address, now: float) -> None:
        content = record[HEADER_BYTES:]
        try:
            fragments = decode_fragments(content)
            hello = _parse_hello(fragments, record)
        except DtlsFormatError:
            self.counters.malformed += 1
            return
        if hello is not None:
            self._admission.receive_hello(hello, address, now)
        else:
            self._admission.receive_messages(fragments, address)


def _parse_hello(fragments: list[Fragment], record: bytes) -> Hello | None:
    if len(fragments) != 1:
        return None
    return parse_hello(fragments[0], decode_sequence(record))
