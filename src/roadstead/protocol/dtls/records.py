"""Records: their borders in a datagram, and their protection with AES-128-CCM-8.

A plain header has 13 bytes: type, version, epoch (2), sequence (6), length (2). With a connection
id 8 more stand before the length. A protected record begins with 8 bytes of nonce in clear and ends
with an 8-byte tag. Devices use epoch 1 and no other for protected records.
Spec: RFC 6347 §4.1, RFC 6655 §3; connection ids: device protocol notes §1.6.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from roadstead.protocol.dtls.constants import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CID_BYTES,
    DEVICE_ID_BYTES,
    HANDSHAKE,
    IDENTIFIED,
    MOVED,
    MOVED_IDENTIFIED,
    VERSION,
)

HEADER_BYTES = 13
IDENTIFIED_HEADER_BYTES = HEADER_BYTES + CID_BYTES
NONCE_BYTES = 8
TAG_BYTES = 8
OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
TRAILER_BYTES = DEVICE_ID_BYTES + 1
"""Device id and its length, after a MOVED record."""

CLEAR = VERSION + b"\0\0"
"""Version and epoch of a record in clear."""
PROTECTED = VERSION + b"\0\1"
"""Version and epoch of a protected record."""

PADDING_BLOCK_BYTES = 16
_EPOCH_1 = b"\0\1"
_SEALED_AAD = b"%b%c" + VERSION + b"%c%c"
_SEALED = b"%c" + VERSION + b"%b%c%c%b%b"
"""What is bound to a record without connection id, and the record; one step for each is quicker."""
_IDENTIFIED_AAD = bytes((IDENTIFIED,)) + VERSION
_CID_LENGTH = bytes((CID_BYTES,))
_KINDS = frozenset(
    (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, IDENTIFIED, MOVED_IDENTIFIED, MOVED)
)


def make_cipher(key: bytes) -> AESCCM:
    """The cipher of one direction for a 16-byte key."""
    return AESCCM(key, tag_length=TAG_BYTES)


def find_end(datagram: bytes, offset: int) -> int:
    """Where the record that begins at ``offset`` ends; 0 if it is cut off or no record."""
    kind = datagram[offset]
    if kind not in _KINDS:
        return 0
    body = offset + (
        IDENTIFIED_HEADER_BYTES if kind in (IDENTIFIED, MOVED_IDENTIFIED) else HEADER_BYTES
    )
    if len(datagram) < body:
        return 0
    end = body + int.from_bytes(datagram[body - 2 : body], "big")
    return end if end <= len(datagram) else 0


def decode_sequence(record: bytes) -> int:
    """The record's sequence number, 48 bits without the epoch."""
    return int.from_bytes(record[5:11], "big")


def encode_clear(kind: int, sequence: int, content: bytes) -> bytes:
    """A record of epoch 0."""
    return b"%c%b%b%b%b" % (
        kind,
        CLEAR,
        sequence.to_bytes(6, "big"),
        len(content).to_bytes(2, "big"),
        content,
    )


def seal(cipher: AESCCM, iv: bytes, kind: int, sequence: int, content: bytes) -> bytes:
    """A protected record without connection id; ``iv`` has 4 bytes."""
    counter = _EPOCH_1 + sequence.to_bytes(6, "big")
    length = len(content)
    bound = _SEALED_AAD % (counter, kind, length >> 8, length & 0xFF)
    sealed = cipher.encrypt(iv + counter, content, bound)
    size = length + OVERHEAD_BYTES
    return _SEALED % (kind, counter, size >> 8, size & 0xFF, counter, sealed)


def seal_identified(
    cipher: AESCCM, iv: bytes, cid: bytes, kind: int, sequence: int, content: bytes
) -> bytes:
    """A protected record with connection id, padded with zeros to a multiple of 16."""
    counter = _EPOCH_1 + sequence.to_bytes(6, "big")
    inner = content + bytes((kind,))
    inner += bytes(-len(inner) % PADDING_BLOCK_BYTES)
    bound = b"%b%b%b%b%b" % (
        counter,
        _IDENTIFIED_AAD,
        cid,
        _CID_LENGTH,
        len(inner).to_bytes(2, "big"),
    )
    sealed = cipher.encrypt(iv + counter, inner, bound)
    size = (len(inner) + OVERHEAD_BYTES).to_bytes(2, "big")
    return _IDENTIFIED_AAD + counter + cid + size + counter + sealed


def open_sealed(cipher: AESCCM, iv: bytes, record: bytes, kind: int) -> bytes:
    """The content of a protected record without connection id.

    Args:
        cipher: of the sender's direction.
        iv: of the sender's direction, 4 bytes.
        record: one whole record.
        kind: its authentic type (APPLICATION_DATA for a MOVED one).

    Raises:
        InvalidTag: it is forged or damaged, or too short to be one.
    """
    length = len(record) - HEADER_BYTES - OVERHEAD_BYTES
    if length < 0:
        raise InvalidTag
    bound = b"%b%c%b%b" % (record[3:11], kind, VERSION, length.to_bytes(2, "big"))
    return cipher.decrypt(iv + record[13:21], record[21:], bound)


def open_identified(cipher: AESCCM, iv: bytes, record: bytes) -> bytes:
    """Content, real type and padding of a protected record with connection id.

    Args: as in ``open_sealed``; the type is IDENTIFIED whatever the first byte says.

    Raises:
        InvalidTag: it is forged or damaged, or too short to be one.
    """
    length = len(record) - IDENTIFIED_HEADER_BYTES - OVERHEAD_BYTES
    if length < 0:
        raise InvalidTag
    bound = record[3:11] + _IDENTIFIED_AAD + record[11:19] + _CID_LENGTH
    bound += length.to_bytes(2, "big")
    return cipher.decrypt(iv + record[21:29], record[29:], bound)


def unwrap(inner: bytes) -> tuple[int, bytes]:
    """Real type and content of what ``open_identified`` gave; type 0 if there is none."""
    content = inner.rstrip(b"\0")
    return (content[-1], content[:-1]) if content else (0, b"")
