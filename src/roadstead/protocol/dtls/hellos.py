"""The hellos and the cookie request: what both sides choose before any key exists.

Every decoder raises DtlsFormatError for bytes that are no such body.
Spec: RFC 5246 §7.4.1, RFC 6347 §4.2.1, RFC 7250 §3; device protocol notes §1.4.
"""

from collections.abc import Sequence
from typing import NamedTuple

from roadstead.protocol.dtls.constants import (
    CIPHER_SUITE,
    CLIENT_HELLO,
    EXTENSION_CONNECTION_ID,
    HELLO_VERIFY_REQUEST,
    NULL_COMPRESSION,
    RANDOM_BYTES,
    SERVER_HELLO,
    VERSION,
)
from roadstead.protocol.dtls.handshake_messages import (
    encode_message,
    expect,
    vector8,
    vector16,
)
from roadstead.protocol.dtls.reader import ByteReader

_MAX_SESSION_ID_BYTES = 32


class ClientHello(NamedTuple):
    """Spec: RFC 5246 §7.4.1.2. ``extensions`` by number; of a repeated one the first counts."""

    random: bytes
    session_id: bytes
    cookie: bytes
    suites: tuple[int, ...]
    compressions: bytes
    extensions: dict[int, bytes]


class ServerHello(NamedTuple):
    """Spec: RFC 5246 §7.4.1.3."""

    random: bytes
    session_id: bytes
    suite: int
    compression: int
    extensions: dict[int, bytes]


def encode_client_hello(message_seq: int, hello: ClientHello) -> bytes:
    """A ClientHello message."""
    suites = b"".join(suite.to_bytes(2, "big") for suite in hello.suites)
    body = VERSION + hello.random + vector8(hello.session_id) + vector8(hello.cookie)
    body += vector16(suites) + vector8(hello.compressions) + _encode_extensions(hello.extensions)
    return encode_message(CLIENT_HELLO, message_seq, body)


def decode_client_hello(body: bytes) -> ClientHello:
    """A ClientHello's fields."""
    reader = ByteReader(body)
    expect(reader.take(2) == VERSION, "ClientHello is not of DTLS 1.2")
    random = reader.take(RANDOM_BYTES)
    session_id, cookie = _decode_session_id(reader), reader.vector8()
    suites = reader.vector16()
    expect(len(suites) % 2 == 0, "half a cipher suite")
    compressions = reader.vector8()
    extensions = _decode_extensions(reader)
    numbers = tuple(int.from_bytes(suites[i : i + 2], "big") for i in range(0, len(suites), 2))
    return ClientHello(random, session_id, cookie, numbers, compressions, extensions)


def encode_hello_verify_request(message_seq: int, cookie: bytes) -> bytes:
    """A HelloVerifyRequest message."""
    return encode_message(HELLO_VERIFY_REQUEST, message_seq, VERSION + vector8(cookie))


def decode_hello_verify_request(body: bytes) -> bytes:
    """The cookie; the version is any, as RFC 6347 §4.2.1 asks."""
    reader = ByteReader(body)
    reader.take(2)
    cookie = reader.vector8()
    reader.end()
    return cookie


def encode_server_hello(
    message_seq: int, random: bytes, session_id: bytes, extensions: dict[int, bytes]
) -> bytes:
    """A ServerHello message that chooses the one suite."""
    chosen = CIPHER_SUITE.to_bytes(2, "big") + bytes((NULL_COMPRESSION,))
    body = VERSION + random + vector8(session_id) + chosen + _encode_extensions(extensions)
    return encode_message(SERVER_HELLO, message_seq, body)


def decode_server_hello(body: bytes) -> ServerHello:
    """A ServerHello's fields."""
    reader = ByteReader(body)
    expect(reader.take(2) == VERSION, "ServerHello is not of DTLS 1.2")
    random, session_id = reader.take(RANDOM_BYTES), _decode_session_id(reader)
    suite, compression = reader.u16(), reader.u8()
    return ServerHello(random, session_id, suite, compression, _decode_extensions(reader))


def encode_cid_extension(cid: bytes) -> bytes:
    """Content of extension 254: the id that the other side is to write; empty for none."""
    return vector8(cid)


def decode_cid_extension(extensions: dict[int, bytes]) -> bytes | None:
    """The connection id of extension 254, or None without the extension."""
    content = extensions.get(EXTENSION_CONNECTION_ID)
    if content is None:
        return None
    reader = ByteReader(content)
    cid = reader.vector8()
    reader.end()
    return cid


def _decode_session_id(reader: ByteReader) -> bytes:
    session_id = reader.vector8()
    expect(len(session_id) <= _MAX_SESSION_ID_BYTES, "the session id is too long")
    return session_id


def _encode_extensions(extensions: dict[int, bytes]) -> bytes:
    return vector16(
        b"".join(
            number.to_bytes(2, "big") + vector16(content) for number, content in extensions.items()
        )
    )


def _decode_extensions(reader: ByteReader) -> dict[int, bytes]:
    extensions: dict[int, bytes] = {}
    if reader.left():
        block = ByteReader(reader.vector16())
        reader.end()
        while block.left():
            number = block.u16()
            extensions.setdefault(number, block.vector16())
    return extensions


def offers(extensions: dict[int, bytes], number: int, wanted: Sequence[bytes]) -> bool | None:
    """Whether a client's list extension names one of ``wanted``; None without the extension.

    Args:
        extensions: of a ClientHello.
        number: of an extension that is a list of items, with a length before it.
        wanted: items, all of one size; the length has one byte for certificate types and point
            formats (items of one byte), two for the others.
    """
    content = extensions.get(number)
    if content is None:
        return None
    size = len(wanted[0])
    reader = ByteReader(content)
    listed = reader.vector8() if size == 1 else reader.vector16()
    reader.end()
    return any(listed[i : i + size] in wanted for i in range(0, len(listed), size))
