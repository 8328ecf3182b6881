"""A server and clients that exchange datagrams in memory, with a clock that tests move."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roadstead.protocol.dtls.client import ClientGeneration, DtlsClient
from roadstead.protocol.dtls.events import (
    ApplicationData,
    ClientEvent,
    CryptoNeeded,
    HandshakeFailed,
    KeyOffered,
    SequenceLow,
    ServerEvent,
    SessionReady,
)
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.protocol.dtls.session import Session
from roadstead.protocol.dtls.snapshot import SessionSnapshot

DEVICE_ID = bytes.fromhex("e00fce680102030405060708")
HERE = ("198.51.100.7", 40000)
THERE = ("203.0.113.9", 51000)

GEN_6 = ClientGeneration(cid=True, resume_marker=253)
GEN_3_1 = ClientGeneration(cid=True, resume_marker=None)
GEN_3_0 = ClientGeneration(cid=False, resume_marker=254)

SERVER_KEY = ec.derive_private_key(0x5E12, ec.SECP256R1())
DEVICE_KEY = ec.derive_private_key(0xDE71CE, ec.SECP256R1())
BLOCK = 1024


def spki_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def make_server(*, seed: int = 1, limits: ServerLimits | None = None, shard: int = 7) -> DtlsServer:
    return DtlsServer(
        private_key=SERVER_KEY,
        cookie_secret=b"0123456789abcdef",
        shard=shard,
        random=Random(seed).randbytes,
        limits=limits,
    )


def make_client(
    generation: ClientGeneration = GEN_6,
    *,
    seed: int = 2,
    key: ec.EllipticCurvePrivateKey = DEVICE_KEY,
    server_key: ec.EllipticCurvePrivateKey = SERVER_KEY,
    device_id: bytes = DEVICE_ID,
) -> DtlsClient:
    return DtlsClient(
        private_key=key,
        server_public_key=spki_of(server_key),
        random=Random(seed).randbytes,
        device_id=device_id,
        generation=generation,
    )


@dataclass
class Owner:
    """Answers a server's events the way a gateway does, at once, and keeps what it was told.

    Attributes:
        stored: snapshots as they lie in a database, with the reserved limit, by session.
        events: everything that needed no answer.
    """

    server: DtlsServer
    device_of: dict[bytes, bytes | None] = field(default_factory=dict)
    stored: dict[Session, bytes] = field(default_factory=dict)
    events: list[ServerEvent] = field(default_factory=list)
    persists: bool = True

    def drain(self, now: float = 0.0) -> None:
        server = self.server
        while (event := server.next_event()) is not None:
            match event:
                case CryptoNeeded(job):
                    server.finish(job, job.run(), now)
                case KeyOffered(handshake, spki, _):
                    if spki in self.device_of:
                        server.accept_key(handshake, now, self.device_of[spki])
                    else:
                        server.refuse_key(handshake, now)
                case SessionReady(session):
                    self.stored[session] = session.snapshot().encode()
                    self.events.append(event)
                    if self.persists:
                        server.confirm(session, now)
                case SequenceLow(session):
                    self.events.append(event)
                    self.reserve(session)
                case _:
                    self.events.append(event)

    def reserve(self, session: Session) -> None:
        """Stores the next block of numbers, then allows it."""
        limit = session.tx_limit + BLOCK
        snapshot = SessionSnapshot.decode(self.stored[session])
        self.stored[session] = snapshot.advanced(tx_limit=limit).encode()
        self.server.extend_sequence(session, limit)

    def received(self) -> list[bytes]:
        return [event.content for event in self.events if isinstance(event, ApplicationData)]

    def failures(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, HandshakeFailed)]

    def of(self, kind: type[ServerEvent]) -> list[ServerEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def session(self) -> Session:
        """The newest session."""
        return list(self.stored)[-1]


def make_owner(server: DtlsServer | None = None, device_id: bytes | None = DEVICE_ID) -> Owner:
    return Owner(server or make_server(), {spki_of(DEVICE_KEY): device_id})


Fate = Callable[[int, bytes], list[float]]
"""What happens to the n-th datagram of a direction: the delays of its copies; none if lost."""


def arrives(number: int, datagram: bytes) -> list[float]:
    return [0.0]


@dataclass
class Wire:
    """Client and server with a network between them.

    Attributes:
        now: monotonic seconds.
        address: where the client sends from.
        told: events of the client.
        sent_by_client, sent_by_server: every datagram put on the wire.
    """

    client: DtlsClient
    owner: Owner
    to_server: Fate = arrives
    to_client: Fate = arrives
    address: tuple[str, int] = HERE
    now: float = 1000.0
    told: list[ClientEvent] = field(default_factory=list)
    sent_by_client: list[bytes] = field(default_factory=list)
    sent_by_server: list[bytes] = field(default_factory=list)
    _under_way: list[tuple[float, int, bool, bytes, tuple[str, int]]] = field(default_factory=list)
    _number: int = 0

    def connect(self, seconds: float = 60.0) -> bool:
        """Handshakes; True if the client is connected within the time."""
        self.client.start(self.now)
        self.run(seconds)
        return self.client.connected

    def run(self, seconds: float = 0.0) -> None:
        """Lets everything happen that happens within the time."""
        end = self.now + seconds
        while True:
            self._collect()
            due = self._next_due()
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            self._step()

    def send(self, content: bytes) -> None:
        """The client sends, and everything that follows at once happens."""
        assert self.client.send(content)
        self.run()

    def reply(self, content: bytes) -> None:
        """The server sends to its newest session."""
        assert self.owner.server.send(self.owner.session, content)
        self.run()

    def heard(self) -> list[bytes]:
        return [event.content for event in self.told if isinstance(event, ApplicationData)]

    def _collect(self) -> None:
        self.owner.drain(self.now)
        while (event := self.client.next_event()) is not None:
            self.told.append(event)
        for datagram in self.client.to_send():
            self._put(True, datagram, self.to_server, self.sent_by_client, self.address)
        for datagram, address in self.owner.server.to_send():
            self._put(False, datagram, self.to_client, self.sent_by_server, address)

    def _put(
        self,
        to_server: bool,
        datagram: bytes,
        fate: Fate,
        log: list[bytes],
        address: tuple[str, int],
    ) -> None:
        for delay in fate(len(log), datagram):
            self._number += 1
            self._under_way.append((self.now + delay, self._number, to_server, datagram, address))
        log.append(datagram)

    def _next_due(self) -> float | None:
        times = [entry[0] for entry in self._under_way]
        times += [
            time
            for time in (self.client.next_timeout(), self.owner.server.next_timeout())
            if time is not None
        ]
        return min(times, default=None)

    def _step(self) -> None:
        arrived = sorted(entry for entry in self._under_way if entry[0] <= self.now)
        if arrived:
            self._under_way.remove(arrived[0])
            _, _, to_server, datagram, address = arrived[0]
            if to_server:
                self.owner.server.receive(datagram, address, self.now)
            elif address == self.address:
                self.client.receive(datagram, self.now)
            return
        self.client.handle_timeout(self.now)
        self.owner.server.handle_timeout(self.now)


def make_wire(generation: ClientGeneration = GEN_6, **fates: Fate) -> Wire:
    return Wire(make_client(generation), make_owner(), **fates)


def digest_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki_of(key)).digest()
