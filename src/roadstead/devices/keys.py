"""Public keys of devices, brought into one form whatever form they come in."""

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from roadstead.devices.model import DeviceKey, KeyAlgorithm
from roadstead.kit.errors import Invalid

MAX_KEY_BYTES = 8 * 1024
"""Longest key text that is looked at; a 4096-bit RSA key as PEM has 800 bytes."""

MIN_RSA_BITS = 1024
"""Devices of the TCP generation have 1024-bit keys. Source: device protocol notes §7.1."""

MAX_RSA_BITS = 4096
"""Nothing larger is made for devices, and a huge key costs time at each handshake."""


def digest_of(spki: bytes) -> bytes:
    """SHA-256 of a SubjectPublicKeyInfo in DER, by which a key is known."""
    return hashlib.sha256(spki).digest()


def parse_public_key(
    device_id: str, text: str | bytes, algorithm: KeyAlgorithm | None = None
) -> DeviceKey:
    """Reads a device's public key from PEM or DER.

    Args:
        device_id: whose it is.
        text: SubjectPublicKeyInfo, as PEM or DER.
        algorithm: what the caller says that it is; None to take what it is.

    Raises:
        Invalid: ``bad_public_key``, also when it is not of the named algorithm.
    """
    key = _load(text.encode() if isinstance(text, str) else text)
    actual = _algorithm_of(key)
    if algorithm is not None and algorithm != actual:
        raise _bad_key(f"it is of the kind {actual}, not {algorithm}")
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return DeviceKey(device_id, actual, spki, digest_of(spki))


def parse_algorithm(text: str) -> KeyAlgorithm:
    """The algorithm that a client names.

    Raises:
        Invalid: ``bad_algorithm``.
    """
    match text.strip().lower():
        case "ecc" | "ec" | "ecdsa":
            return "ecc"
        case "rsa":
            return "rsa"
        case _:
            raise Invalid("bad_algorithm", f"The key algorithm {text!r} is not rsa or ecc.")


def _load(content: bytes) -> PublicKeyTypes:
    if not content or len(content) > MAX_KEY_BYTES:
        raise _bad_key(f"it has {len(content)} bytes")
    load = load_pem_public_key if content.lstrip()[:5] == b"-----" else load_der_public_key
    try:
        return load(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _bad_key("it is not a SubjectPublicKeyInfo in PEM or DER") from error


def _algorithm_of(key: PublicKeyTypes) -> KeyAlgorithm:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ecc"
    if isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return "rsa"
    raise _bad_key(f"devices have P-256 keys or RSA keys of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")


def _bad_key(why: str) -> Invalid:
    return Invalid("bad_public_key", f"The public key cannot be used: {why}.")
