"""The client's handshake, as Device OS does it: messages of the server in, flights out.

It sends one flight, waits for the whole next one of the server, and computes at once; a device has
nothing else to do. Spec: device protocol notes §1.3 to §1.5.
"""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roadstead.protocol.dtls.constants import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CID_BYTES,
    CIPHER_SUITE,
    EXTENSION_CLIENT_CERTIFICATE_TYPE,
    EXTENSION_CONNECTION_ID,
    EXTENSION_GROUPS,
    EXTENSION_POINT_FORMATS,
    EXTENSION_SERVER_CERTIFICATE_TYPE,
    EXTENSION_SIGNATURE_ALGORITHMS,
    FINISHED,
    HELLO_VERIFY_REQUEST,
    NULL_COMPRESSION,
    RANDOM_BYTES,
    RENEGOTIATION_SCSV,
    SECP256R1,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
)
from roadstead.protocol.dtls.crypto_jobs import (
    CURVE,
    SIGNATURE,
    KeySource,
    encode_point,
    new_ephemeral,
)
from roadstead.protocol.dtls.handshake_messages import (
    Fragment,
    decode_server_key_exchange,
    encode_certificate,
    encode_certificate_verify,
    encode_client_key_exchange,
    encode_message,
)
from roadstead.protocol.dtls.hellos import (
    ClientHello,
    decode_cid_extension,
    decode_hello_verify_request,
    decode_server_hello,
    encode_cid_extension,
    encode_client_hello,
)
from roadstead.protocol.dtls.keys import (
    client_verify_data,
    derive_key_block,
    derive_master,
    server_verify_data,
)
from roadstead.protocol.dtls.reader import DtlsFormatError
from roadstead.protocol.dtls.reassembly import MessageQueue

_SIGNATURE_ALGORITHMS = bytes.fromhex("00080403040103030301")
"""ECDSA and RSA with SHA-256 and SHA-224, the list of Device OS."""


