"""Encryption at rest: secrets in the database are sealed with a key kept outside of it.

AES-256-GCM with a random nonce. The context (what the secret is and whose) is authenticated with
it, so that a sealed value copied into another row does not open there.
"""

import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from roadstead.kit.errors import Unavailable

KEY_BYTES = 32
NONCE_BYTES = 12
"""Source: NIST SP 800-38D §8.2.2, random nonces of 96 bits: safe for 2^32 values per key."""

VERSION = b"\x01"
"""First byte of a sealed value, so that the scheme can change."""


class SecretBox:
    """Seals and opens secrets under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """The sealed form: version, nonce, ciphertext and tag (29 bytes longer)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed under this context.

        Raises:
            ValueError: another key or context, a changed value, or an unknown version.
        """
        if sealed[:1] != VERSION:
            raise ValueError("sealed by a version that this program does not know")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, context)
        except InvalidTag:
            raise ValueError("does not open: another secret key, or a changed value") from None


def load_or_create_key(path: Path) -> bytes:
    """The key of this file, made on first use (mode 0600).

    Raises:
        Unavailable: ``secret_key_unusable`` when the file cannot be read or made, has another
            size, or may be read by others.
    """
    with contextlib.suppress(FileExistsError):
        _create(path)
    try:
        mode, key = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    if mode & 0o077:
        raise _unusable(path, "others may read it; run chmod 600 on it")
    if len(key) != KEY_BYTES:
        raise _unusable(path, f"it has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _create(path: Path) -> None:
    """Writes a new key completely before it gets its name; the first of two processes wins."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def _unusable(path: Path, why: str) -> Unavailable:
    return Unavailable("secret_key_unusable", f"The secret key {path} cannot be used: {why}.")
