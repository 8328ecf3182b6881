"""Numbers of DTLS 1.2 as the devices use it: one cipher suite, one curve, one certificate form.

Spec: RFC 6347, RFC 5246 §7.4, RFC 7250, RFC 6655; extension 254 and record types 253 and 254 are
Device OS 6.2 wire.
"""

VERSION = b"\xfe\xfd"
"""DTLS 1.2, in records and in hellos."""

CHANGE_CIPHER_SPEC = 20
ALERT = 21
HANDSHAKE = 22
APPLICATION_DATA = 23
IDENTIFIED = 25
"""Record type of a protected record that carries a connection id and hides its real type."""
MOVED_IDENTIFIED = 253
"""First byte of an IDENTIFIED record after a resume (Device OS 4.0 and later)."""
MOVED = 254
"""First byte of an APPLICATION_DATA record after a resume (Device OS 3.0 and older); the device id
follows the record."""

CLIENT_HELLO = 1
SERVER_HELLO = 2
HELLO_VERIFY_REQUEST = 3
CERTIFICATE = 11
SERVER_KEY_EXCHANGE = 12
CERTIFICATE_REQUEST = 13
SERVER_HELLO_DONE = 14
CERTIFICATE_VERIFY = 15
CLIENT_KEY_EXCHANGE = 16
FINISHED = 20

CIPHER_SUITE = 0xC0AE
"""TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8."""
RENEGOTIATION_SCSV = 0x00FF
NULL_COMPRESSION = 0
NAMED_CURVE = b"\x03"
SECP256R1 = b"\x00\x17"
ECDSA_SHA256 = b"\x04\x03"
RAW_PUBLIC_KEY = 2
"""Certificate type. Spec: RFC 7250 §3."""

EXTENSION_GROUPS = 10
EXTENSION_POINT_FORMATS = 11
EXTENSION_SIGNATURE_ALGORITHMS = 13
EXTENSION_CLIENT_CERTIFICATE_TYPE = 19
EXTENSION_SERVER_CERTIFICATE_TYPE = 20
EXTENSION_CONNECTION_ID = 254
"""Code point of the draft that devices implement; the RFC's own 54 is unknown to them."""
EXTENSION_RENEGOTIATION_INFO = 0xFF01

ALERT_WARNING = 1
ALERT_FATAL = 2
CLOSE_NOTIFY = 0
HANDSHAKE_FAILURE = 40
BAD_CERTIFICATE = 42
ACCESS_DENIED = 49
DECRYPT_ERROR = 51

RANDOM_BYTES = 32
CID_BYTES = 8
"""A device drops the session when it is given any other length."""
SESSION_ID_BYTES = 32
"""Devices ignore the session id; this is the length that every recorded one was given."""
DEVICE_ID_BYTES = 12
POINT_BYTES = 65
"""Uncompressed point of P-256."""
SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""Everything of a P-256 SubjectPublicKeyInfo before the point."""
SPKI_BYTES = len(SPKI_PREFIX) + POINT_BYTES
VERIFY_DATA_BYTES = 12

SEQUENCE_END = 1 << 48
"""Record sequence numbers are below this."""
MESSAGE_SEQ_END = 1 << 16

MAX_DATAGRAM_BYTES = 2048
"""Longer datagrams are no device's: the largest has 1,205 bytes (1,152 of content)."""

MAX_RECORDS_PER_DATAGRAM = 16
"""A flight of a device has five records, fragmented at the very worst some more."""
