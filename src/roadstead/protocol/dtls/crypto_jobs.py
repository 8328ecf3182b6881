"""The expensive computations of a handshake, apart so that they can run in a thread.

A job holds plain values, touches nothing else, never raises and draws only on the system's
randomness (for the ephemeral key). Elliptic curve operations of ``cryptography`` run beside other
threads.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roadstead.protocol.dtls.constants import FINISHED, SPKI_PREFIX
from roadstead.protocol.dtls.handshake_messages import encode_message, encode_server_parameters
from roadstead.protocol.dtls.keys import (
    client_verify_data,
    derive_key_block,
    derive_master,
    server_verify_data,
)

if TYPE_CHECKING:
    from roadstead.protocol.dtls.server_handshake import ServerHandshake

CURVE = ec.SECP256R1()
SIGNATURE = ec.ECDSA(SHA256(), deterministic_signing=True)
"""Deterministic, so that a bad day of the random generator cannot give away the server's key.
Spec: RFC 6979."""

KeySource = Callable[[], ec.EllipticCurvePrivateKey]


def new_ephemeral() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(CURVE)


def encode_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point, 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True, slots=True, repr=False)
class FlightSecret:
    """What the server's flight is made of.

    Attributes:
        ephemeral: the private key of this handshake.
        point: its public point, 65 bytes.
        signature: over the randoms and the point, by the server's own key, in DER.
    """

    ephemeral: ec.EllipticCurvePrivateKey
    point: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Agreement:
    """What both sides agreed on, after the device's signature held.

    Attributes:
        keys: the key block.
        client_verify_data: what the device's Finished must say.
        server_verify_data: what the server's says.
    """

    keys: bytes
    client_verify_data: bytes
    server_verify_data: bytes


class FlightJob:
    """Makes the ephemeral key and signs it."""

    __slots__ = ("_ephemeral", "_private_key", "_randoms", "handshake")

    def __init__(
        self,
        handshake: "ServerHandshake",
        private_key: ec.EllipticCurvePrivateKey,
        randoms: bytes,
        ephemeral: KeySource = new_ephemeral,
    ) -> None:
        self.handshake = handshake
        self._private_key = private_key
        self._randoms = randoms
        self._ephemeral = ephemeral

    def run(self) -> FlightSecret:
        """Computes; about 35 us."""
        ephemeral = self._ephemeral()
        point = encode_point(ephemeral.public_key())
        signed = self._randoms + encode_server_parameters(point)
        return FlightSecret(ephemeral, point, self._private_key.sign(signed, SIGNATURE))


class AgreementJob:
    """Agrees on the keys and checks the device's signature.

    Args:
        spki: the device's public key.
        point: the device's ephemeral point.
        transcript: all messages up to ClientKeyExchange.
        verify: the CertificateVerify message.
        signature: the signature in it.
        finished_seq: number of the device's Finished message.
    """

    __slots__ = (
        "_client_random",
        "_ephemeral",
        "_finished_seq",
        "_point",
        "_server_random",
        "_signature",
        "_spki",
        "_transcript",
        "_verify",
        "handshake",
    )

    def __init__(
        self,
        handshake: "ServerHandshake",
        *,
        ephemeral: ec.EllipticCurvePrivateKey,
        randoms: tuple[bytes, bytes],
        spki: bytes,
        point: bytes,
        transcript: bytes,
        verify: bytes,
        signature: bytes,
        finished_seq: int,
    ) -> None:
        self.handshake = handshake
        self._ephemeral = ephemeral
        self._client_random, self._server_random = randoms
        self._spki = spki
        self._point = point
        self._transcript = transcript
        self._verify = verify
        self._signature = signature
        self._finished_seq = finished_seq

    def run(self) -> "Agreement | Disagreement":
        """Computes; about 150 us."""
        try:
            device = _load_point(self._spki.removeprefix(SPKI_PREFIX))
        except ValueError:
            return Disagreement("bad_key")
        try:
            device.verify(self._signature, self._transcript, SIGNATURE)
        except (InvalidSignature, ValueError):
            return Disagreement("bad_signature")
        try:
            premaster = self._ephemeral.exchange(ec.ECDH(), _load_point(self._point))
        except ValueError:
            return Disagreement("bad_agreement")
        return self.agree(premaster)

    def agree(self, premaster: bytes) -> Agreement:
        """The keys and both Finished values that follow from the premaster secret (32 bytes)."""
        randoms = self._client_random, self._server_random
        master = derive_master(premaster, *randoms)
        transcript = self._transcript + self._verify
        client = client_verify_data(master, hashlib.sha256(transcript).digest())
        transcript += encode_message(FINISHED, self._finished_seq, client)
        server = server_verify_data(master, hashlib.sha256(transcript).digest())
        return Agreement(derive_key_block(master, *randoms), client, server)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The device did not prove its key.

    Attributes:
        reason: ``bad_key``, ``bad_signature`` or ``bad_agreement``.
    """

    reason: str


CryptoJob = FlightJob | AgreementJob
CryptoResult = FlightSecret | Agreement | Disagreement


def _load_point(point: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
