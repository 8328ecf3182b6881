"""Signed webhooks: how a receiver knows that a request is ours and new. Pure.

Spec: Standard Webhooks 1.0.0, symmetric signatures (``v1``).
"""

import base64
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"

SECRET_BYTES = 32
"""Random bytes of a secret; the specification asks for 24 to 64."""


def write_secret(key: bytes) -> str:
    """A secret as receivers' libraries take it."""
    return PREFIX + base64.b64encode(key).decode()


def read_secret(text: str) -> bytes:
    """The key of a written secret.

    Raises:
        ValueError: it is none.
    """
    return base64.b64decode(text.removeprefix(PREFIX), validate=True)


def signed_headers(
    keys: Iterable[bytes], message_id: str, at_unix_s: int, body: bytes
) -> dict[str, str]:
    """The three headers of a request.

    Args:
        keys: keys that are valid now; while one replaces another, both sign.
        message_id: the same at every attempt, so that receivers recognise a repeat.
        at_unix_s: time of this attempt.
        body: exactly the bytes that are sent.
    """
    signed = b"%b.%d.%b" % (message_id.encode(), at_unix_s, body)
    signatures = [
        "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys
    ]
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at_unix_s)}
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return headers
