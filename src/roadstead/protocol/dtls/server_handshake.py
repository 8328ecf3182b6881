"""One handshake at the server, from the ClientHello with a valid cookie to a proven key.

It never waits and computes nothing expensive itself: ``advance`` says what must come from outside
(a verdict on the key, the result of a job), and more messages of the device may arrive meanwhile.

    WAITING_FLIGHT ─ send_flight ─▶ WAITING_CERTIFICATE ─ KeyWanted ─▶ WAITING_VERDICT
    ─ accept_key ─▶ WAITING_PROOF ─ AgreementJob ─▶ WAITING_AGREEMENT ─ agree ─▶ WAITING_FINISHED
    ─ finish ─▶ DONE

The device drives the timers: the server only repeats its flight when the device repeats its own.
Spec: RFC 6347 §4.2; device protocol notes §1.3.
"""

import hashlib
import hmac
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.protocol.dtls.client_hello import Hello
from roadstead.protocol.dtls.constants import (
    BAD_CERTIFICATE,
    CERTIFICATE,
    CERTIFICATE_VERIFY,
    CLIENT_KEY_EXCHANGE,
    DECRYPT_ERROR,
    EXTENSION_CLIENT_CERTIFICATE_TYPE,
    EXTENSION_CONNECTION_ID,
    EXTENSION_POINT_FORMATS,
    EXTENSION_RENEGOTIATION_INFO,
    EXTENSION_SERVER_CERTIFICATE_TYPE,
    FINISHED,
    HANDSHAKE,
    HANDSHAKE_FAILURE,
    RANDOM_BYTES,
    RAW_PUBLIC_KEY,
    SESSION_ID_BYTES,
)
from roadstead.protocol.dtls.crypto_jobs import Agreement, AgreementJob, FlightJob, FlightSecret
from roadstead.protocol.dtls.handshake_messages import (
    Fragment,
    decode_certificate,
    decode_certificate_verify,
    decode_client_key_exchange,
    encode_certificate_request,
    encode_message,
    encode_server_hello_done,
    encode_server_key_exchange,
)
from roadstead.protocol.dtls.hellos import (
    encode_cid_extension,
    encode_server_hello,
)
from roadstead.protocol.dtls.limits import EARLY_RECORD_BYTES, EARLY_RECORDS
from roadstead.protocol.dtls.reader import DtlsFormatError
from roadstead.protocol.dtls.reassembly import MessageQueue
from roadstead.protocol.dtls.records import encode_clear
from roadstead.protocol.dtls.session import Address, Session
from roadstead.protocol.dtls.snapshot import Finale

_RAW_PUBLIC_KEY = bytes((RAW_PUBLIC_KEY,))


class Stage(Enum):
    """What a handshake waits for."""

    WAITING_FLIGHT = auto()
    WAITING_CERTIFICATE = auto()
    WAITING_VERDICT = auto()
    WAITING_PROOF = auto()
    WAITING_AGREEMENT = auto()
    WAITING_FINISHED = auto()
    DONE = auto()


class Fault(NamedTuple):
    """Why a handshake cannot go on.

    Attributes:
        reason: as in HandshakeFailed.
        alert: the description to tell the device.
    """

    reason: str
    alert: int


class KeyWanted(NamedTuple):
    """The device named its key, which somebody must judge."""

    spki: bytes


class EarlyRecord(NamedTuple):
    """A protected record that came before its keys."""

    record: bytes
    kind: int
    address: Address


