"""What the server reads off a ClientHello before it keeps anything of it."""

from typing import NamedTuple

from roadstead.protocol.dtls.constants import (
    CIPHER_SUITE,
    CLIENT_HELLO,
    ECDSA_SHA256,
    EXTENSION_CLIENT_CERTIFICATE_TYPE,
    EXTENSION_GROUPS,
    EXTENSION_POINT_FORMATS,
    EXTENSION_SERVER_CERTIFICATE_TYPE,
    EXTENSION_SIGNATURE_ALGORITHMS,
    MESSAGE_SEQ_END,
    NULL_COMPRESSION,
    RAW_PUBLIC_KEY,
    SECP256R1,
    SEQUENCE_END,
)
from roadstead.protocol.dtls.handshake_messages import Fragment, encode_message
from roadstead.protocol.dtls.hellos import (
    ClientHello,
    decode_cid_extension,
    decode_client_hello,
    offers,
)
from roadstead.protocol.dtls.reader import DtlsFormatError

_RAW_PUBLIC_KEY = bytes((RAW_PUBLIC_KEY,))

MESSAGES_IN_HANDSHAKE = 8
"""Message numbers that must be left after a ClientHello's; the handshake takes five."""

RECORDS_IN_HANDSHAKE = 1 << 16
"""Record numbers that must be left after a ClientHello's, for the server's flights in clear."""


class Hello(NamedTuple):
    """A ClientHello as it came.

    Attributes:
        fields: decoded.
        message_seq: number of the message; the server's first message takes the same.
        message: with its header, as it goes into the transcript.
        sequence: record number; the server's flight begins with the same.
    """

    fields: ClientHello
    message_seq: int
    message: bytes
    sequence: int


def is_supported(hello: ClientHello) -> bool:
    """Whether the ClientHello offers everything that this server speaks.

    Raises:
        DtlsFormatError: an extension is malformed.
    """
    offered = hello.extensions
    return (
        CIPHER_SUITE in hello.suites
        and NULL_COMPRESSION in hello.compressions
        and decode_cid_extension(offered) in (None, b"")
        and offers(offered, EXTENSION_GROUPS, [SECP256R1]) is not False
        and offers(offered, EXTENSION_POINT_FORMATS, [b"\0"]) is not False
        and offers(offered, EXTENSION_SIGNATURE_ALGORITHMS, [ECDSA_SHA256]) is not False
        and offers(offered, EXTENSION_CLIENT_CERTIFICATE_TYPE, [_RAW_PUBLIC_KEY]) is True
        and offers(offered, EXTENSION_SERVER_CERTIFICATE_TYPE, [_RAW_PUBLIC_KEY]) is True
    )


def parse_hello(fragment: Fragment, sequence: int) -> Hello | None:
    """The ClientHello, if it is one and whole: nothing is kept of a peer before it shows a cookie.

    Args:
        fragment: the only message of its record.
        sequence: number of the record.

    Raises:
        DtlsFormatError: it is malformed, or its numbers leave no room for a handshake.
    """
    if fragment.kind != CLIENT_HELLO or not fragment.is_whole:
        return None
    if fragment.message_seq >= MESSAGE_SEQ_END - MESSAGES_IN_HANDSHAKE:
        raise DtlsFormatError("message number at its end")
    if sequence >= SEQUENCE_END - RECORDS_IN_HANDSHAKE:
        raise DtlsFormatError("record number at its end")
    message = encode_message(CLIENT_HELLO, fragment.message_seq, fragment.content)
    return Hello(decode_client_hello(fragment.content), fragment.message_seq, message, sequence)
