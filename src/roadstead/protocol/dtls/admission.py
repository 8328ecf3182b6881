"""Admission: from a stranger's first datagram to a proven key, for all devices at once.

Nothing is kept of a peer before it shows a valid cookie, and no answer to such a peer is longer
than what it sent. Handshakes are bounded in number and in time, and so are the computations that
they ask for; what is beyond the bounds is dropped and counted, and the device tries again.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.protocol.dtls.client_hello import Hello, is_supported
from roadstead.protocol.dtls.constants import (
    ACCESS_DENIED,
    ALERT_FATAL,
    CID_BYTES,
    DECRYPT_ERROR,
    HANDSHAKE,
    HANDSHAKE_FAILURE,
)
from roadstead.protocol.dtls.cookie import CookieJar
from roadstead.protocol.dtls.crypto_jobs import (
    Agreement,
    AgreementJob,
    CryptoJob,
    CryptoResult,
    Disagreement,
    FlightJob,
    FlightSecret,
)
from roadstead.protocol.dtls.events import CryptoNeeded, KeyOffered, SessionReady
from roadstead.protocol.dtls.guard import RecordGuard
from roadstead.protocol.dtls.handshake_messages import Fragment
from roadstead.protocol.dtls.handshake_table import HandshakeTable
from roadstead.protocol.dtls.hellos import encode_hello_verify_request
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.output import Output
from roadstead.protocol.dtls.reader import DtlsFormatError
from roadstead.protocol.dtls.records import encode_clear
from roadstead.protocol.dtls.server_handshake import (
    EarlyRecord,
    Fault,
    KeyWanted,
    ServerHandshake,
    Stage,
)
from roadstead.protocol.dtls.session import Address, Session


class Admission:
    """The handshakes of one server. Arguments as in DtlsServer.

    Args:
        is_taken: whether a live session has this connection id.
        output: where events and datagrams go.
        guard: opens records.
    """

    def __init__(
        self,
        *,
        private_key: ec.EllipticCurvePrivateKey,
        cookie_secret: bytes,
        shard: int,
        random: Callable[[int], bytes],
        limits: ServerLimits,
        is_taken: Callable[[bytes], bool],
        output: Output,
        guard: RecordGuard,
    ) -> None:
        self._private_key = private_key
        self._cookies = CookieJar(cookie_secret)
        self._shard = bytes((shard,))
        self._random = random
        self._limits = limits
        self._is_taken = is_taken
        self._output = output
        self._guard = guard
        self._handshakes = HandshakeTable(limits, output.counters)
        self._unconfirmed: dict[Session, ServerHandshake] = {}
        self._jobs = 0

    def next_expiry(self) -> float | None:
        """When ``expire`` is due."""
        return self._handshakes.next_expiry()

    def expire(self, now: float) -> None:
        """Gives up handshakes that took too long."""
        for handshake in self._handshakes.pop_expired(now):
            self._output.report_failure(handshake.address, "expired")

    def receive_hello(self, hello: Hello, address: Address, now: float) -> None:
        """Answers a ClientHello: with a cookie, with a flight, or not at all."""
        client_random = hello.fields.random
        if not self._cookies.accepts(hello.fields.cookie, address, client_random, now):
            self._send_cookie(hello, address, now)
            return
        current = self._handshakes.find_by_address(address)
        if current is not None and current.client_random == client_random:
            self._repeat_flight(current)
            return
        if not _is_supported(hello):
            self._output.send_clear_alert(address, hello.sequence, HANDSHAKE_FAILURE)
            self._output.report_failure(address, "unsupported")
            return
        if current is not None and self._handshakes.remove(current) and current.is_open:
            self._output.report_failure(address, "restarted")
        self._begin(hello, address, now)

    def receive_messages(self, fragments: list[Fragment], address: Address) -> None:
        """Takes in messages in clear; without a handshake at this address they are nothing."""
        handshake = self._handshakes.find_by_address(address)
        if handshake is not None and handshake.is_open:
            handshake.add_clear(fragments)
            self._advance(handshake)

    def receive_alert(self, content: bytes, address: Address) -> None:
        """A fatal alert in clear ends a handshake; to an established session it is nothing."""
        handshake = self._handshakes.find_by_address(address)
        if handshake is None or not handshake.is_open or len(content) != 2:
            return
        if content[0] == ALERT_FATAL:
            self._handshakes.remove(handshake)
            self._output.report_failure(address, f"peer_alert_{content[1]}")

    def receive_protected(self, record: EarlyRecord, cid: bytes | None, now: float) -> bool:
        """Takes in a protected record, if it belongs to a handshake that is not a session yet.

        Args:
            record: as it came.
            cid: connection id in it; None for a record without one, which is known by its address.
            now: monotonic seconds.

        Returns:
            False if no handshake knows it.
        """
        if cid is not None:
            handshake = self._handshakes.find_by_cid(cid)
        else:
            handshake = self._handshakes.find_by_address(record.address)
        if handshake is None or (handshake.cid is None) != (cid is None):
            return False
        if not handshake.is_open and handshake.session not in self._unconfirmed:
            return False
        self._receive_finished(handshake, record, now)
        return True

    def accept_key(self, handshake: ServerHandshake, device_id: bytes | None) -> None:
        """See DtlsServer."""
        if handshake in self._handshakes:
            handshake.accept_key(device_id)
            self._advance(handshake)

    def refuse_key(self, handshake: ServerHandshake) -> None:
        """See DtlsServer."""
        if handshake in self._handshakes and handshake.stage is Stage.WAITING_VERDICT:
            self._fail(handshake, Fault("key_refused", ACCESS_DENIED))

    def finish(self, job: CryptoJob, result: CryptoResult | None, now: float) -> None:
        """See DtlsServer."""
        self._jobs -= 1
        handshake = job.handshake
        if handshake not in self._handshakes:
            return
        match job, result:
            case FlightJob(), FlightSecret():
                handshake.set_flight(result)
                self._send_flight(handshake)
            case AgreementJob(), Agreement():
                handshake.agree(result, self._limits.sequence_block)
                for early in handshake.take_early():
                    self._receive_finished(handshake, early, now)
            case AgreementJob(), Disagreement(reason):
                self._fail(handshake, Fault(reason, DECRYPT_ERROR))
            case _:
                self._fail(handshake, Fault("not_computed", HANDSHAKE_FAILURE))

    def confirm(self, session: Session) -> bool:
        """Whether this session waited to be confirmed; it does so no longer."""
        return self._unconfirmed.pop(session, None) is not None

    def abandon(self, session: Session) -> None:
        """See DtlsServer."""
        handshake = self._unconfirmed.pop(session, None)
        if handshake is not None:
            self._handshakes.remove(handshake)

    def settle(self, session: Session) -> None:
        """The device has gone on: nothing of its handshake is needed any more."""
        session.set_finale(None)
        handshake = self._handshakes.find_by_address(session.address)
        if handshake is not None and handshake.session is session:
            self._handshakes.remove(handshake)

    def _begin(self, hello: Hello, address: Address, now: float) -> None:
        if self._jobs >= self._limits.crypto_jobs or not self._make_room(address[0]):
            self._output.counters.handshakes_shed += 1
            return
        handshake = ServerHandshake(
            hello,
            address=address,
            cid=self._new_cid(),
            random=self._random,
            expires_at=now + self._limits.handshake_lifetime_s,
            resends=self._limits.flight_resends,
        )
        self._handshakes.add(handshake)
        self._need(handshake.make_flight_job(self._private_key))

    def _make_room(self, host: str) -> bool:
        if self._handshakes.has_room(host):
            return True
        given_up = self._handshakes.find_dispensable(host)
        if given_up is None:
            return False
        self._handshakes.remove(given_up)
        self._output.report_failure(given_up.address, "displaced")
        return True

    def _send_cookie(self, hello: Hello, address: Address, now: float) -> None:
        cookie = self._cookies.make(address, hello.fields.random, now)
        request = encode_hello_verify_request(hello.message_seq, cookie)
        self._output.counters.hello_verify_sent += 1
        # Never longer than what it answers: the shortest ClientHello that decodes has 51 bytes.
        record = encode_clear(HANDSHAKE, hello.sequence, request)
        self._output.datagrams.append((record, address))

    def _send_flight(self, handshake: ServerHandshake) -> None:
        self._output.datagrams.append((handshake.encode_flight(), handshake.address))

    def _repeat_flight(self, handshake: ServerHandshake) -> None:
        if handshake.may_repeat_flight():
            self._output.counters.flights_resent += 1
            self._send_flight(handshake)

    def _new_cid(self) -> bytes:
        while True:
            cid = self._shard + self._random(CID_BYTES - 1)
            if not self._is_taken(cid) and self._handshakes.find_by_cid(cid) is None:
                return cid

    def _need(self, job: CryptoJob) -> None:
        self._jobs += 1
        self._output.events.append(CryptoNeeded(job))

    def _advance(self, handshake: ServerHandshake) -> None:
        match handshake.advance():
            case KeyWanted(spki):
                self._output.events.append(KeyOffered(handshake, spki, handshake.address))
            case AgreementJob() as job:
                self._need(job)
            case Fault() as fault:
                self._fail(handshake, fault)

    def _receive_finished(self, handshake: ServerHandshake, early: EarlyRecord, now: float) -> None:
        session = handshake.session
        if session is None:
            handshake.add_early(early)
            return
        if handshake.stage is not Stage.WAITING_FINISHED or handshake not in self._handshakes:
            return
        opened = self._guard.open(session, early.record, early.kind, early.address, now)
        if opened is None:
            return
        kind, content, _ = opened
        if kind != HANDSHAKE:
            return
        fault = handshake.finish(content, early.address)
        if fault is not None:
            self._fail(handshake, fault)
            return
        self._unconfirmed[session] = handshake
        self._output.events.append(SessionReady(session))

    def _fail(self, handshake: ServerHandshake, fault: Fault) -> None:
        if self._handshakes.remove(handshake):
            sequence = handshake.next_clear_sequence()
            self._output.send_clear_alert(handshake.address, sequence, fault.alert)
            self._output.report_failure(handshake.address, fault.reason)


def _is_supported(hello: Hello) -> bool:
    try:
        return is_supported(hello.fields)
    except DtlsFormatError:
        return False
