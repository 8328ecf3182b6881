"""Access tokens for a password, for a code of a second factor, or for a refresh token.

Source: particle cloud notes §2.1; clients notes §3, §4. Spec: RFC 6749 §4.3, §5, §6.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from roadstead.http import credentials
from roadstead.http.operation import Access, Call, Operation
from roadstead.identity.clients import find_client
from roadstead.identity.tokens import IssuedToken
from roadstead.kit.errors import Invalid

MFA_GRANT = "urn:custom:mfa-otp"

KNOWN_GRANTS = (
    "password",
    MFA_GRANT,
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
    mfa_token: str | None = None
    otp: str | None = None
    refresh_token: str | None = None


class TokenAnswer(msgspec.Struct, omit_defaults=True):
    """A new token; ``expires_in`` is in seconds, 0 for never, and then nothing to refresh."""

    token_type: str
    access_token: str
    expires_in: int
    refresh_token: str | None = None


async def create_token(call: Call) -> TokenAnswer:
    """Issues a token."""
    body: TokenBody = call.body
    client = _client(call, body)
    grant = _GRANTS.get(body.grant_type)
    if grant is None:
        raise _unsupported_grant(body.grant_type)
    issued = await grant(call, body, client)
    return TokenAnswer("bearer", issued.token, issued.expires_in_s or 0, issued.refresh_token)


async def _by_password(call: Call, body: TokenBody, client: str) -> IssuedToken:
    username, password = _need(body, "username"), _need(body, "password")
    return await call.parts.sign_in.with_password(
        username,
        password,
        client,
        lifetime_s=_lifetime_s(body, call.parts.clock.now()),
        address=call.caller.address,
    )


async def _by_code(call: Call, body: TokenBody, client: str) -> IssuedToken:
    mfa_token, code = _need(body, "mfa_token"), _need(body, "otp")
    address = call.caller.address
    return await call.parts.sign_in.with_code(mfa_token, code, client, address=address)


async def _by_refresh(call: Call, body: TokenBody, client: str) -> IssuedToken:
    return await call.parts.identity.refresh(
        _need(body, "refresh_token"),
        client,
        lifetime_s=_lifetime_s(body, call.parts.clock.now()),
        address=call.caller.address,
    )


_GRANTS: dict[str, Callable[[Call, TokenBody, str], Awaitable[IssuedToken]]] = {
    "password": _by_password,
    MFA_GRANT: _by_code,
    "refresh_token": _by_refresh,
}


def _need(body: TokenBody, name: str) -> str:
    value: str | None = getattr(body, name)
    if value is None:
        raise Invalid("invalid_request", f"Field {name!r} is missing.")
    return value


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
        f"grant_type {grant!r} {known}; supported: {', '.join(_GRANTS)}.",
    )


OPERATIONS = (
    Operation(
        name="create_token",
        method="POST",
        path="/oauth/token",
        tag=_TAG,
        summary="Sign in: exchange a password, a code or a refresh token for a token",
        handler=create_token,
        access=Access.OPEN,
        body=TokenBody,
        form_only=True,
        answer=TokenAnswer,
        errors=(403, 429),
    ),
)