class ServerHandshake:
    """One handshake; compared by identity, about 4 kB.

    Args:
        hello: the ClientHello, supported.
        address: where it came from.
        cid: connection id for the device; used only if the device asked for one.
        random: gives random bytes.
        expires_at: monotonic seconds at which the handshake is to be given up.

    Attributes:
        cid: None if the device did not ask for one.
        session: the session that will be, once the keys are there.
        resends_left: how often the flight may still be repeated.
    """

    __slots__ = (
        "_agreement",
        "_early",
        "_ephemeral",
        "_flight",
        "_messages",
        "_next_sequence",
        "_point",
        "_randoms",
        "_spki",
        "_transcript",
        "address",
        "cid",
        "client_random",
        "device_id",
        "expires_at",
        "message_seq",
        "resends_left",
        "session",
        "stage",
    )

    def __init__(
        self,
        hello: Hello,
        *,
        address: Address,
        cid: bytes,
        random: Callable[[int], bytes],
        expires_at: float,
        resends: int,
    ) -> None:
        self.address = address
        self.client_random = hello.fields.random
        self.message_seq = hello.message_seq
        self.cid = cid if EXTENSION_CONNECTION_ID in hello.fields.extensions else None
        self.device_id: bytes | None = None
        self.expires_at = expires_at
        self.resends_left = resends
        self.session: Session | None = None
        self.stage = Stage.WAITING_FLIGHT
        server_random, session_id = random(RANDOM_BYTES), random(SESSION_ID_BYTES)
        self._randoms = hello.fields.random, server_random
        self._next_sequence = hello.sequence
        self._messages = MessageQueue(hello.message_seq + 1)
        self._flight = [
            encode_server_hello(
                hello.message_seq, server_random, session_id, self._choose_extensions()
            )
        ]
        self._transcript = hello.message
        self._early: list[EarlyRecord] = []
        self._ephemeral: ec.EllipticCurvePrivateKey | None = None
        self._agreement: Agreement | None = None
        self._spki = self._point = b""

    def make_flight_job(self, private_key: ec.EllipticCurvePrivateKey) -> FlightJob:
        """What must be computed before the server's flight can be sent."""
        return FlightJob(self, private_key, b"".join(self._randoms))

    def set_flight(self, secret: FlightSecret) -> None:
        """Completes the server's flight, which ``encode_flight`` then gives."""
        first = self.message_seq
        self._ephemeral = secret.ephemeral
        self._flight += [
            encode_server_key_exchange(first + 1, secret.point, secret.signature),
            encode_certificate_request(first + 2),
            encode_server_hello_done(first + 3),
        ]
        self._transcript += b"".join(self._flight)
        self.stage = Stage.WAITING_CERTIFICATE

    def encode_flight(self) -> bytes:
        """The server's flight as one datagram, under record numbers that were not used yet."""
        first = self._next_sequence
        self._next_sequence += len(self._flight)
        return b"".join(
            encode_clear(HANDSHAKE, first + index, message)
            for index, message in enumerate(self._flight)
        )

    def may_repeat_flight(self) -> bool:
        """Counts one repeat of the device; False when the flight must not be sent again."""
        if self.stage in (Stage.WAITING_FLIGHT, Stage.DONE) or not self.resends_left:
            return False
        self.resends_left -= 1
        return True

    def add_clear(self, fragments: list[Fragment]) -> None:
        """Takes in the messages of a handshake record in clear."""
        for fragment in fragments:
            self._messages.add(fragment)

    def add_early(self, record: EarlyRecord) -> None:
        """Keeps a protected record until the keys are there."""
        if len(self._early) < EARLY_RECORDS and len(record.record) <= EARLY_RECORD_BYTES:
            self._early.append(record)

    def take_early(self) -> list[EarlyRecord]:
        """The records kept, once."""
        early, self._early = self._early, []
        return early

    def advance(self) -> KeyWanted | AgreementJob | Fault | None:
        """Goes as far as the messages allow; None when only the device can help."""
        try:
            if self.stage is Stage.WAITING_CERTIFICATE:
                return self._take_certificate()
            if self.stage is Stage.WAITING_PROOF:
                return self._take_proof()
        except DtlsFormatError:
            return Fault("bad_message", HANDSHAKE_FAILURE)
        return None

    def accept_key(self, device_id: bytes | None) -> None:
        """The offered key is welcome, if the device can prove that it holds it."""
        if self.stage is Stage.WAITING_VERDICT:
            self.device_id = device_id
            self.stage = Stage.WAITING_PROOF

    def agree(self, agreement: Agreement, tx_limit: int) -> None:
        """Makes the session, which is complete once the device's Finished is verified."""
        self._agreement = agreement
        self._ephemeral = None
        self.session = Session(
            cid=self.cid,
            device_id=self.device_id,
            address=self.address,
            spki_digest=hashlib.sha256(self._spki).digest(),
            keys=agreement.keys,
            tx_sequence=0,
            tx_limit=tx_limit,
        )
        self.stage = Stage.WAITING_FINISHED

    def finish(self, content: bytes, address: Address) -> Fault | None:
        """Verifies the device's Finished, the content of an authentic handshake record.

        None when it holds and the handshake is DONE.
        """
        assert self._agreement is not None and self.session is not None
        expected = encode_message(FINISHED, self._finished_seq, self._agreement.client_verify_data)
        if not hmac.compare_digest(content, expected):
            return Fault("bad_finished", DECRYPT_ERROR)
        self.session.address = address
        self.session.set_finale(
            Finale(self._agreement.server_verify_data, self.message_seq + 4, self._next_sequence)
        )
        self._transcript = self._spki = self._point = b""
        self._flight = []
        self._agreement = None
        self.stage = Stage.DONE
        return None

    def next_clear_sequence(self) -> int:
        """A record number for one more record in clear."""
        self._next_sequence += 1
        return self._next_sequence - 1

    @property
    def is_open(self) -> bool:
        """True until the device's Finished was verified."""
        return self.stage is not Stage.DONE

    @property
    def _finished_seq(self) -> int:
        return self.message_seq + 4

    def _choose_extensions(self) -> dict[int, bytes]:
        chosen = {EXTENSION_RENEGOTIATION_INFO: b"\0"}
        if self.cid is not None:
            chosen[EXTENSION_CONNECTION_ID] = encode_cid_extension(self.cid)
        chosen[EXTENSION_CLIENT_CERTIFICATE_TYPE] = _RAW_PUBLIC_KEY
        chosen[EXTENSION_SERVER_CERTIFICATE_TYPE] = _RAW_PUBLIC_KEY
        chosen[EXTENSION_POINT_FORMATS] = b"\x01\0"
        return chosen

    def _take_certificate(self) -> KeyWanted | Fault | None:
        message = self._messages.take()
        if message is None:
            return None
        if message.kind != CERTIFICATE:
            return Fault("bad_message", HANDSHAKE_FAILURE)
        self._spki = decode_certificate(message.content)
        if not self._spki:
            return Fault("no_client_key", BAD_CERTIFICATE)
        self._append(message)
        self.stage = Stage.WAITING_VERDICT
        return KeyWanted(self._spki)

    def _take_proof(self) -> AgreementJob | Fault | None:
        while (message := self._messages.take()) is not None:
            if not self._point and message.kind == CLIENT_KEY_EXCHANGE:
                self._point = decode_client_key_exchange(message.content)
                self._append(message)
            elif self._point and message.kind == CERTIFICATE_VERIFY:
                return self._make_agreement_job(message)
            else:
                return Fault("bad_message", HANDSHAKE_FAILURE)
        return None

    def _make_agreement_job(self, message: Fragment) -> AgreementJob:
        assert self._ephemeral is not None
        self.stage = Stage.WAITING_AGREEMENT
        return AgreementJob(
            self,
            ephemeral=self._ephemeral,
            randoms=self._randoms,
            spki=self._spki,
            point=self._point,
            transcript=self._transcript,
            verify=_encode(message),
            signature=decode_certificate_verify(message.content),
            finished_seq=self._finished_seq,
        )

    def _append(self, message: Fragment) -> None:
        self._transcript += _encode(message)


def _encode(message: Fragment) -> bytes:
    return encode_message(message.kind, message.message_seq, message.content)
