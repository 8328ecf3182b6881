"""The device's end of DTLS, for virtual devices and tests.

It behaves as Device OS does: timers of 3 to 24 s, one datagram for a flight, records with a
connection id from 3.1 on, and a marker on the first records after a resume.
Spec: device protocol notes §1.3, §1.6, §1.7.
"""

from collections import deque
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from roadstead.protocol.dtls.client_handshake import ClientHandshake, HandshakeError
from roadstead.protocol.dtls.client_state import ClientGeneration, ClientState, ResumeMarker
from roadstead.protocol.dtls.constants import (
    ALERT,
    ALERT_FATAL,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLOSE_NOTIFY,
    HANDSHAKE,
    MAX_DATAGRAM_BYTES,
    MOVED,
)
from roadstead.protocol.dtls.crypto_jobs import KeySource, new_ephemeral
from roadstead.protocol.dtls.events import ApplicationData, ClientEvent, Closed, Connected, Failed
from roadstead.protocol.dtls.handshake_messages import Fragment, decode_fragments
from roadstead.protocol.dtls.reader import DtlsFormatError
from roadstead.protocol.dtls.records import (
    CLEAR,
    HEADER_BYTES,
    PROTECTED,
    decode_sequence,
    encode_clear,
    find_end,
)
from roadstead.protocol.dtls.replay import is_repeat, note

__all__ = ["ClientGeneration", "DtlsClient", "ResumeMarker"]

FIRST_TIMEOUT_S = 3.0
"""Before the first repeat of a flight. Spec: device protocol notes §1.3."""

LAST_TIMEOUT_S = 24.0
"""After this wait the device gives up."""


