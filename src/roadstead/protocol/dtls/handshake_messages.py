"""Handshake messages: headers, fragments, and the body of each but the hellos.

Encoded messages are whole: a 12-byte header (type, length 3, message number 2, fragment offset 3,
fragment length 3) and the body, as they go into the transcript. Decoders take the body alone.
Every decoder raises DtlsFormatError for bytes that are no such body.
Spec: RFC 6347 §4.2.2, RFC 5246 §7.4, RFC 8422 §5, RFC 7250; device protocol notes §1.4.
"""

from typing import NamedTuple

from roadstead.protocol.dtls.constants import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CERTIFICATE_VERIFY,
    CLIENT_KEY_EXCHANGE,
    ECDSA_SHA256,
    NAMED_CURVE,
    POINT_BYTES,
    SECP256R1,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    SPKI_BYTES,
    SPKI_PREFIX,
)
from roadstead.protocol.dtls.reader import ByteReader, DtlsFormatError

MESSAGE_HEADER_BYTES = 12

CERTIFICATE_REQUEST_BODY = b"\x01\x40\x00\x02" + ECDSA_SHA256 + b"\x00\x00"
"""ECDSA certificates, signed with SHA-256, no names."""


class Fragment(NamedTuple):
    """A part of a handshake message, or all of it.

    Attributes:
        kind: message type.
        length: bytes of the whole body.
        message_seq: number of the message.
        offset: where this part begins in the body.
        content: the part.
    """

    kind: int
    length: int
    message_seq: int
    offset: int
    content: bytes

    @property
    def is_whole(self) -> bool:
        """True if it is the whole message."""
        return len(self.content) == self.length


class ServerKeyExchange(NamedTuple):
    """Spec: RFC 8422 §5.4.

    Attributes:
        parameters: what is signed beside the randoms: curve and point.
        point: the ephemeral point, 65 bytes.
        signature: ECDSA with SHA-256 in DER.
    """

    parameters: bytes
    point: bytes
    signature: bytes


def encode_message(kind: int, message_seq: int, body: bytes) -> bytes:
    """A whole message."""
    length = len(body).to_bytes(3, "big")
    return b"%c%b%b\0\0\0%b" % (kind, length, message_seq.to_bytes(2, "big"), length) + body


def decode_fragments(content: bytes) -> list[Fragment]:
    """The messages or parts in one handshake record.

    Raises:
        DtlsFormatError: one is cut off or lies outside its message.
    """
    reader = ByteReader(content)
    fragments = []
    while reader.left():
        kind, length, message_seq = reader.u8(), reader.u24(), reader.u16()
        offset, part = reader.u24(), reader.u24()
        if offset + part > length:
            raise DtlsFormatError("a fragment reaches beyond its message")
        fragments.append(Fragment(kind, length, message_seq, offset, reader.take(part)))
    return fragments


def encode_server_parameters(point: bytes) -> bytes:
    """What a ServerKeyExchange signs beside the randoms."""
    return NAMED_CURVE + SECP256R1 + vector8(point)


def encode_server_key_exchange(message_seq: int, point: bytes, signature: bytes) -> bytes:
    """A ServerKeyExchange message."""
    body = encode_server_parameters(point) + ECDSA_SHA256 + vector16(signature)
    return encode_message(SERVER_KEY_EXCHANGE, message_seq, body)


def decode_server_key_exchange(body: bytes) -> ServerKeyExchange:
    """A ServerKeyExchange's fields."""
    reader = ByteReader(body)
    expect(reader.take(3) == NAMED_CURVE + SECP256R1, "the curve is not P-256")
    point = _decode_point(reader)
    expect(reader.take(2) == ECDSA_SHA256, "not signed with ECDSA and SHA-256")
    signature = reader.vector16()
    reader.end()
    return ServerKeyExchange(encode_server_parameters(point), point, signature)


def encode_certificate_request(message_seq: int) -> bytes:
    """A CertificateRequest message for a P-256 raw public key."""
    return encode_message(CERTIFICATE_REQUEST, message_seq, CERTIFICATE_REQUEST_BODY)


def encode_server_hello_done(message_seq: int) -> bytes:
    """A ServerHelloDone message."""
    return encode_message(SERVER_HELLO_DONE, message_seq, b"")


def encode_certificate(message_seq: int, spki: bytes) -> bytes:
    """A Certificate message that is a raw public key."""
    return encode_message(CERTIFICATE, message_seq, len(spki).to_bytes(3, "big") + spki)


def decode_certificate(body: bytes) -> bytes:
    """The raw public key: 91 bytes that have the form of a P-256 key; empty if there is none."""
    reader = ByteReader(body)
    spki = reader.take(reader.u24())
    if not spki:
        return b""  # an empty X.509 list ends here or repeats the length
    reader.end()
    expect(len(spki) == SPKI_BYTES and spki.startswith(SPKI_PREFIX), "no P-256 public key")
    return spki


def encode_client_key_exchange(message_seq: int, point: bytes) -> bytes:
    """A ClientKeyExchange message."""
    return encode_message(CLIENT_KEY_EXCHANGE, message_seq, vector8(point))


def decode_client_key_exchange(body: bytes) -> bytes:
    """The client's ephemeral point, 65 bytes; not checked to be on the curve."""
    reader = ByteReader(body)
    point = _decode_point(reader)
    reader.end()
    return point


def encode_certificate_verify(message_seq: int, signature: bytes) -> bytes:
    """A CertificateVerify message."""
    return encode_message(CERTIFICATE_VERIFY, message_seq, ECDSA_SHA256 + vector16(signature))


def decode_certificate_verify(body: bytes) -> bytes:
    """The signature in DER."""
    reader = ByteReader(body)
    expect(reader.take(2) == ECDSA_SHA256, "not signed with ECDSA and SHA-256")
    signature = reader.vector16()
    reader.end()
    return signature


def _decode_point(reader: ByteReader) -> bytes:
    point = reader.vector8()
    expect(len(point) == POINT_BYTES and point[0] == 4, "no uncompressed P-256 point")
    return point


def vector8(content: bytes) -> bytes:
    """The bytes with a length of one byte before them."""
    return bytes((len(content),)) + content


def vector16(content: bytes) -> bytes:
    """The bytes with a length of two bytes before them."""
    return len(content).to_bytes(2, "big") + content


def expect(condition: bool, otherwise: str) -> None:
    """Raises DtlsFormatError that says ``otherwise`` unless the condition holds."""
    if not condition:
        raise DtlsFormatError(otherwise)
