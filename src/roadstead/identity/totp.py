"""One-time codes from a shared secret and the time. Pure.

Spec: RFC 6238 §4 (SHA-1, 30 s, 6 digits: what every authenticator app understands), RFC 4226 §5.3.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

STEP_S = 30
"""Seconds that a code is shown. Spec: RFC 6238 §5.2."""

DIGITS = 6

DRIFT_STEPS = 1
"""Steps that a clock may be off either way. Spec: RFC 6238 §5.2."""

SECRET_BYTES = 20
"""Length of a secret: that of the hash. Spec: RFC 4226 §4, R6."""


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, code: str, unix_s: float) -> int | None:
    """The time step around now whose code this is, or None."""
    now = int(unix_s // STEP_S)
    found: int | None = None
    presented = code.encode("utf-8", "surrogatepass")
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(presented, code_at(secret, step).encode()):
            found = step
    return found


def written(secret: bytes) -> str:
    """The secret as people type it: base 32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def enrolment_url(secret: bytes, username: str, issuer: str) -> str:
    """What an authenticator app reads from a QR code (``otpauth:``)."""
    label = f"{quote(issuer)}:{quote(username)}"
    query = urlencode({"secret": written(secret), "issuer": issuer, "digits": DIGITS})
    return f"otpauth://totp/{label}?{query}&period={STEP_S}"