class HandshakeError(Exception):
    """The handshake cannot go on; ``reason`` as in Failed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ClientHandshake:
    """One handshake of a device.

    Args:
        private_key: the device's own.
        server_key: the server's, known beforehand.
        random: gives random bytes.
        offer_cid: whether to ask for a connection id.
        ephemeral: gives the ephemeral key.

    Attributes:
        flight: messages to send now and to repeat, in clear; a Finished comes behind them once
            ``finished`` is set.
        finished: the Finished message; None before the last flight.
        keys: the key block; empty before the last flight.
        cid: connection id to write into records; None without one.
    """

    def __init__(
        self,
        *,
        private_key: ec.EllipticCurvePrivateKey,
        server_key: ec.EllipticCurvePublicKey,
        random: Callable[[int], bytes],
        offer_cid: bool,
        ephemeral: KeySource = new_ephemeral,
    ) -> None:
        self._private_key = private_key
        self._server_key = server_key
        self._offer_cid = offer_cid
        self._ephemeral = ephemeral
        self._random = random(RANDOM_BYTES)
        self._server_random = self._point = b""
        self._requested = self._heard_hello = False
        self._messages = MessageQueue(0)
        self._expected_finished = b""
        self._next_seq = 0
        self.flight: list[bytes] = []
        self.finished: bytes | None = None
        self.keys = b""
        self.cid: bytes | None = None
        self._transcript = b""
        self._say_hello(b"")

    def receive(self, fragment: Fragment) -> bool:
        """Takes in a message in clear, or a part of one.

        Returns:
            True if ``flight`` is a new one, to be sent now.

        Raises:
            HandshakeError: the handshake is over.
        """
        self._messages.add(fragment)
        fresh = False
        try:
            while self.finished is None and (message := self._messages.take()) is not None:
                fresh = self._take(message) or fresh
        except DtlsFormatError as error:
            raise HandshakeError("bad_message") from error
        return fresh

    def repeats_flight(self, fragment: Fragment) -> bool:
        """Whether a message shows that the server did not get the last flight."""
        return self.finished is not None and fragment.kind == SERVER_HELLO_DONE

    def accepts_finished(self, content: bytes) -> bool:
        """Whether this is the server's Finished, the content of an authentic record.

        Raises:
            HandshakeError: it is one and it is wrong.
        """
        if content[:1] != bytes((FINISHED,)):
            return False
        if not hmac.compare_digest(content, self._expected_finished):
            raise HandshakeError("bad_finished")
        return True

    def _take(self, message: Fragment) -> bool:
        if message.kind == HELLO_VERIFY_REQUEST and not self._heard_hello:
            self._say_hello(decode_hello_verify_request(message.content))
            return True
        self._transcript += encode_message(message.kind, message.message_seq, message.content)
        if message.kind == SERVER_HELLO and not self._heard_hello:
            self._take_hello(message.content)
        elif message.kind == SERVER_KEY_EXCHANGE and self._heard_hello and not self._point:
            self._take_key_exchange(message.content)
        elif message.kind == CERTIFICATE_REQUEST and self._point and not self._requested:
            self._requested = True
        elif message.kind == SERVER_HELLO_DONE and self._point:
            self._conclude()
            return True
        else:
            unexpected = message.kind == CERTIFICATE
            raise HandshakeError("unexpected_certificate" if unexpected else "bad_message")
        return False

    def _say_hello(self, cookie: bytes) -> None:
        extensions = {
            EXTENSION_SIGNATURE_ALGORITHMS: _SIGNATURE_ALGORITHMS,
            EXTENSION_GROUPS: b"\0\x02" + SECP256R1,
            EXTENSION_POINT_FORMATS: b"\x01\0",
        }
        if self._offer_cid:
            extensions[EXTENSION_CONNECTION_ID] = encode_cid_extension(b"")
        extensions[EXTENSION_CLIENT_CERTIFICATE_TYPE] = b"\x01\x02"
        extensions[EXTENSION_SERVER_CERTIFICATE_TYPE] = b"\x01\x02"
        hello = ClientHello(
            random=self._random,
            session_id=b"",
            cookie=cookie,
            suites=(CIPHER_SUITE, RENEGOTIATION_SCSV),
            compressions=bytes((NULL_COMPRESSION,)),
            extensions=extensions,
        )
        self.flight = [encode_client_hello(self._take_seq(), hello)]
        self._transcript = self.flight[0]

    def _take_hello(self, body: bytes) -> None:
        hello = decode_server_hello(body)
        if (hello.suite, hello.compression) != (CIPHER_SUITE, NULL_COMPRESSION):
            raise HandshakeError("unsupported")
        cid = decode_cid_extension(hello.extensions)
        if self._offer_cid and cid is None:
            raise HandshakeError("no_cid")
        if cid is not None and (not self._offer_cid or len(cid) != CID_BYTES):
            raise HandshakeError("bad_cid")
        self.cid = cid
        self._server_random = hello.random
        self._heard_hello = True

    def _take_key_exchange(self, body: bytes) -> None:
        exchange = decode_server_key_exchange(body)
        signed = self._random + self._server_random + exchange.parameters
        try:
            self._server_key.verify(exchange.signature, signed, SIGNATURE)
        except InvalidSignature as error:
            raise HandshakeError("bad_signature") from error
        self._point = exchange.point

    def _conclude(self) -> None:
        """Makes the last flight: key, proof, Finished."""
        ephemeral = self._ephemeral()
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, self._point)
            premaster = ephemeral.exchange(ec.ECDH(), peer)
        except ValueError as error:
            raise HandshakeError("bad_agreement") from error
        self.flight = []
        if self._requested:
            spki = self._private_key.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
            self._say(encode_certificate(self._take_seq(), spki))
        point = encode_point(ephemeral.public_key())
        self._say(encode_client_key_exchange(self._take_seq(), point))
        if self._requested:
            proof = self._private_key.sign(self._transcript, SIGNATURE)
            self._say(encode_certificate_verify(self._take_seq(), proof))
        self._agree(premaster)

    def _agree(self, premaster: bytes) -> None:
        randoms = self._random, self._server_random
        master = derive_master(premaster, *randoms)
        self.keys = derive_key_block(master, *randoms)
        mine = client_verify_data(master, hashlib.sha256(self._transcript).digest())
        self.finished = encode_message(FINISHED, self._take_seq(), mine)
        transcript = hashlib.sha256(self._transcript + self.finished).digest()
        theirs = server_verify_data(master, transcript)
        self._expected_finished = encode_message(FINISHED, self._messages.next_seq, theirs)

    def _say(self, message: bytes) -> None:
        self.flight.append(message)
        self._transcript += message

    def _take_seq(self) -> int:
        self._next_seq += 1
        return self._next_seq - 1
