"""Access tokens for a username and a password.

Source: particle cloud notes §2.1; clients notes §3, §4. Spec: RFC 6749 §4.3, §5.
"""

from datetime import UTC, datetime

import msgspec

from roadstead.http import credentials
from roadstead.http.operation import Access, Call, Operation
from roadstead.identity.clients import find_client
from roadstead.kit.errors import Invalid

SUPPORTED_GRANTS = ("password",)

KNOWN_GRANTS = (
    "password",
    "urn:custom:mfa-otp",
    "client_credentials",
    "refresh_token",
    "authorization_code",
)
"""Grants that the field knows, supported here or not."""

_TAG = "Sign in"


class TokenBody(msgspec.Struct):
    """A request for a token; client id and secret may come by HTTP Basic instead."""

    grant_type: str
    username: str | None = None
    password: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    expires_in: int | None = None
    expires_at: str | None = None


class TokenAnswer(msgspec.Struct):
    """A new token; ``expires_in`` is in seconds, 0 for never."""

    token_type: str
    access_token: str
    expires_in: int


async def create_token(call: Call) -> TokenAnswer:
    """Issues a token."""
    body: TokenBody = call.body
    client = _client(call, body)
    if body.grant_type not in SUPPORTED_GRANTS:
        raise _unsupported_grant(body.grant_type)
    if body.username is None or body.password is None:
        missing = "username" if body.username is None else "password"
        raise Invalid("invalid_request", f"Field {missing!r} is missing.")
    lifetime_s = _lifetime_s(body, call.parts.clock.now())
    user = await call.parts.identity.log_in(body.username, body.password)
    issued = await call.parts.identity.issue_token(
        user, client, lifetime_s=lifetime_s, address=call.caller.address
    )
    return TokenAnswer("bearer", issued.token, issued.expires_in_s or 0)


def _client(call: Call, body: TokenBody) -> str:
    pair = credentials.find_basic(call.headers)
    client_id, secret = pair or (body.client_id or "", body.client_secret or "")
    if not client_id:
        raise Invalid(
            "invalid_request",
            "The client is missing: send client_id and client_secret as fields or by HTTP Basic.",
        )
    client = find_client(client_id, secret)
    if client is None:
        raise Invalid("invalid_client", "Client credentials are invalid")
    return client


def _lifetime_s(body: TokenBody, now: datetime) -> int | None:
    if body.expires_in is not None or body.expires_at is None:
        return body.expires_in
    try:
        expires_at = datetime.fromisoformat(body.expires_at)
    except ValueError as error:
        raise _bad_expiry(body.expires_at) from error
    aware = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
    seconds = int((aware - now).total_seconds())
    if seconds <= 0:
        raise _bad_expiry(body.expires_at)
    return seconds


def _bad_expiry(text: str) -> Invalid:
    return Invalid(
        "invalid_request", f"Field 'expires_at' is {text!r}; it must be a time to come in ISO 8601."
    )


def _unsupported_grant(grant: str) -> Invalid:
    known = "is not offered by this version" if grant in KNOWN_GRANTS else "is not known"
    return Invalid(
        "unsupported_grant_type",
        f"grant_type {grant!r} {known}; supported: {', '.join(SUPPORTED_GRANTS)}.",
    )


OPERATIONS = (
    Operation(
        name="create_token",
        method="POST",
        path="/oauth/token",
        tag=_TAG,
        summary="Sign in: exchange username and password for a token",
        handler=create_token,
        access=Access.OPEN,
        body=TokenBody,
        form_only=True,
        answer=TokenAnswer,
    ),
)
