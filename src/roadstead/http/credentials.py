"""What a caller proves itself with: a bearer token or a Basic pair.

A token may come in the ``Authorization`` header, in the query or in the body, because the published
examples and older tools use all three. Spec: RFC 6750 §2, RFC 7617 §2.
"""

import base64
import binascii
from collections.abc import Mapping

TOKEN_FIELD = "access_token"  # noqa: S105
"""Name of the query parameter and body field that may carry the token."""

MAX_TOKEN_CHARS = 512
"""Longest token that is looked up at all; ours have 40."""


def find_bearer(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The token of the header or else of the query; empty when the header is malformed."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()[:MAX_TOKEN_CHARS]
    token = query.get(TOKEN_FIELD)
    return token[:MAX_TOKEN_CHARS] if token is not None else None


def find_field_token(fields: Mapping[str, object]) -> str | None:
    """The token among the fields of a body."""
    token = fields.get(TOKEN_FIELD)
    return token[:MAX_TOKEN_CHARS] if isinstance(token, str) else None


def find_basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The user and password of a Basic header; None without one or when it is malformed."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None
