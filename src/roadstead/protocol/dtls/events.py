"""What the state machines tell their owners. Every event is handed out once, in order."""

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from roadstead.protocol.dtls.crypto_jobs import CryptoJob
from roadstead.protocol.dtls.session import Address, Session

if TYPE_CHECKING:
    from roadstead.protocol.dtls.server_handshake import ServerHandshake

Source = TypeVar("Source")


class ApplicationData(msgspec.Struct, Generic[Source], frozen=True, gc=False):
    """An authentic message arrived; it is no repeat.

    Attributes:
        session: whose; None at a client, which has but one.
        content: the message.
    """

    session: Source
    content: bytes


class KeyOffered(msgspec.Struct, frozen=True):
    """A device named its public key, which it has not proved yet.

    Answer, at any later time, with ``accept_key`` or ``refuse_key``.

    Attributes:
        handshake: handle for the answer.
        spki: SubjectPublicKeyInfo in DER, 91 bytes, P-256.
        address: where it comes from.
    """

    handshake: "ServerHandshake"
    spki: bytes
    address: Address


class CryptoNeeded(msgspec.Struct, frozen=True):
    """Something is to be computed: call ``job.run()`` anywhere, then ``finish`` with its result.

    Every job must be finished, whatever became of its handshake.
    """

    job: CryptoJob


class SessionReady(msgspec.Struct, frozen=True):
    """A device proved its key. Store ``session.snapshot()``, then ``confirm`` or ``abandon``."""

    session: Session


class SessionMoved(msgspec.Struct, frozen=True):
    """The newest authentic record of a session came from another address, now its own."""

    session: Session
    old_address: Address


class SessionClosed(msgspec.Struct, frozen=True):
    """A session is gone and forgotten.

    Attributes:
        session: which.
        reason: ``close_notify`` or ``alert_N`` said by the device, or ``replaced`` by a newer
            session of the same device.
    """

    session: Session
    reason: str


class SequenceLow(msgspec.Struct, frozen=True):
    """Half of the reserved record numbers are used: store a higher limit, then ``extend_sequence``.

    Comes once for each limit.
    """

    session: Session


class HandshakeFailed(msgspec.Struct, frozen=True):
    """A handshake that showed a valid cookie ended without a session.

    Attributes:
        address: where it came from.
        reason: one of ``unsupported``, ``no_client_key``, ``bad_key``, ``key_refused``,
            ``bad_message``, ``bad_agreement``, ``bad_signature``, ``bad_finished``,
            ``not_computed``, ``expired``, ``restarted``, ``peer_alert_N``.
    """

    address: Address
    reason: str


ServerEvent = (
    ApplicationData[Session]
    | KeyOffered
    | CryptoNeeded
    | SessionReady
    | SessionMoved
    | SessionClosed
    | SequenceLow
    | HandshakeFailed
)
"""What DtlsServer.next_event gives."""


class Connected(msgspec.Struct, frozen=True):
    """The client's handshake is done."""


class Closed(msgspec.Struct, frozen=True):
    """The server ended the client's session: ``close_notify`` or ``alert_N``."""

    reason: str


class Failed(msgspec.Struct, frozen=True):
    """The client's handshake ended without a session.

    Attributes:
        reason: ``timeout``, ``alert_N``, ``no_cid``, ``bad_cid``, ``bad_message``, ``unsupported``,
            ``unexpected_certificate``, ``bad_signature``, ``bad_agreement`` or ``bad_finished``.
    """

    reason: str


ClientEvent = Connected | ApplicationData[None] | Closed | Failed
"""What DtlsClient.next_event gives."""
