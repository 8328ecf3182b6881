"""The server's own keys, by which devices know it, and the form in which devices store them.

One elliptic key for the UDP generation and one RSA key for the TCP generation. Devices are given
the public key once, over USB; the private keys must therefore never change and never be lost.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Literal, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec as elliptic_curve
from cryptography.hazmat.primitives.asymmetric import rsa as rivest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from roadstead.kit.errors import Invalid, Unavailable

KeyKind = Literal["ec", "rsa"]
"""``ec``: UDP generation. ``rsa``: TCP generation."""

RSA_BITS = 2048
"""Size that the slot in the device is made for. Spec: device protocol notes §7.3."""

MAX_DOMAIN_CHARS = 63
"""Longest host name in the address block: 64 bytes on the device, one of them ends the text."""

_MAX_KEY_FILE_BYTES = 64 * 1024


class _FlashLayout(NamedTuple):
    """Where things lie in a device's copy. Spec: device protocol notes §7.3."""

    size_bytes: int
    address_at: int
    port_at: int
    default_port: int


_LAYOUTS: dict[KeyKind, _FlashLayout] = {
    "ec": _FlashLayout(320, 192, 258, 5684),
    "rsa": _FlashLayout(512, 384, 450, 5683),
}

_FILLER = b"\xff"
_TYPE_IPV4 = 0
_TYPE_DOMAIN = 1
_DOMAIN = re.compile(r"[A-Za-z0-9$]([A-Za-z0-9$.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """The private keys of this server.

    Attributes:
        ec: P-256, for DTLS with devices of the UDP generation.
        rsa: 2048 bits with exponent 65537, for devices of the TCP generation.
    """

    ec: EllipticCurvePrivateKey
    rsa: RSAPrivateKey

    @classmethod
    def load_or_create(cls, directory: Path) -> "ServerKeys":
        """Reads ``ec.pem`` and ``rsa.pem``, and makes what is missing (mode 0600, never replaced).

        Processes that do so at the same time end with the same keys.

        Raises:
            Invalid: ``bad_server_key`` when a file holds no such key or others may read it.
            Unavailable: ``keys_unusable`` when the folder cannot be read or written.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(directory):
                elliptic = _load_or_create(directory / "ec.pem", _new_ec)
                modular = _load_or_create(directory / "rsa.pem", _new_rsa)
        except OSError as error:
            raise Unavailable(
                "keys_unusable", f"Cannot keep keys in {directory}: {error.strerror}."
            ) from error
        if not isinstance(elliptic, EllipticCurvePrivateKey) or not isinstance(
            elliptic.curve, elliptic_curve.SECP256R1
        ):
            raise _bad_key(directory / "ec.pem", "holds no P-256 private key")
        if not isinstance(modular, RSAPrivateKey) or modular.key_size != RSA_BITS:
            raise _bad_key(directory / "rsa.pem", f"holds no RSA private key of {RSA_BITS} bits")
        return cls(elliptic, modular)

    def public_der(self, kind: KeyKind) -> bytes:
        """The bare SubjectPublicKeyInfo in DER: 91 bytes for ``ec``, 294 for ``rsa``."""
        return self._public(kind, Encoding.DER)

    def public_pem(self, kind: KeyKind) -> str:
        """The public key as text, ``-----BEGIN PUBLIC KEY-----`` first."""
        return self._public(kind, Encoding.PEM).decode()

    def flash_blob(self, kind: KeyKind, host: str, port: int | None = None) -> bytes:
        """The key and the server's address as they lie in a device's flash.

        Args:
            kind: generation of the device.
            host: IPv4 address, or a domain name of at most 63 characters that may contain ``$id``.
            port: where the server listens; None for the generation's own (5684 or 5683).

        Returns:
            320 bytes for ``ec``, 512 for ``rsa``. Spec: device protocol notes §7.3.

        Raises:
            Invalid: ``bad_host`` or ``bad_port``.
        """
        layout = _LAYOUTS[kind]
        number = layout.default_port if port is None else port
        # 0 and 65535 mean "the default" to the device, so they cannot name a port.
        if not 1 <= number <= 65534:
            raise Invalid("bad_port", f"Port {number} is not from 1 to 65534.")
        blob = self.public_der(kind).ljust(layout.address_at, _FILLER)
        blob = (blob + _encode_host(host)).ljust(layout.port_at, _FILLER)
        return (blob + number.to_bytes(2, "big")).ljust(layout.size_bytes, _FILLER)

    def _public(self, kind: KeyKind, encoding: Encoding) -> bytes:
        key = self.ec.public_key() if kind == "ec" else self.rsa.public_key()
        return key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _encode_host(host: str) -> bytes:
    with contextlib.suppress(AddressValueError):
        return bytes((_TYPE_IPV4, 4)) + IPv4Address(host).packed
    numeric = re.fullmatch(r"[0-9.]+", host)
    if numeric or len(host) > MAX_DOMAIN_CHARS or not _DOMAIN.fullmatch(host):
        raise Invalid(
            "bad_host",
            f"{host!r} is neither an IPv4 address nor a domain name of at most "
            f"{MAX_DOMAIN_CHARS} characters; devices store nothing else.",
        )
    return bytes((_TYPE_DOMAIN, len(host))) + host.encode("ascii")


def _new_ec() -> PrivateKeyTypes:
    return elliptic_curve.generate_private_key(elliptic_curve.SECP256R1())


def _new_rsa() -> PrivateKeyTypes:
    return rivest.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keeps other processes from creating keys here meanwhile; a dead one holds no lock."""
    with (directory / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _load_or_create(path: Path, create: Callable[[], PrivateKeyTypes]) -> PrivateKeyTypes:
    try:
        return _load(path)
    except FileNotFoundError:
        _write(path, create())
        return _load(path)


def _load(path: Path) -> PrivateKeyTypes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o007:
            raise _bad_key(path, "can be read by others; run: chmod 600")
        content = file.read(_MAX_KEY_FILE_BYTES)
    try:
        return load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _bad_key(path, "is not a private key in PEM") from error


def _write(path: Path, key: PrivateKeyTypes) -> None:
    """Puts the key there complete or not at all, whenever the power fails."""
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _bad_key(path: Path, what: str) -> Invalid:
    return Invalid("bad_server_key", f"{path} {what}.")