class DtlsClient:
    """One device. ``now`` is always monotonic seconds.

    Args:
        private_key: the device's own P-256 key.
        server_public_key: SubjectPublicKeyInfo of the server in DER.
        random: gives random bytes.
        device_id: 12 bytes.
        generation: what this Device OS does.
        ephemeral: gives the ephemeral key of a handshake.

    Raises:
        ValueError: ``server_public_key`` is no P-256 key.
    """

    def __init__(
        self,
        *,
        private_key: ec.EllipticCurvePrivateKey,
        server_public_key: bytes,
        random: Callable[[int], bytes],
        device_id: bytes,
        generation: ClientGeneration,
        ephemeral: KeySource = new_ephemeral,
    ) -> None:
        server_key = load_der_public_key(server_public_key)
        if not isinstance(server_key, ec.EllipticCurvePublicKey):
            raise ValueError("the server's key is no elliptic curve key")
        self._private_key = private_key
        self._server_key = server_key
        self._random = random
        self._device_id = device_id
        self._generation = generation
        self._ephemeral = ephemeral
        self._handshake: ClientHandshake | None = None
        self._state: ClientState | None = None
        self._established = False
        self._clear_sequence = 0
        self._clear_seen: tuple[int, int] = (-1, 0)
        self._cipher_changed = False
        self._timeout_s = FIRST_TIMEOUT_S
        self._deadline: float | None = None
        self._marks = False
        self._events: deque[ClientEvent] = deque()
        self._outgoing: list[bytes] = []

    @property
    def connected(self) -> bool:
        """Whether there is a session."""
        return self._established

    def start(self, now: float) -> None:
        """Begins a new handshake; whatever was before is over."""
        self._state, self._established, self._marks = None, False, False
        self._clear_sequence = 0
        self._clear_seen, self._cipher_changed = (-1, 0), False
        self._handshake = ClientHandshake(
            private_key=self._private_key,
            server_key=self._server_key,
            random=self._random,
            offer_cid=self._generation.cid,
            ephemeral=self._ephemeral,
        )
        self._begin_flight(now)

    def receive(self, datagram: bytes, now: float) -> None:
        """Takes in a datagram of the server; never raises, whatever it is."""
        offset = 0
        while offset + HEADER_BYTES < len(datagram) <= MAX_DATAGRAM_BYTES:
            end = find_end(datagram, offset)
            if not end:
                return
            self._receive_record(datagram[offset:end], now)
            offset = end

    def next_event(self) -> ClientEvent | None:
        """The next event, None when there is none."""
        return self._events.popleft() if self._events else None

    def to_send(self) -> list[bytes]:
        """Datagrams to send now, each given once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due; None without a handshake."""
        return self._deadline

    def handle_timeout(self, now: float) -> None:
        """Repeats the flight, or gives up after the longest wait."""
        if self._deadline is None or now < self._deadline:
            return
        if self._timeout_s >= LAST_TIMEOUT_S:
            self._fail("timeout")
            return
        self._timeout_s *= 2
        self._send_flight(now)

    def send(self, content: bytes) -> bool:
        """Sends a message; False without a session."""
        if self._state is None or not self._established:
            return False
        self._outgoing.append(self._mark(self._state.seal(APPLICATION_DATA, content)))
        return True

    def close(self) -> None:
        """Sends close_notify and ends the session; Device OS itself never does."""
        if self._state is not None and self._established:
            self._outgoing.append(self._state.seal(ALERT, bytes((1, CLOSE_NOTIFY))))
        self._state, self._established = None, False

    def resume(self) -> None:
        """Goes on with the session after a pause.

        Until the server is heard, records carry the marker of this generation.
        """
        self._marks = self._established

    def export(self) -> bytes:
        """The session, to be restored once; secret.

        Whoever restores it goes on with the record numbers: export again after each record sent.

        Raises:
            ValueError: there is no session.
        """
        if self._state is None or not self._established:
            raise ValueError("there is no session to export")
        return self._state.encode(self._generation, self._device_id)

    @classmethod
    def restore(
        cls,
        exported: bytes,
        *,
        private_key: ec.EllipticCurvePrivateKey,
        server_public_key: bytes,
        random: Callable[[int], bytes],
    ) -> "DtlsClient":
        """The client that ``export`` was called of; call ``resume`` before the first ``send``.

        Raises:
            ValueError: it is malformed.
        """
        state, generation, device_id = ClientState.decode(exported)
        client = cls(
            private_key=private_key,
            server_public_key=server_public_key,
            random=random,
            device_id=device_id,
            generation=generation,
        )
        client._state, client._established = state, True
        return client

    def _receive_record(self, record: bytes, now: float) -> None:
        kind, state = record[0], record[1:5]
        if state == PROTECTED and self._state is not None:
            # Before the change of cipher a device does not look at what is protected.
            if self._established or self._cipher_changed:
                self._receive_protected(self._state, record, kind)
        elif state == CLEAR and self._handshake is not None:
            self._receive_clear(self._handshake, record, kind, now)

    def _receive_clear(
        self, handshake: ClientHandshake, record: bytes, kind: int, now: float
    ) -> None:
        sequence = decode_sequence(record)
        if is_repeat(*self._clear_seen, sequence):
            return
        self._clear_seen = note(*self._clear_seen, sequence)
        content = record[HEADER_BYTES:]
        if kind == HANDSHAKE:
            self._receive_messages(handshake, content, now)
        elif kind == CHANGE_CIPHER_SPEC:
            self._cipher_changed = handshake.finished is not None
        elif kind == ALERT and content[:-1] == bytes((ALERT_FATAL,)):
            self._fail(f"alert_{content[-1]}")

    def _receive_messages(self, handshake: ClientHandshake, content: bytes, now: float) -> None:
        try:
            for fragment in decode_fragments(content):
                self._receive_message(handshake, fragment, now)
        except DtlsFormatError:
            return
        except HandshakeError as error:
            self._fail(error.reason)

    def _receive_message(self, handshake: ClientHandshake, fragment: Fragment, now: float) -> None:
        if handshake.repeats_flight(fragment):
            self._send_flight(now)
        elif handshake.receive(fragment):
            if handshake.finished is not None:
                self._state = ClientState(handshake.keys, handshake.cid)
            self._begin_flight(now)

    def _receive_protected(self, state: ClientState, record: bytes, kind: int) -> None:
        try:
            content = state.open(record, kind)
        except InvalidTag:
            return
        if content is None:
            return
        self._marks = False
        if kind == HANDSHAKE and self._handshake is not None:
            self._receive_finished(self._handshake, content)
        elif kind == APPLICATION_DATA and self._established:
            self._events.append(ApplicationData(None, content))
        elif kind == ALERT and len(content) == 2 and self._established:
            self._receive_alert(content[0], content[1])

    def _receive_finished(self, handshake: ClientHandshake, content: bytes) -> None:
        try:
            done = handshake.accepts_finished(content)
        except HandshakeError as error:
            self._fail(error.reason)
            return
        if done:
            self._handshake, self._deadline = None, None
            self._established = True
            self._events.append(Connected())

    def _receive_alert(self, level: int, description: int) -> None:
        if description == CLOSE_NOTIFY or level == ALERT_FATAL:
            self._state, self._established = None, False
            reason = "close_notify" if description == CLOSE_NOTIFY else f"alert_{description}"
            self._events.append(Closed(reason))

    def _begin_flight(self, now: float) -> None:
        self._timeout_s = FIRST_TIMEOUT_S
        self._send_flight(now)

    def _send_flight(self, now: float) -> None:
        handshake = self._handshake
        assert handshake is not None
        records = [self._encode_clear(HANDSHAKE, message) for message in handshake.flight]
        if handshake.finished is not None and self._state is not None:
            records.append(self._encode_clear(CHANGE_CIPHER_SPEC, b"\x01"))
            records.append(self._state.seal(HANDSHAKE, handshake.finished))
        self._outgoing.append(b"".join(records))
        self._deadline = now + self._timeout_s

    def _encode_clear(self, kind: int, content: bytes) -> bytes:
        self._clear_sequence += 1
        return encode_clear(kind, self._clear_sequence - 1, content)

    def _fail(self, reason: str) -> None:
        self._handshake, self._state, self._deadline = None, None, None
        self._events.append(Failed(reason))

    def _mark(self, record: bytes) -> bytes:
        marker = self._generation.resume_marker
        if not self._marks or marker is None:
            return record
        marked = bytes((marker,)) + record[1:]
        if marker != MOVED:
            return marked
        return marked + self._device_id + bytes((len(self._device_id),))
